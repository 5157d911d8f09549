"""A package of events for a hand-over without a line: one zip file, complete, and signed by who made it.

    events.jsonl     one event a line, exactly as it would have travelled
    manifest.json    what is in it: how many events, which numbers of which centre, their SHA-256
    signature.json   Standard Webhooks headers that sign the manifest

Whoever is to check one needs this file, ``signing`` and the secret; no database and no settings.
"""

import hashlib
import json
import os
import re
import uuid
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

from feedback_service.delivery import signing
from feedback_service.delivery.signing import BadSignature

EVENTS, MANIFEST, SIGNATURE = "events.jsonl", "manifest.json", "signature.json"
LONGEST_LINE = 1024 * 1024  # bytes of one event
LONGEST_MANIFEST, LONGEST_SIGNATURE = 16 * 1024 * 1024, 64 * 1024  # bytes
MEMBERS = {
    *("specversion", "id", "source", "type", "subject", "time", "sequence"),
    *("datacontenttype", "dataschema", "data"),
}

Ranges = tuple[tuple[int, int], ...]  # of sequence numbers, inclusive, ascending


class BadPackage(ValueError):
    """The file is no package, or not as it was made; the message says why and quotes no event."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One event as it goes into a package."""

    centre: str
    sequence: int
    body: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a package says of itself, under its signature."""

    name: str
    made_at: datetime
    events: int
    centres: Mapping[str, Ranges]


def write(
    path: Path, name: str, day: date, made_at: datetime, events: Iterable[Packed], secrets: Sequence[bytes]
) -> Contents:
    """The package is durably at ``path``, readable by its owner only; ``events`` are all it holds."""
    numbers: dict[str, list[int]] = defaultdict(list)
    digest = hashlib.sha256()
    with (
        open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        with archive.open(_member(EVENTS, made_at), "w") as lines:
            for event in events:
                line = event.body.encode() + b"\n"
                lines.write(line)
                digest.update(line)
                numbers[event.centre].append(event.sequence)
        centres = {centre: ranges(numbers[centre]) for centre in sorted(numbers)}
        manifest = {
            "package": name,
            "day": day.isoformat(),
            "made_at": made_at.isoformat(),
            "events": sum(map(len, numbers.values())),
            "sha256": digest.hexdigest(),
            "centres": [
                {"centre": centre, "events": len(numbers[centre]), "sequences": found}
                for centre, found in centres.items()
            ],
        }
        told = _json(manifest)
        archive.writestr(_member(MANIFEST, made_at), told)
        archive.writestr(_member(SIGNATURE, made_at), _json(signing.headers(name, made_at, told, secrets)))
        archive.close()  # what is at the end of a zip file is written only now
        file.flush()
        os.fsync(file.fileno())
    return Contents(name, made_at, sum(map(len, numbers.values())), centres)


def check(path: Path, secrets: Sequence[bytes]) -> Contents:
    """What is in the package, if all of it is as one of the secrets signed it and as events are; or ``BadPackage``.

    Numbers may have holes, where events were sent before or go later; the manifest names them, and what it
    names must be there.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sorted(archive.namelist()) != sorted((EVENTS, MANIFEST, SIGNATURE)):
                raise BadPackage("it does not hold just events, manifest and signature")
            told = _read(archive, MANIFEST, LONGEST_MANIFEST)
            manifest = _object(told, MANIFEST)
            contents = _signed(
                manifest, told, _object(_read(archive, SIGNATURE, LONGEST_SIGNATURE), SIGNATURE), secrets
            )
            with archive.open(EVENTS) as lines:
                numbers = _numbers(lines, manifest)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as wrong:
        raise BadPackage("it cannot be read as a zip file") from wrong
    if {centre: ranges(found) for centre, found in numbers.items()} != contents.centres:
        raise BadPackage("its events are not those that the manifest names")
    if sum(map(len, numbers.values())) != contents.events:
        raise BadPackage("it holds another number of events than the manifest says")
    return contents


