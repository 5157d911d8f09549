"""Alarms that the statistics of a series raise, and the e-mails that report what needs a person.

store         alarms, and the checks that wait for the worker
email_outbox  when e-mails are written, to whom, and whether they were sent
email_text    the text of the e-mails
"""
