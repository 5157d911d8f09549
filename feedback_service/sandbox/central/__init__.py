"""A made-up central monitoring system: it receives the events of the feedback service.

It shares no code with the service. What it knows are the published JSON Schemas, CloudEvents and Standard
Webhooks, so its records can be compared with those of the service.
"""
