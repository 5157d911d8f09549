"""Decides from two books alone whether the service kept its word; shares no code with it.

The journal is what clients wrote: a line before each request (``sent``), a line after each 2xx or 303 that
came back (``acknowledged``). The book is what the receiver has. Every acknowledged thing must have exactly
one effective record with the content that was acknowledged; a thing that was sent and never acknowledged is
in doubt and may have one, with any content that was sent; nothing else may be there. Each centre's numbers run
from 1 without gap or repeat.

``python -m tests.faults.auditor JOURNAL BOOK`` prints the verdict and exits with 1 when a word was broken.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

NAMED = 20  # examples of each fault in a printed verdict


class Thing(NamedTuple):
    """Something that a client asked for: each has a service (``key``) that nothing else has."""

    centre: str
    key: str
    kind: str


@dataclass
class Claim:
    """What the clients know of a thing."""

    contents: list[Mapping[str, Any]] = field(default_factory=list)  # what its record may say
    acknowledged: bool = False
    refused: int | None = None


@dataclass
class Verdict:
    """What was found; ``kept`` when every word was."""

    acknowledged: Counter[str] = field(default_factory=Counter)  # things by kind
    in_doubt: int = 0
    in_doubt_arrived: int = 0
    events: int = 0
    repeats: int = 0  # that the receiver dropped by their id
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    number_repeats: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    FAULTS: ClassVar = ("lost", "doubled", "foreign", "differing", "gaps", "number_repeats", "refused")

    @property
    def kept(self) -> bool:
        """Whether nothing is wrong."""
        return not any(getattr(self, name) for name in self.FAULTS)

    def told(self) -> dict[str, Any]:
        """As JSON has it: counts of everything, examples of what is wrong."""
        told = dict(vars(self))
        examples = {name: told.pop(name) for name in self.FAULTS}
        wrong = {name: len(found) for name, found in examples.items()}
        some = {name: found[:NAMED] for name, found in examples.items() if found}
        return {"kept": self.kept, **told, "wrong": wrong, "examples": some}


def audit(journal: Iterable[Mapping[str, Any]], book: Mapping[str, Any]) -> Verdict:
    """Hold the receiver's ``book`` ({``events``, ``changed``, ``repeats``}) against the clients' journal."""
    claims = _claims(journal)
    events: Sequence[Mapping[str, Any]] = book["events"]
    verdict = Verdict(events=len(events), repeats=int(book["repeats"]))
    found: dict[Thing, list[Mapping[str, Any]]] = defaultdict(list)
    of_response = {
        (event["source"], event["data"]["response_id"]): _key(event)
        for event in events
        if event["type"] == "ua.vidhuk.response.recorded.v1"
    }
    for id, times in Counter(event["id"] for event in events).items():
        if times > 1:
            verdict.doubled.append(f"event {id} is {times} times in the book")
    for event in events:
        thing = _thing(event, of_response)
        if thing is None or thing not in claims:
            verdict.foreign.append(f"nobody caused {event['type']} {event['id']} of {event['source']}")
        else:
            found[thing].append(event)
    for thing, claim in claims.items():
        _judge(thing, claim, found[thing], verdict)
    if book["changed"]:
        verdict.differing.append(f"{book['changed']} events came again and said something else")
    _count_numbers(events, verdict)
    return verdict


def _claims(journal: Iterable[Mapping[str, Any]]) -> dict[Thing, Claim]:
    claims: dict[Thing, Claim] = {}
    for line in journal:
        thing = Thing(line["centre"], line["key"], line["kind"])
        match line["said"]:
            case "sent":
                claim = claims.setdefault(thing, Claim())
                if line["content"] not in claim.contents:
                    claim.contents.append(line["content"])
            case "acknowledged":
                claim = claims[thing]
                # What was sent last, or less than that, and the client was told so.
                content = line.get("content", claim.contents[-1])
                claim.contents = [{**content, "id": line["id"]} if line.get("id") else content]
                claim.acknowledged = True
            case "refused":
                claims[thing].refused = line["status"]
            case other:
                raise ValueError(f"the journal says {other}")
    return claims


def _thing(event: Mapping[str, Any], of_response: Mapping[tuple[str, str], str | None]) -> Thing | None:
    """Whose record the event is; ``None`` when it cannot be anybody's."""
    data, source = event["data"], event["source"]
    centre = source.removeprefix("/centres/")
    key: str | None
    match event["type"]:
        case "ua.vidhuk.case.status.v1":
            kind, key = f"status {data['status']}", _key(event)
        case "ua.vidhuk.response.recorded.v1":
            kind, key = "answer", _key(event)
        case "ua.vidhuk.response.withdrawn.v1":
            kind, key = "withdrawal", of_response.get((source, data["response_id"]))
        case "ua.vidhuk.centre.profile.v1":
            kind, key = "profile", ""
        case _:
            return None
    if key is None or data.get("centre", centre) != centre:
        return None
    return Thing(centre, key, kind)


