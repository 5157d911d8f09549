"""Delivery of events to the central monitoring system.

events             the events and their JSON
contents           seals what events tell, and opens it
outbox             stores new events in the caller's transaction
numbering          numbers a centre's events and fixes their bodies
relay              claims events, sends them, stores the outcome
clock_repair       repairs what a wrong clock has done
retry_policy       decides what follows from a reply
transports         ways to the central system: HTTPS
packaging          writes events into package files, where no connection exists
package_file       the format of a package file
webhook_signature  signs requests and packages
status             how many events wait or failed, and why
"""
