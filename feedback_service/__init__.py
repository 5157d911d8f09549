"""Feedback on administrative services, from a completed case to the central monitoring system.

    case system ─► cases ─► invitations ─► surveys ─► answers ─► indicators ─► summaries
                     │                                   │
                     └────────────► outbox ◄─────────────┘
                                      │
                                    relay  ─► central monitoring system

Read ``flow`` first: every write the service can make is one function there, and one transaction; only the relay
keeps its own books, in ``delivery.relay``. What stands on which floor is checked by import-linter, see
``pyproject.toml``; that this map is whole, by ``tests/test_map.py``.

The program, put together:

    app         the program with its doors: what answers requests
    program     what is behind the doors: database and shipped documents; a command needs no more
    worker      the worker's duties, each in a thread of its own

Doors; none of them touches a table. The third, ``kiosk_ui`` (HTML), is a package of its own:

    api         the JSON door
    cli         the command-line door

What happens:

    flow        the stories: what people, case systems and the worker do

Rooms, which do not know each other:

    centres     a centre by its code, codes of the State
    cases       registering, tokens, QR codes, slips, posters
    surveys     questionnaires, answers, privacy guard, comments
    indicators  the law: methodology, scoring, intervals
    counts      tallies, roll-ups, closing of days
    figures     summaries, suppression, comparisons, control limits, CUSUM, the dashboard
    alarms      alarms that statistics of a series raise, and letters
    breaches    something serious that answers tell of
    delivery    events, outbox, relay, packages
    access      users and what they may see, sessions, keys, tablets' keys, journal
    tablets     texts of tablets' screens

Ground:

    models      the data dictionary: every table
    database    the engine, transactions and readings
    config      settings from the environment
    i18n        translation for both doors, names of languages
    clock       now, and days in Kyiv
    words       code lists that all rooms share
    errors      every refusal
    plain_text  cleaning and length of text that people type
    addresses   public addresses of surveys, halls, receipts
    bearer_secrets  hashes of secrets that callers present
    backoff     waits that grow
    periods     periods of days as people type them
    documents   JSON documents read strictly
    files       CSV and JSON files of operators
    exports     CSV and workbooks for staff
    mail        e-mail
    logs        log lines

Beside the service:

    sandbox     what only a demonstration needs: demo data, a demo portal, the launcher of ``make run``
"""
