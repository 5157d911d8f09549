"""Code lists that all rooms share: words in tables, in messages and in documents of operators."""

# Regular expressions of codes of the State.
CENTRE_CODE = "[A-Z0-9]{1,10}"  # under which a centre can be registered
STATE_CENTRE_CODE = "[A-Z]{2}[0-9]{8}"  # the form of the State's register, such as SN12000007
EDRPOU = "[0-9]{8}"

FRONT_OFFICES = ("offline", "online")
STATUSES = ("registered", "in_progress", "returned", "completed", "refused", "cancelled")
FINAL_STATUSES = frozenset({"completed", "refused"})
WORKPLACE_KINDS = ("centre", "territorial_unit", "remote", "mobile")
SOURCES = (
    *("qr_case", "tablet_hall", "tablet_walkup", "qr_hall"),
    *("sms_viber", "phone_interview", "paper_box", "diia_centers_map"),
)
PARTS_OF_DAY = ("morning", "midday", "afternoon", "evening")
EVENT_STATES = ("pending", "delivered", "dead")
SCOPES = ("cases:write", "cases:read", "responses:write", "summaries:read", "reports:read", "deliveries:manage")
ROLES = ("administrator", "head", "council", "provider", "oblast", "central_body", "ministry", "operator")
LANGUAGES = ("uk", "en")  # of catalogues, slips and questionnaires: every text exists in all of these
ALARM_KINDS = BAD_ANSWERS, BREACH = "bad_answers", "breach"
DEVICE_MODES = ("desk", "hall")
TABLET_OUTCOMES = ("accepted", "accepted_as_walkup", "duplicate", "rejected")  # of an answer that a tablet delivers
CONTINUED_ELSEWHERE = "continued_elsewhere"  # several clients took part in the answer
# Reasons to doubt an answer: how it was given on a tablet, or who took part in it.
SIGNALS = ("hurried", "burst", "alike", "after_hours", CONTINUED_ELSEWHERE)
