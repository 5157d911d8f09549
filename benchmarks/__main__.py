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
    """Run the benchmarks that the arguments name."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; repeat for several")
    parser.add_argument("--visits", type=int, default=400, help="visits in a round")
    parser.add_argument("--pairs", type=int, default=5, help="rounds of each program, in turns")
    parser.add_argument("--clients", type=int, action="append", help="people at once: 8 and 32 when not given")
    parser.add_argument("--cases", type=int, default=3000, help="cases to register")
    parser.add_argument("--events", type=int, default=20_000, help="that wait after an outage")
    parser.add_argument("--relays", type=int, default=1, help="that carry them")
    parser.add_argument("--pace", type=int, default=50, help="answers a second that are to arrive in time")
    parser.add_argument("--seconds", type=int, default=15, help="of that, and of a wrong secret on either side")
    parser.add_argument("--rows", type=int, default=300_000, help="answers to summarise")
    parser.add_argument("--centres", type=int, default=1, help="whose answers these are")
    parser.add_argument("--responses", type=int, default=300_000, help="of three years, that pages sum up")
    parser.add_argument("--invited", type=int, default=600_000, help="cases whose applicants were invited")
    parser.add_argument("--starts", type=int, default=20, help="of the tablet without a line")
    parser.add_argument("--people", type=int, default=12, help="who answer on it, seven taps each")
    parser.add_argument("--database", choices=DIALECTS, action="append", help="one of them; both if not given")
    arguments = parser.parse_args()
    parts, dialects = arguments.only or PARTS, arguments.database or DIALECTS
    if "survey" in parts:
        visit_results = [
            _measure_in_folder(survey.compare, dialect, visits=arguments.visits, pairs=arguments.pairs, clients=clients)
            for dialect in dialects
            for clients in arguments.clients or (8, 32)
        ]
        _write_figures("survey", visit_results)
        print("A visit: the survey's page and one finished answer, beside the bare program\n")
        _print_table(_flatten_visits(visit_results))
    if "cases" in parts:
        measurements = [
            _measure_in_folder(cases.measure_registration, dialect, cases=arguments.cases, clients=8)
            for dialect in dialects
        ]
        image_rates = cases.measure_images()
        _write_figures("cases", {"registered_a_second": measurements, "drawn_a_second": image_rates})
        print("Cases registered a second, images drawn a second\n")
        _print_table(measurements)
        _print_table([image_rates])
    if "relay" in parts:
        options = {"waiting": arguments.events, "relays": arguments.relays}
        drain_results = [_measure_in_folder(relay.measure_drain, dialect, **options) for dialect in dialects]
        _write_figures("relay", drain_results)
        print("Events that waited for thirty days, and new ones meanwhile\n")
        _print_table(drain_results)
    if "arrivals" in parts:
        options = {"answers_a_second": arguments.pace, "seconds": arguments.seconds}
        arrival_results = [_measure_in_folder(arrivals.measure, dialect, **options) for dialect in dialects]
        _write_figures("arrivals", arrival_results)
        print("From an answer to the central system's book; a wrong secret on either side; memory\n")
        _print_table(arrival_results)
    if "summaries" in parts:
        options = {"answers": arguments.rows, "centres": arguments.centres}
        measurements = [_measure_in_folder(summaries.measure_summaries, dialect, **options) for dialect in dialects]
        _write_figures("summaries", measurements)
        print("A year's summary, milliseconds\n")
        _print_table(measurements)
    if "administration" in parts:
        options = {"responses": arguments.responses, "cases": arguments.invited}
        pages = [
            row for dialect in dialects for row in _measure_in_folder(administration.measure_pages, dialect, **options)
        ]
        _write_figures("administration", pages)
        print("What an administrator waits for, milliseconds\n")
        _print_table(pages)
    if "tablet" in parts:
        with tempfile.TemporaryDirectory(prefix="vidhuk-bench-") as folder:
            tablet_results = tablet.measure_tablet(Path(folder), starts=arguments.starts, people=arguments.people)
        _write_figures("tablet", tablet_results)
        print("The hall's tablet in a browser\n")
        _print_table(tablet_results)


def _measure_in_folder(measure: Any, dialect: str, **options: int) -> Any:
    with tempfile.TemporaryDirectory(prefix="vidhuk-bench-") as folder:
        return measure(dialect, Path(folder), **options)


def _flatten_visits(visits: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"database": visit["database"], "clients": visit["clients"], "program": program}
        | visit[program]
        | {"pss_mib": visit["pss_mib"][program]}
        | (
            {name: visit[name] for name in ("ratio", "ratio_from_to", "ratio_p99", "ratio_cpu")}
            if program == "ours"
            else {}
        )
        for visit in visits
        for program in ("ours", "bare")
    ]


def _print_table(rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names] + [[str(row.get(name, "")) for name in names] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    for line in lines:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    print()


def _write_figures(name: str, figures: object) -> None:
    path = Path(os.environ.get("DATA_DIR") or "var") / "bench" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
