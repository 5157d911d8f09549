"""Something serious that people tell of in answers, from when it is noticed until somebody has dealt with it.

store    what is noticed, what stands, what was done about it
letters  what a letter says of it
"""
