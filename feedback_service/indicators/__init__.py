"""The law: what the official methodology says and how its figures are computed from counts.

``scoring`` holds the formula of the loyalty index, ``methodology`` the dated document that it follows.
"""
