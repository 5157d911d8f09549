"""Feedback on administrative services, from a completed case to the central monitoring system.

    case system ─► cases ─► invitations ─► surveys ─► answers ─► indicators ─► summaries
                     │                                   │
                     └────────────► outbox ◄─────────────┘
                                      │
                                    relay  ─► central monitoring system

Read ``flow`` first: every write the service can make is one function there, and one transaction; only the relay
keeps its own books, in ``delivery.courier``.
``models`` is the data dictionary. ``api`` (JSON), ``kiosk_ui`` (HTML, a package of its own) and
``cli`` are the doors; none of them touches a table. ``program`` is what is behind
them, and all that a command needs; ``app`` adds the doors.

    ground      words, config, clock, text, errors, documents, files, logs, database (engine and transactions)
    rooms       cases (registering, tokens, QR, slips, posters), surveys (questionnaires, answers, privacy guard,
                comments), indicators (methodology, scoring, roll-ups, summaries, comparisons, control limits,
                CUSUM), delivery (events, outbox, relay), access (users and what they may see, sessions, keys,
                tablets, journal)
    sandbox     what only a demonstration needs: demo data, a demo portal, the launcher of ``make run``
"""