def ranges(numbers: Iterable[int]) -> Ranges:
    """The numbers as inclusive ranges: 1, 2, 3, 7 are 1–3 and 7–7."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and number <= found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


def _member(name: str, at: datetime) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, at.timetuple()[:6])
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    return member


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as member:
        content = member.read(most + 1)
    if len(content) > most:
        raise BadPackage(f"{name} is too long")
    return content


def _object(content: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadPackage(f"{name} is no JSON object")
    return value


def _signed(
    manifest: Mapping[str, Any], told: bytes, signature: Mapping[str, Any], secrets: Sequence[bytes]
) -> Contents:
    """What the manifest says, if it is signed."""
    try:
        contents = Contents(
            str(manifest["package"]),
            datetime.fromisoformat(manifest["made_at"]),
            int(manifest["events"]),
            {
                str(each["centre"]): tuple((int(first), int(last)) for first, last in each["sequences"])
                for each in manifest["centres"]
            },
        )
        sent = {str(header): str(value) for header, value in signature.items()}
        # A package may be years old; what matters is that it is as old as it says.
        name = signing.verify(sent, told, secrets, now=contents.made_at)
    except BadSignature as wrong:
        raise BadPackage(f"its signature is not good: {wrong}") from wrong
    except (KeyError, TypeError, ValueError, OverflowError) as wrong:
        raise BadPackage(f"{MANIFEST} is not as it should be") from wrong
    if name != contents.name or contents.made_at.tzinfo is None:
        raise BadPackage("its signature is another package's")
    return contents


def _numbers(lines: IO[bytes], manifest: Mapping[str, Any]) -> Mapping[str, list[int]]:
    """The events' numbers by centre, if all of them are events and their SHA-256 is the manifest's."""
    numbers: dict[str, list[int]] = defaultdict(list)
    seen: set[tuple[str, int] | str] = set()
    digest = hashlib.sha256()
    for place, line in enumerate(_lines(lines), start=1):
        digest.update(line)
        event = _event(line, place)
        centre, sequence = event["source"].removeprefix("/centres/"), int(event["sequence"])
        if seen & {event["id"], (centre, sequence)}:
            raise BadPackage(f"the event in line {place} is in it twice, or has another's number")
        seen |= {event["id"], (centre, sequence)}
        numbers[centre].append(sequence)
    if digest.hexdigest() != manifest.get("sha256"):
        raise BadPackage("its events were changed after it was made")
    return numbers


def _lines(lines: IO[bytes]) -> Iterator[bytes]:
    while line := lines.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise BadPackage("a line of it is too long")
        yield line


def _event(line: bytes, place: int) -> dict[str, Any]:
    """The event in a line, if it is shaped like one."""
    event = _object(line, f"line {place}")
    texts = {name: value for name, value in event.items() if isinstance(value, str)}
    wrong = [
        name
        for name, good in (
            ("members", event.keys() == MEMBERS and texts.keys() == MEMBERS - {"data"}),
            ("data", isinstance(event.get("data"), dict)),
            ("specversion", texts.get("specversion") == "1.0"),
            ("id", _is_uuid(texts.get("id", ""))),
            ("source", re.fullmatch(r"/centres/[A-Z0-9]{1,10}", texts.get("source", ""))),
            ("type", re.fullmatch(r"ua\.vidhuk\.[a-z.]+\.v[0-9]+", texts.get("type", ""))),
            ("subject", 1 <= len(texts.get("subject", "")) <= 64),
            ("time", _is_instant(texts.get("time", ""))),
            ("sequence", re.fullmatch(r"[1-9][0-9]{0,18}", texts.get("sequence", ""))),
            ("datacontenttype", texts.get("datacontenttype") == "application/json"),
            ("dataschema", texts.get("dataschema", "").endswith(f"/schemas/{texts.get('type')}.json")),
        )
        if not good
    ]
    if wrong:
        raise BadPackage(f"line {place} is no event of ours: see its {wrong[0]}")
    return event


def _is_uuid(value: str) -> bool:
    try:
        return str(uuid.UUID(value)) == value
    except ValueError:
        return False


def _is_instant(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
