"""The JSON door. Its views are thin: they read the request, call the flow and write the reply.

blueprint        puts the door together
endpoint         what a view declares: who may call it, what it reads, how it is documented
cases            views: cases and invitations
surveys          views: surveys and answers
summaries        views: figures
tablets          views: tablets
deliveries       views: deliveries to the central system
schemas          shapes on the wire
tablet_schemas   shapes of what tablets send and get
summary_schemas  shapes of figures
fields           kinds of fields, and how strictly they are read
request_body     how strictly JSON is read
problems         how refusals are written
json_reply       how replies are written
openapi          the door described for programs
docs             the door described for people
health           health and metrics
"""
