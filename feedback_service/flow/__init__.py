"""Every write but the relay's own books: one function, one thing that happens, one transaction, readable aloud.

    cases         a case system tells; an invitation is issued or cancelled
    answers       a person answers by an invitation: taps, sends, or leaves it begun
    direct        an answer comes without an invitation: from the hall's poster, or typed in by staff
    recording     the step that every way of answering ends in
    receipts      a person reads the receipt, takes the answer back, types a short code
    comments      staff read comments and set them aside
    pairing       a tablet is let in, or its key ended
    tablets       a tablet asks what to show and brings what people answered on it
    queue_files   the same from a file that a stuck tablet saved
    tablet_list   which tablets a centre has, and how they fare
    alarms        people read alarms and breaches, and say what they do about them
    sign_in       staff come in and go out
    oversight     which centres they may see; the journal knows who saw what
    staff         people are let into the administration, and kept out of it
    profile       a centre's people keep its profile and services
    integrations  keys for case systems are made and ended
    explaining    they explain a figure
    dashboard     the administrators' pages of figures, each read in one snapshot
    summaries     summaries for systems, for commands and for everybody
    health        whether the service can work, and how much waits
    deliveries    an operator has an event sent again
    registers     an operator adds and imports centres and services
    publishing    an operator publishes questionnaires and methodologies
    maintenance   what time does: days are recounted, old things are deleted
    alarm_duties  what time does: alarms and breaches are raised, reviewed, told in letters

The doors import these modules and call their functions by the module's name; nothing is passed on from here.
A story that is a transaction calls no other story. A story that is none may call others, one after the other:
``queue_files`` brings each answer by ``tablets.deliver``, ``profile`` imports services by ``registers``, and the
worker's duties complete answers by ``answers`` and forget sessions by ``sign_in``.
Which event is carried by whom, and how that went, the relay writes down in ``delivery.relay``.
"""
