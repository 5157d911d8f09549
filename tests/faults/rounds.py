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

from tests.faults.auditor import Verdict, audit_records
from tests.faults.client_load import ClientLoad
from tests.faults.installation import CENTRES, Installation
from tests.support.environment import ROOT

KILL_WINDOW_SECONDS = 0.25  # the kill comes within this time
DOUBLE_KILL_SHARE = 0.35  # of the rounds kill two processes
MIN_ACKNOWLEDGED = 2  # acknowledgements before the next round, so that every kill meets work under way
PATIENCE_SECONDS = 60.0  # longest wait for them
ROUNDS_PER_PROGRESS_LINE = 50  # rounds


@dataclass
class RoundResults:
    """How an installation was killed, and how long it took to serve again."""

    rounds: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)  # seconds from the kill to the next acknowledgements


def run_kill_rounds(
    installation: Installation,
    rounds: int,
    rng: random.Random,
    *,
    candidates: Sequence[str] = (),
    stop: threading.Event | None = None,
) -> RoundResults:
    """Do so many rounds under a running load; kill only parts ``among`` these, if named."""
    results, candidates = RoundResults(), candidates or installation.list_victims()
    while results.rounds < rounds and not (stop and stop.is_set()):
        time.sleep(rng.uniform(0, KILL_WINDOW_SECONDS))
        victims = rng.sample(candidates, 2 if len(candidates) > 1 and rng.random() < DOUBLE_KILL_SHARE else 1)
        acknowledged_before, began = installation.journal.counts["acknowledged"], time.monotonic()
        killed = [victim for victim in victims if installation.kill_victim(victim, rng)]
        if not killed:
            installation.restart_stopped()
            continue  # they were just starting
        results.killed[" + ".join(sorted(killed))] += 1
        installation.restart_stopped()
        while installation.journal.counts["acknowledged"] < acknowledged_before + MIN_ACKNOWLEDGED:
            if time.monotonic() > began + PATIENCE_SECONDS:
                raise TimeoutError(
                    f"nothing was acknowledged for {PATIENCE_SECONDS:.0f} s after {victims}; see {installation.folder}"
                )
            time.sleep(0.005)
            installation.restart_stopped()
        results.rounds += 1
        results.waits.append(time.monotonic() - began)
        if results.rounds % ROUNDS_PER_PROGRESS_LINE == 0 and rounds > ROUNDS_PER_PROGRESS_LINE:
            print(
                f"{results.rounds} rounds, {installation.journal.counts['acknowledged']} acknowledged",
                flush=True,
            )
    return results


def drain_and_audit(installation: Installation) -> tuple[Verdict, float]:
    """Wait until the outbox is empty; return the verdict and the seconds. Both records stay in the folder."""
    seconds = installation.wait_until_drained()
    received = installation.read_received_events()
    (installation.folder / "book.json").write_text(json.dumps(received, ensure_ascii=False))
    entries = (json.loads(entry) for entry in installation.journal.path.read_text().splitlines())
    return audit_records(entries, received), seconds


def run_on_fresh_installation(
    folder: Path, dialect: str, rounds: int, seed: int, stop: threading.Event
) -> dict[str, Any]:
    """Do so many rounds on a fresh installation and return the report."""
    rng, began = random.Random(seed), datetime.now(UTC)
    with Installation(folder, dialect) as installation:
        started = time.monotonic()
        with ClientLoad(installation.url, installation.api_key, CENTRES, installation.journal, seed=seed):
            results = run_kill_rounds(installation, rounds, rng, stop=stop)
            arrived_count = len(installation.read_received_events()["events"])
            load_seconds = time.monotonic() - started
        verdict, drain_seconds = drain_and_audit(installation)
    waits = sorted(results.waits) or [0.0]
    return {
        "commit": read_commit(),
        "began": began.isoformat(timespec="seconds"),
        "database": dialect,
        "seed": seed,
        "rounds": results.rounds,
        "seconds": round(load_seconds, 1),
        "seconds_a_round": round(load_seconds / max(1, results.rounds), 2),
        "arrived_meanwhile": arrived_count,
        "drained_in": round(drain_seconds, 1),
        "serves_again_after": {
            "median": round(waits[len(waits) // 2], 2),
            "p95": round(waits[int(len(waits) * 0.95)], 2),
            "longest": round(waits[-1], 2),
        },
        "killed": dict(results.killed.most_common()),
        "proves": f"failure rate below {3 / max(1, results.rounds):.4f} a round at 95 %"
        if verdict.is_kept
        else "nothing",
        "verdict": verdict.as_report(),
    }


def read_commit() -> str:
    """Return the id of the commit that runs, with a plus when files differ from it."""

    def run_git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changes = run_git(
        "status", "--porcelain", "--untracked-files=no", "--", "feedback_service", "kiosk_ui", "migrations"
    )
    return run_git("rev-parse", "--short", "HEAD") + ("+" if changes else "")


def main() -> int:
    """Run by the arguments; return 0 when the auditor found no fault."""
    parser = argparse.ArgumentParser(description="Kill rounds under load, audited.")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop.set())
    output_dir = Path(os.environ.get("DATA_DIR") or "var").resolve() / "faults"
    output_dir.mkdir(parents=True, exist_ok=True)
    name = f"{arguments.database}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    with tempfile.TemporaryDirectory(prefix="vidhuk-faults-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary) / "installation"
        try:
            report = run_on_fresh_installation(folder, arguments.database, arguments.rounds, arguments.seed, stop)
        finally:
            for file in ("journal.jsonl", "book.json"):
                if (folder / file).exists():
                    (folder / file).replace(output_dir / f"{name}-{file}")
            for log in folder.glob("*.log"):
                log.replace(output_dir / f"{name}-{log.name}")
    path = output_dir / f"{name}.json"
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    print(json.dumps(report, ensure_ascii=False, indent=1), f"\n{path}", flush=True)
    return 0 if report["verdict"]["kept"] else 1


if __name__ == "__main__":
    sys.exit(main())
