"""Serious breaches that people report in their answers, from the first report until somebody acknowledges them.

store       counts the reports for the open breach
email_text  the text of the e-mails
"""
