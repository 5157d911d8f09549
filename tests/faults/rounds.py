"""Kill rounds: under load one or two processes die at a random moment, are started again, and so on.

``python -m tests.faults.rounds --rounds 200 --database sqlite --seed 1`` keeps journal, book and report under
``$DATA_DIR/faults/`` and exits with 1 when the auditor finds that a word was broken. Ctrl-C and SIGTERM end the
rounds early; what was done is audited all the same.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.auditor import Verdict, audit
from tests.faults.crowd import Crowd
from tests.faults.installation import CENTRES, Installation
from tests.support.environment import ROOT

MOMENT = 0.25  # seconds within which the blow falls
TWO = 0.35  # of the rounds kill two processes
ALIVE = 2  # acknowledgements until the next round begins, so that every blow meets work under way
PATIENCE = 60.0  # seconds to wait for those
TOLD_EVERY = 50  # rounds


@dataclass
class Dose:
    """What was done to an installation, and how long it took to serve again."""

    rounds: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)  # seconds from the blow to the next acknowledgements


def kill_rounds(
    ours: Installation,
    rounds: int,
    dice: random.Random,
    *,
    among: Sequence[str] = (),
    stop: threading.Event | None = None,
) -> Dose:
    """So many rounds were done under a load that is already there, with victims ``among`` these, or all."""
    dose, among = Dose(), among or ours.victims()
    while dose.rounds < rounds and not (stop and stop.is_set()):
        time.sleep(dice.uniform(0, MOMENT))
        victims = dice.sample(among, 2 if len(among) > 1 and dice.random() < TWO else 1)
        before, began = ours.journal.said["acknowledged"], time.monotonic()
        killed = [victim for victim in victims if ours.kill(victim, dice)]
        if not killed:
            ours.restore()
            continue  # they were just starting
        dose.killed[" + ".join(sorted(killed))] += 1
        ours.restore()
        while ours.journal.said["acknowledged"] < before + ALIVE:
            if time.monotonic() > began + PATIENCE:
                raise TimeoutError(
                    f"nothing was acknowledged for {PATIENCE:.0f} s after {victims}; see {ours.folder}"
                )
            time.sleep(0.005)
            ours.restore()
        dose.rounds += 1
        dose.waits.append(time.monotonic() - began)
        if dose.rounds % TOLD_EVERY == 0 and rounds > TOLD_EVERY:
            print(f"{dose.rounds} rounds, {ours.journal.said['acknowledged']} acknowledged", flush=True)
    return dose


def audited(ours: Installation) -> tuple[Verdict, float]:
    """The verdict once the outbox is empty, and the seconds until it was; both books stay in the folder."""
    seconds = ours.drain()
    book = ours.book()
    (ours.folder / "book.json").write_text(json.dumps(book, ensure_ascii=False))
    lines = (json.loads(line) for line in ours.journal.path.read_text().splitlines())
    return audit(lines, book), seconds


def run(folder: Path, dialect: str, rounds: int, seed: int, stop: threading.Event) -> dict[str, Any]:
    """The report of so many rounds on a fresh installation."""
    dice, began = random.Random(seed), datetime.now(UTC)
    with Installation(folder, dialect) as ours:
        started = time.monotonic()
        with Crowd(ours.url, ours.key, CENTRES, ours.journal, seed=seed):
            dose = kill_rounds(ours, rounds, dice, stop=stop)
            arrived = len(ours.book()["events"])
            seconds = time.monotonic() - started
        verdict, drained = audited(ours)
    waits = sorted(dose.waits) or [0.0]
    return {
        "commit": commit(),
        "began": began.isoformat(timespec="seconds"),
        "database": dialect,
        "seed": seed,
        "rounds": dose.rounds,
        "seconds": round(seconds, 1),
        "seconds_a_round": round(seconds / max(1, dose.rounds), 2),
        "arrived_meanwhile": arrived,
        "drained_in": round(drained, 1),
        "serves_again_after": {
            "median": round(waits[len(waits) // 2], 2),
            "p95": round(waits[int(len(waits) * 0.95)], 2),
            "longest": round(waits[-1], 2),
        },
        "killed": dict(dose.killed.most_common()),
        "proves": f"failure rate below {3 / max(1, dose.rounds):.4f} a round at 95 %"
        if verdict.kept
        else "nothing",
        "verdict": verdict.told(),
    }


def commit() -> str:
    """The commit that runs, with a plus where files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git(
        "status", "--porcelain", "--untracked-files=no", "--", "feedback_service", "kiosk_ui", "migrations"
    )
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def main() -> int:
    """Do as the arguments say; 0 when every word was kept."""
    parser = argparse.ArgumentParser(description="Kill rounds under load, audited.")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    kept = Path(os.environ.get("DATA_DIR") or "var").resolve() / "faults"
    kept.mkdir(parents=True, exist_ok=True)
    name = f"{asked.database}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    with tempfile.TemporaryDirectory(prefix="vidhuk-faults-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary) / "installation"
        try:
            report = run(folder, asked.database, asked.rounds, asked.seed, stop)
        finally:
            for file in ("journal.jsonl", "book.json"):
                if (folder / file).exists():
                    (folder / file).replace(kept / f"{name}-{file}")
            for log in folder.glob("*.log"):
                log.replace(kept / f"{name}-{log.name}")
    path = kept / f"{name}.json"
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    print(json.dumps(report, ensure_ascii=False, indent=1), f"\n{path}", flush=True)
    return 0 if report["verdict"]["kept"] else 1


if __name__ == "__main__":
    sys.exit(main())
