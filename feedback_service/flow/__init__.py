"""The use cases. A *story* is one thing that happens: one function here, in one transaction.

The decorator of a story says how it uses the database: ``transaction``, ``reading``, ``optimistic_transaction``. A
public function without a decorator calls several stories, one after the other; or it is a step of a story and gets
that story's transaction (``tx`` or ``connection``); or it touches no database.

    cases              a case system reports a case; an invitation is issued or cancelled
    answers            a person answers by an invitation; an unfinished answer is a draft
    uninvited_answers  an answer comes without an invitation: from the hall's poster, or typed in by staff
    recording          the step that every way of answering ends in
    receipts           a person reads the receipt, withdraws the answer
    short_codes        a person types the short code of an invitation
    comments           staff read comments and set them aside
    tablet_pairing     a tablet is paired, or its key is revoked
    tablet_screens     a tablet asks what to show and looks up a short code
    tablet_answers     a tablet delivers what people answered on it
    tablet_files       the same from a file that a stuck tablet saved
    tablet_health      which tablets a centre has, and what is wrong with them
    alarms             staff read alarms and breaches, acknowledge them, and choose whether to get e-mails
    sign_in            staff sign in and out, see their sessions, choose a password
    second_factor      staff prove the second factor, or set it up
    audit              which centres staff may see; the audit log notes who saw what
    users              people get access to the administration, and lose it
    centre_profile     a centre's people edit its profile and services
    api_keys           keys for case systems are made and revoked
    explanations       people explain a figure in writing
    dashboard          the administrators' pages of figures, each read in one snapshot
    summaries          summaries for systems, for commands and for everybody; the privacy notice of a centre
    health             whether the service can work, and how much waits
    deliveries         an operator has an event sent again
    registers          an operator adds and imports centres
    service_import     an operator or staff import the services of centres
    row_import         what imports share: rows in batches, faults by line, cells
    publishing         an operator publishes questionnaires and methodologies
    duties             what all duties of the worker share: how they stop, go on, and pass over a centre that fails
    maintenance        duties of the worker: days are recounted, old rows are deleted; an operator's recount
    purge_permission   nothing old is deleted while the clock may be wrong
    alarm_duties       duties of the worker: alarms and breaches are raised, reviewed, reported by e-mail

The doors import these modules and call their functions by the module's name; this package re-exports nothing.
A story calls no other story. Who calls several: ``tablet_files`` records each answer by ``tablet_answers``,
``centre_profile`` imports services by ``service_import``, and the duties of the worker complete drafts by ``answers``
and delete old sessions by ``sign_in``.
Outside the flow only ``delivery`` commits. ``relay`` and ``packaging`` number the events that wait and note what became
of each; ``clock_repair`` mends their dates after the clock has jumped.
"""
