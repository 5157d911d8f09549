"""The made-up town that a demonstration shows: its centre, services, and how people there tend to answer."""

import csv
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class DemoService:
    """A service: its names, who provides it, how often it is requested, and the share requested online."""

    code: str
    local_code: str
    title: str
    provider: str
    weight: int
    online_share: float = 0.0

    @property
    def names(self) -> dict[str, str]:
        """Its codes and its title, as a case names it."""
        return {"code": self.code, "local_code": self.local_code, "title": self.title}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What has gone wrong lately: in which service, for how many days, and for what share of its applicants."""

    service: str
    days: int
    share: float
    reasons: Mapping[str, float]
    comments: Sequence[str]


_FOLDER = Path(__file__).with_name("data")
_TOWN: Mapping[str, Any] = tomllib.loads((_FOLDER / "town.toml").read_text(encoding="utf-8"))


def _read_published_shares() -> Mapping[str, Mapping[str, float]]:
    with (_FOLDER / "answers_h1_2025.csv").open(encoding="utf-8", newline="") as csv_file:
        return {
            row["question"]: {value: float(row[value]) for value in ("great", "good", "acceptable", "awful")}
            for row in csv.DictReader(csv_file)
        }


PROFILE: dict[str, str] = _TOWN["profile"]
CENTRE = PROFILE["code"]
WORKPLACES = tuple(f"window-{number}" for number in range(1, 7))
SERVICES = tuple(DemoService(**service) for service in _TOWN["services"])
SUBSIDY_TROUBLE = Trouble(**_TOWN["trouble"])

# The answers to each question from the best to the worst, with their shares.
OFFLINE_SHARES: Mapping[str, Mapping[str, float]] = _TOWN["offline_shares"] | _read_published_shares()
ONLINE_SHARES: Mapping[str, Mapping[str, float]] = _TOWN["online_shares"]
POOR_ANSWERS = {"0", "1", "2", "3", "4", "5", "6", "acceptable", "bad", "awful"}

OFFLINE_REASON_WEIGHTS: Mapping[str, float] = _TOWN["offline_reasons"]
ONLINE_REASON_WEIGHTS: Mapping[str, float] = _TOWN["online_reasons"]
BREACH_WEIGHTS: Mapping[str, float] = _TOWN["breaches"]
PLEASED_COMMENTS: Sequence[str] = _TOWN["pleased_comments"]
DISPLEASED_COMMENTS: Sequence[str] = _TOWN["displeased_comments"]
