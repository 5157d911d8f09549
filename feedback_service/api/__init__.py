"""The JSON API for case systems, portals and tablets. A view parses the request, calls the flow, writes the reply.

blueprint        registers everything
endpoint         the declaration of a view: who may call it, what it takes, how it is documented
cases            views: cases and invitations
surveys          views: surveys and answers
summaries        views: figures
tablets          views: tablets
deliveries       views: deliveries to the central system
schemas          schemas of requests and replies
tablet_schemas   schemas of the tablets' requests and replies
summary_schemas  schemas of figures
fields           kinds of fields, which are parsed strictly
request_body     reads the body of a request, strictly
problems         writes refusals
json_reply       writes replies
openapi          builds the description for programs
receiver         describes what the central system receives from us
docs             shows the description to people
health           health and metrics
"""
