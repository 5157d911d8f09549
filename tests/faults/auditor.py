"""Decides from two records alone whether the service kept its word; shares no code with it.

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

MAX_EXAMPLES = 20  # examples of each fault in a printed verdict


class RecordKey(NamedTuple):
    """Something that a client asked for: each has a service (``key``) that nothing else has."""

    centre: str
    key: str
    kind: str


@dataclass
class Claim:
    """What the clients know about a thing."""

    contents: list[Mapping[str, Any]] = field(default_factory=list)  # what its record may say
    acknowledged: bool = False
    refused: int | None = None


@dataclass
class Verdict:
    """What the auditor found."""

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
    def is_kept(self) -> bool:
        """Whether nothing is wrong."""
        return not any(getattr(self, name) for name in self.FAULTS)

    def as_report(self) -> dict[str, Any]:
        """Return values for JSON: counts of everything, examples of what is wrong."""
        counts = dict(vars(self))
        examples = {name: counts.pop(name) for name in self.FAULTS}
        wrong_counts = {name: len(messages) for name, messages in examples.items()}
        shown_examples = {name: messages[:MAX_EXAMPLES] for name, messages in examples.items() if messages}
        return {"kept": self.is_kept, **counts, "wrong": wrong_counts, "examples": shown_examples}


def audit_records(journal: Iterable[Mapping[str, Any]], received: Mapping[str, Any]) -> Verdict:
    """Hold the receiver's ``book`` ({``events``, ``changed``, ``repeats``}) against the clients' journal."""
    claims = _collect_claims(journal)
    events: Sequence[Mapping[str, Any]] = received["events"]
    verdict = Verdict(events=len(events), repeats=int(received["repeats"]))
    events_by_record: dict[RecordKey, list[Mapping[str, Any]]] = defaultdict(list)
    keys_by_response = {
        (event["source"], event["data"]["response_id"]): _service_key(event)
        for event in events
        if event["type"] == "ua.vidhuk.response.recorded.v1"
    }
    for event_id, times in Counter(event["id"] for event in events).items():
        if times > 1:
            verdict.doubled.append(f"event {event_id} is {times} times in the book")
    for event in events:
        record_key = _find_record_key(event, keys_by_response)
        if record_key is None or record_key not in claims:
            verdict.foreign.append(f"nobody caused {event['type']} {event['id']} of {event['source']}")
        else:
            events_by_record[record_key].append(event)
    for record_key, claim in claims.items():
        if record_key.kind == "answer" and events_by_record[record_key._replace(kind="withdrawal")]:
            # Nothing had been sent of it when its author withdrew it, so what was said is gone.
            claim.contents += [_without_answers(content) for content in claim.contents]
        _judge_claim(record_key, claim, events_by_record[record_key], verdict)
    if received["changed"]:
        verdict.differing.append(f"{received['changed']} events came again and said something else")
    _check_sequence_numbers(events, verdict)
    return verdict


def _collect_claims(journal: Iterable[Mapping[str, Any]]) -> dict[RecordKey, Claim]:
    claims: dict[RecordKey, Claim] = {}
    for entry in journal:
        record_key = RecordKey(entry["centre"], entry["key"], entry["kind"])
        match entry["said"]:
            case "sent":
                claim = claims.setdefault(record_key, Claim())
                if entry["content"] not in claim.contents:
                    claim.contents.append(entry["content"])
            case "acknowledged":
                claim = claims[record_key]
                # What was sent last, or less than that, and the client was told so.
                content = entry.get("content", claim.contents[-1])
                claim.contents = [{**content, "id": entry["id"]} if entry.get("id") else content]
                claim.acknowledged = True
            case "refused":
                claims[record_key].refused = entry["status"]
            case unknown:
                raise ValueError(f"the journal says {unknown}")
    return claims


def _find_record_key(
    event: Mapping[str, Any], keys_by_response: Mapping[tuple[str, str], str | None]
) -> RecordKey | None:
    """Return the thing that the event is about; ``None`` when there is none."""
    data, source = event["data"], event["source"]
    centre = source.removeprefix("/centres/")
    key: str | None
    match event["type"]:
        case "ua.vidhuk.case.status.v1":
            kind, key = f"status {data['status']}", _service_key(event)
        case "ua.vidhuk.response.recorded.v1":
            kind, key = "answer", _service_key(event)
        case "ua.vidhuk.response.withdrawn.v1":
            kind, key = "withdrawal", keys_by_response.get((source, data["response_id"]))
        case "ua.vidhuk.centre.profile.v1":
            kind, key = "profile", ""
        case _:
            return None
    if key is None or data.get("centre", centre) != centre:
        return None
    return RecordKey(centre, key, kind)


def _service_key(event: Mapping[str, Any]) -> str | None:
    service = event["data"]["service"]
    return service["local_code"] if service else None


def _judge_claim(record_key: RecordKey, claim: Claim, events: Sequence[Mapping[str, Any]], verdict: Verdict) -> None:
    name = " ".join(record_key)
    if claim.acknowledged:
        verdict.acknowledged[record_key.kind] += 1
        if not events:
            verdict.lost.append(name)
    else:
        verdict.in_doubt += 1
        verdict.in_doubt_arrived += bool(events)
        if claim.refused is not None:
            verdict.refused.append(f"{name} was refused with {claim.refused}")
    if len(events) > 1:
        verdict.doubled.append(f"{name} has {len(events)} records")
    for event in events:
        recorded = _recorded_content(event)
        differences = [_differing_fields(content, recorded) for content in claim.contents]
        if all(differences):
            verdict.differing.append(f"{name} differs in {', '.join(differences[-1])}")


def _without_answers(content: Mapping[str, Any]) -> dict[str, Any]:
    nothing_said: dict[str, Any] = {"answers": {}, "reasons": [], "breach": []}
    return {field: nothing_said.get(field, value) for field, value in content.items()}


def _differing_fields(content: Mapping[str, Any], recorded: Mapping[str, Any]) -> list[str]:
    """Return the fields in which a record differs."""
    return [field for field, value in content.items() if recorded.get(field) != _normalise_value(value)]


def _recorded_content(event: Mapping[str, Any]) -> dict[str, Any]:
    data = event["data"]
    content: dict[str, Any] = {"id": data.get("response_id")}
    if "answers" in data:
        content |= {
            "answers": {answer["question"]: answer["value"] for answer in data["answers"]},
            "reasons": sorted(data["reasons"]),
            "breach": sorted(data["breach"]),
            "source": data["source"],
        }
    if "status" in data:
        content |= {"status_at": datetime.fromisoformat(data["status_at"]), "office": data["front_office"]}
    return content


def _normalise_value(value: Any) -> Any:
    """Lists have no order, an instant may be written in several ways."""
    if isinstance(value, list):
        return sorted(value)
    if isinstance(value, str) and len(value) >= 20 and value[10] == "T":
        return datetime.fromisoformat(value)
    return value


def _check_sequence_numbers(events: Iterable[Mapping[str, Any]], verdict: Verdict) -> None:
    numbers: dict[str, Counter[int]] = defaultdict(Counter)
    for event in events:
        numbers[event["source"]][int(event["sequence"])] += 1
    for source, counts in sorted(numbers.items()):
        for number, times in sorted(counts.items()):
            if times > 1:
                verdict.number_repeats.append(f"{source} gave {number} {times} times")
        missing = sorted(set(range(1, max(counts) + 1)) - counts.keys())
        verdict.gaps += [f"{source} lacks {number}" for number in missing]
        verdict.gaps += [f"{source} has the number {number}" for number in counts if number < 1]


def main(journal_file: str, received_file: str) -> int:
    """Print the verdict; return 0 when there is no fault."""
    entries = (json.loads(entry) for entry in Path(journal_file).read_text().splitlines())
    verdict = audit_records(entries, json.loads(Path(received_file).read_text()))
    print(json.dumps(verdict.as_report(), ensure_ascii=False, indent=1))
    return 0 if verdict.is_kept else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
