"""A made-up central monitoring system: what the feedback service promises to tell, this one receives.

It shares no code with the service. What it knows are the published JSON Schemas, CloudEvents and Standard
Webhooks, so what it has written down can be held against the service.
"""
