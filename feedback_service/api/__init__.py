"""The JSON door; its views are thin: they read, call the flow, answer.

door             puts the door together
operations       what is declared beside each view; it guards, reads and documents
cases            views: cases and invitations
surveys          views: surveys and answers
summaries        views: figures
kiosk            views: tablets
deliveries       views: deliveries to the central system
schemas          shapes on the wire
kiosk_schemas    shapes of what tablets send and get
summary_schemas  shapes of figures
fields           kinds of fields, and how strictly they are read
body             how strictly JSON is read
problems         how refusals are written
replies          how answers are written
openapi          the door described for programs
docs             the door described for people
probes           health and metrics
"""
