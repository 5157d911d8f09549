"""Who may do what: users, roles and sessions of people, API keys of programs, and the audit log.

users          accounts, the centres that their roles reach, links that set a password
roles          the rights of each role, and what its scopes mean
visibility     which centres and answers a person may see
sessions       sessions of people who are signed in
passwords      hashing passwords, refusing those that are easy to guess
second_factor  one-time codes
known_browsers proofs of browsers in which a user has signed in
throttle       waits after wrong attempts
api_keys       keys of case systems and portals
audit_log      who saw and did what, chained by hashes
noted_reads    who read which figures and comments, hour by hour
"""
