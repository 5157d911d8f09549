"""``make bench``: everything that is measured, as ratios within one run.

Prints tables, and keeps the figures as ``$DATA_DIR/bench/*.json``.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import administration, arrivals, cases, relay, summaries, survey, tablet

DIALECTS = ("sqlite", "postgresql")
PARTS = ("survey", "cases", "relay", "arrivals", "summaries", "administration", "tablet")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; repeat for several")
    parser.add_argument("--visits", type=int, default=400, help="visits in a round")
    parser.add_argument("--pairs", type=int, default=5, help="rounds of each program, in turns")
    parser.add_argument(
        "--clients", type=int, action="append", help="people at once: 8 and 32 when not given"
    )
    parser.add_argument("--cases", type=int, default=3000, help="cases to register")
    parser.add_argument("--events", type=int, default=20_000, help="that wait after an outage")
    parser.add_argument("--relays", type=int, default=1, help="that carry them")
    parser.add_argument("--pace", type=int, default=50, help="answers a second that are to arrive in time")
    parser.add_argument(
        "--seconds", type=int, default=15, help="of that, and of a wrong secret on either side"
    )
    parser.add_argument("--rows", type=int, default=300_000, help="answers to summarise")
    parser.add_argument("--centres", type=int, default=1, help="whose answers these are")
    parser.add_argument("--responses", type=int, default=300_000, help="of three years, that pages sum up")
    parser.add_argument("--invited", type=int, default=600_000, help="cases whose applicants were invited")
    parser.add_argument("--starts", type=int, default=20, help="of the tablet without a line")
    parser.add_argument("--people", type=int, default=12, help="who answer on it, seven taps each")
    parser.add_argument(
        "--database", choices=DIALECTS, action="append", help="one of them; both if not given"
    )
    asked = parser.parse_args()
    parts, dialects = asked.only or PARTS, asked.database or DIALECTS
    if "survey" in parts:
        visits = [
            _in_folder(survey.compare, dialect, visits=asked.visits, pairs=asked.pairs, clients=clients)
            for dialect in dialects
            for clients in asked.clients or (8, 32)
        ]
        _keep("survey", visits)
        print("A visit: the survey's page and one finished answer, beside the bare program\n")
        _table(_rows(visits))
    if "cases" in parts:
        told = [_in_folder(cases.register, dialect, cases=asked.cases, clients=8) for dialect in dialects]
        drawn = cases.images()
        _keep("cases", {"registered_a_second": told, "drawn_a_second": drawn})
        print("Cases registered a second, images drawn a second\n")
        _table(told)
        _table([drawn])
    if "relay" in parts:
        doses = {"waiting": asked.events, "relays": asked.relays}
        drained = [_in_folder(relay.drain, dialect, **doses) for dialect in dialects]
        _keep("relay", drained)
        print("Events that waited for thirty days, and new ones meanwhile\n")
        _table(drained)
    if "arrivals" in parts:
        doses = {"answers_a_second": asked.pace, "seconds": asked.seconds}
        arrived = [_in_folder(arrivals.measure, dialect, **doses) for dialect in dialects]
        _keep("arrivals", arrived)
        print("From an answer to the central system's book; a wrong secret on either side; memory\n")
        _table(arrived)
    if "summaries" in parts:
        doses = {"answers": asked.rows, "centres": asked.centres}
        told = [_in_folder(summaries.measure, dialect, **doses) for dialect in dialects]
        _keep("summaries", told)
        print("A year's summary, milliseconds\n")
        _table(told)
    if "administration" in parts:
        doses = {"responses": asked.responses, "cases": asked.invited}
        pages = [
            line for dialect in dialects for line in _in_folder(administration.measure, dialect, **doses)
        ]
        _keep("administration", pages)
        print("What an administrator waits for, milliseconds\n")
        _table(pages)
    if "tablet" in parts:
        with tempfile.TemporaryDirectory(prefix="vidhuk-bench-") as folder:
            felt = tablet.measure(Path(folder), starts=asked.starts, people=asked.people)
        _keep("tablet", felt)
        print("The hall's tablet in a browser\n")
        _table(felt)


def _in_folder(measure: Any, dialect: str, **doses: int) -> Any:
    with tempfile.TemporaryDirectory(prefix="vidhuk-bench-") as folder:
        return measure(dialect, Path(folder), **doses)


def _rows(visits: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"database": one["database"], "clients": one["clients"], "program": program}
        | one[program]
        | {"pss_mib": one["pss_mib"][program]}
        | (
            {name: one[name] for name in ("ratio", "ratio_from_to", "ratio_p99", "ratio_cpu")}
            if program == "ours"
            else {}
        )
        for one in visits
        for program in ("ours", "bare")
    ]


def _table(rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names] + [[str(row.get(name, "")) for name in names] for row in rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    for line in lines:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    print()


def _keep(name: str, figures: object) -> None:
    kept = Path(os.environ.get("DATA_DIR") or "var") / "bench" / f"{name}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
