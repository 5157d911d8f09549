"""Feedback on administrative services, from a completed case to the central monitoring system.

    case system ─► cases ─► invitations ─► surveys ─► answers ─► counts ─► figures
                     │                                   │
                     └────────────► outbox ◄─────────────┘
                                      │
                                    relay  ─► central monitoring system

Read ``flow`` first: whatever happens is one function there, in one transaction. Only ``delivery`` has transactions
of its own. Import-linter checks which package may import which (``pyproject.toml``); ``tests/test_map.py`` checks that
this map is complete. ``docs/glossary.md`` explains the words.

The program, put together. ``wsgi.py``, beside this package, begins it for gunicorn and for commands:

    app         the program with its doors: it answers requests
    program     what is behind the doors: database and shipped documents; a command needs no more
    worker      the duties of the worker, each in a thread of its own

Doors; none of them touches a table. The third door, ``kiosk_ui`` (HTML), is a package of its own:

    api         the JSON door
    cli         the command-line door

Use cases:

    flow        what people, case systems and the worker do

Rooms, which do not import each other; only the order of counting is allowed (figures, counts, indicators, then the
questionnaires of ``surveys``, each importing those after it):

    centres     a centre by its code, its opening hours, codes of the State
    cases       the register of cases, invitations
    surveys     questionnaires, answers, responses, comments, the privacy guard
    indicators  the law: methodology, scoring, intervals
    counts      counting answers and invitations by day and month
    figures     summaries, suppression of small groups, comparisons, control charts, CUSUM
    alarms      alarms that statistics of a series raise, and their e-mails
    breaches    serious breaches that answers tell of
    delivery    events, outbox, relay, packages
    access      users, roles, visibility, sessions, passwords, API keys, the audit log
    tablets     tablets of the hall, the texts of their screens, signals of hasty answers
    printing    QR codes, receipt slips, the poster

Ground:

    documents   reading published documents: questionnaires and methodologies
    alarm_rows  rows of alarms and checks, which alarms and breaches share
    models      the data dictionary: every table
    database    the engine, transactions and readings
    keyring     keys from which tokens, codes and receipts are derived
    sealing     encryption of what is stored
    config      settings from the environment
    setting_parsers  what the value of each setting may be
    i18n        translation for both doors, names of languages
    clock       the current time, and days in Kyiv
    facts       facts of an answer that rooms hand to each other as plain values
    vocabulary  code lists that all rooms share
    errors      every refusal
    lookalikes  letters that look alike in Latin and Cyrillic
    plain_text  cleaning and length limits of text that people type
    addresses   public addresses of surveys, halls and pages
    bearer_secrets  hashes of secrets that callers present
    backoff     waits that grow
    periods     periods of days as people type them
    strict_json  JSON documents, read strictly
    imports     CSV and JSON files that people bring
    exports     CSV files and workbooks for staff
    mail        e-mail
    logs        log lines

Beside the service:

    sandbox     what only a demonstration needs: demo data, a demo portal, the launcher of ``make run``
"""
