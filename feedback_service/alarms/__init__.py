"""Alarms that the statistics of a series raise, and the e-mails that report what needs a person.

store         when an alarm is raised, updated or ended
email_outbox  when e-mails are written, to whom, and whether they were sent
email_text    the text of the e-mails
"""
