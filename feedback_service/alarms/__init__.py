"""Alarms that statistics of a series raise, until they are over; and letters about whatever calls a human.

book     alarms of bad answers, and answers that give cause to look
post     when letters are written, to whom, and what becomes of them
letters  what they say
"""