def _key(event: Mapping[str, Any]) -> str | None:
    service = event["data"]["service"]
    return service["local_code"] if service else None


def _judge(thing: Thing, claim: Claim, found: Sequence[Mapping[str, Any]], verdict: Verdict) -> None:
    name = " ".join(thing)
    if claim.acknowledged:
        verdict.acknowledged[thing.kind] += 1
        if not found:
            verdict.lost.append(name)
    else:
        verdict.in_doubt += 1
        verdict.in_doubt_arrived += bool(found)
        if claim.refused is not None:
            verdict.refused.append(f"{name} was refused with {claim.refused}")
    if len(found) > 1:
        verdict.doubled.append(f"{name} has {len(found)} records")
    for event in found:
        said = _content(event)
        wrong = [_differs(content, said) for content in claim.contents]
        if all(wrong):
            verdict.differing.append(f"{name} differs in {', '.join(wrong[-1])}")


def _differs(content: Mapping[str, Any], said: Mapping[str, Any]) -> list[str]:
    """The fields in which a record says something else."""
    return [field for field, value in content.items() if said.get(field) != _comparable(value)]


def _content(event: Mapping[str, Any]) -> dict[str, Any]:
    data = event["data"]
    said: dict[str, Any] = {"id": data.get("response_id")}
    if "answers" in data:
        said |= {
            "answers": {each["question"]: each["value"] for each in data["answers"]},
            "reasons": sorted(data["reasons"]),
            "breach": sorted(data["breach"]),
            "source": data["source"],
        }
    if "status" in data:
        said |= {"status_at": datetime.fromisoformat(data["status_at"]), "office": data["front_office"]}
    return said


def _comparable(value: Any) -> Any:
    """Lists have no order, an instant may be written in several ways."""
    if isinstance(value, list):
        return sorted(value)
    if isinstance(value, str) and len(value) >= 20 and value[10] == "T":
        return datetime.fromisoformat(value)
    return value


def _count_numbers(events: Iterable[Mapping[str, Any]], verdict: Verdict) -> None:
    numbers: dict[str, Counter[int]] = defaultdict(Counter)
    for event in events:
        numbers[event["source"]][int(event["sequence"])] += 1
    for source, given in sorted(numbers.items()):
        for number, times in sorted(given.items()):
            if times > 1:
                verdict.number_repeats.append(f"{source} gave {number} {times} times")
        missing = sorted(set(range(1, max(given) + 1)) - given.keys())
        verdict.gaps += [f"{source} lacks {number}" for number in missing]
        verdict.gaps += [f"{source} has the number {number}" for number in given if number < 1]


def main(journal: str, book: str) -> int:
    """Print the verdict; 0 when every word was kept."""
    lines = (json.loads(line) for line in Path(journal).read_text().splitlines())
    verdict = audit(lines, json.loads(Path(book).read_text()))
    print(json.dumps(verdict.told(), ensure_ascii=False, indent=1))
    return 0 if verdict.kept else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
