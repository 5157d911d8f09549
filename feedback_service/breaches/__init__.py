"""Serious breaches that people report in their answers, from the first report until somebody acknowledges them.

store       reports that wait for the worker, open breaches, acknowledgements
email_text  the text of the e-mails
"""
