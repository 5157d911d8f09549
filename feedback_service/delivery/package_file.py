"""The package file: events in one signed zip file, for an installation without a connection.

    events.jsonl     one event a line, exactly as an HTTPS request would carry it
    manifest.json    the number of events, the sequence numbers of each centre, the SHA-256 of events.jsonl
    signature.json   Standard Webhooks headers that sign the manifest

To check a package one needs this module, ``webhook_signature`` and the secret; no database and no settings.
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

from feedback_service.delivery import webhook_signature
from feedback_service.delivery.webhook_signature import BadSignature
from feedback_service.vocabulary import CENTRE_CODE

EVENTS_FILE, MANIFEST_FILE, SIGNATURE_FILE = "events.jsonl", "manifest.json", "signature.json"
LONGEST_LINE = 1024 * 1024  # bytes; one event is one line
LONGEST_MANIFEST, LONGEST_SIGNATURE = 16 * 1024 * 1024, 64 * 1024  # bytes
EVENT_MEMBERS = {
    *("specversion", "id", "source", "type", "subject", "time", "sequence"),
    *("datacontenttype", "dataschema", "data"),
}

Ranges = tuple[tuple[int, int], ...]  # of sequence numbers, inclusive, ascending


class BadPackage(ValueError):
    """The file is no package, or was changed; the message says why and quotes no event."""


@dataclass(frozen=True, slots=True)
class PackagedEvent:
    """An event to be written into a package."""

    centre: str
    sequence: int
    body: str


@dataclass(frozen=True, slots=True)
class PackageContents:
    """What the signed manifest of a package says."""

    name: str
    made_at: datetime
    events: int
    centres: Mapping[str, Ranges]


def write_package(
    path: Path,
    name: str,
    day: date,
    made_at: datetime,
    events: Iterable[PackagedEvent],
    secrets: Sequence[bytes],
) -> PackageContents:
    """Write a package of these events to ``path`` durably; only its owner can read it.

    Raises ``OSError``, also if the file exists.
    """
    numbers: dict[str, list[int]] = defaultdict(list)
    digest = hashlib.sha256()
    with (
        open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        with archive.open(_make_member(EVENTS_FILE, made_at), "w") as lines:
            for event in events:
                line = event.body.encode() + b"\n"
                lines.write(line)
                digest.update(line)
                numbers[event.centre].append(event.sequence)
        centres = {centre: to_ranges(numbers[centre]) for centre in sorted(numbers)}
        manifest = {
            "package": name,
            "day": day.isoformat(),
            "made_at": made_at.isoformat(),
            "events": sum(map(len, numbers.values())),
            "sha256": digest.hexdigest(),
            "centres": [
                {"centre": centre, "events": len(numbers[centre]), "sequences": sequences}
                for centre, sequences in centres.items()
            ],
        }
        manifest_json = _encode_json(manifest)
        archive.writestr(_make_member(MANIFEST_FILE, made_at), manifest_json)
        signature = webhook_signature.sign_request(name, made_at, manifest_json, secrets)
        archive.writestr(_make_member(SIGNATURE_FILE, made_at), _encode_json(signature))
        archive.close()  # this writes the directory at the end of the zip file
        file.flush()
        os.fsync(file.fileno())
    return PackageContents(name, made_at, sum(map(len, numbers.values())), centres)


def check_package(path: Path, secrets: Sequence[bytes]) -> PackageContents:
    """Check the signature, the manifest and every event of a package, and return its contents.

    Raises ``BadPackage``. The sequence numbers may have gaps, where events are sent in another way or later; but the
    package must hold exactly the numbers that the manifest names.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sorted(archive.namelist()) != sorted((EVENTS_FILE, MANIFEST_FILE, SIGNATURE_FILE)):
                raise BadPackage("it does not hold just events, manifest and signature")
            manifest_json = _read_member(archive, MANIFEST_FILE, LONGEST_MANIFEST)
            manifest = _parse_object(manifest_json, MANIFEST_FILE)
            signature_json = _read_member(archive, SIGNATURE_FILE, LONGEST_SIGNATURE)
            signature = _parse_object(signature_json, SIGNATURE_FILE)
            contents = _verify_manifest(manifest, manifest_json, signature, secrets)
            with archive.open(EVENTS_FILE) as lines:
                numbers = _read_numbers(lines, manifest)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise BadPackage("it cannot be read as a zip file") from error
    if {centre: to_ranges(sequences) for centre, sequences in numbers.items()} != contents.centres:
        raise BadPackage("its events are not those that the manifest names")
    if sum(map(len, numbers.values())) != contents.events:
        raise BadPackage("it holds another number of events than the manifest says")
    return contents


def to_ranges(numbers: Iterable[int]) -> Ranges:
    """Return the numbers as inclusive ranges: 1, 2, 3, 7 become 1–3 and 7–7."""
    merged: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if merged and number <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], number)
        else:
            merged.append((number, number))
    return tuple(merged)


def _make_member(name: str, made_at: datetime) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, made_at.timetuple()[:6])
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    return member


def _encode_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _read_member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    with archive.open(name) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        raise BadPackage(f"{name} is too long")
    return content


def _parse_object(content: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadPackage(f"{name} is no JSON object")
    return value


def _verify_manifest(
    manifest: Mapping[str, Any], manifest_json: bytes, signature: Mapping[str, Any], secrets: Sequence[bytes]
) -> PackageContents:
    """Return what the manifest says; raise ``BadPackage`` if its signature is not good."""
    try:
        contents = PackageContents(
            str(manifest["package"]),
            datetime.fromisoformat(manifest["made_at"]),
            int(manifest["events"]),
            {
                str(item["centre"]): tuple((int(first), int(last)) for first, last in item["sequences"])
                for item in manifest["centres"]
            },
        )
        headers = {str(header): str(value) for header, value in signature.items()}
        # A package may be years old: its signature is checked at the time that the manifest names.
        name = webhook_signature.verify_signature(headers, manifest_json, secrets, now=contents.made_at)
    except BadSignature as error:
        raise BadPackage(f"its signature is not good: {error}") from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadPackage(f"{MANIFEST_FILE} is not as it should be") from error
    if name != contents.name or contents.made_at.tzinfo is None:
        raise BadPackage("its signature is another package's")
    return contents


def _read_numbers(lines: IO[bytes], manifest: Mapping[str, Any]) -> Mapping[str, list[int]]:
    """Read the sequence numbers of each centre; raise ``BadPackage`` for a wrong event or another SHA-256."""
    numbers: dict[str, list[int]] = defaultdict(list)
    seen: set[tuple[str, int] | str] = set()
    digest = hashlib.sha256()
    for line_number, line in enumerate(_read_lines(lines), start=1):
        digest.update(line)
        event = _parse_event(line, line_number)
        centre, sequence = event["source"].removeprefix("/centres/"), int(event["sequence"])
        if seen & {event["id"], (centre, sequence)}:
            raise BadPackage(f"the event in line {line_number} is in it twice, or has another's number")
        seen |= {event["id"], (centre, sequence)}
        numbers[centre].append(sequence)
    if digest.hexdigest() != manifest.get("sha256"):
        raise BadPackage("its events were changed after it was made")
    return numbers


def _read_lines(lines: IO[bytes]) -> Iterator[bytes]:
    while line := lines.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise BadPackage("a line of it is too long")
        yield line


def _parse_event(line: bytes, line_number: int) -> dict[str, Any]:
    """Read the event in a line; raise ``BadPackage`` if it has not the shape of an event."""
    event = _parse_object(line, f"line {line_number}")
    texts = {name: value for name, value in event.items() if isinstance(value, str)}
    faults = [
        name
        for name, is_good in (
            ("members", event.keys() == EVENT_MEMBERS and texts.keys() == EVENT_MEMBERS - {"data"}),
            ("data", isinstance(event.get("data"), dict)),
            ("specversion", texts.get("specversion") == "1.0"),
            ("id", _is_uuid(texts.get("id", ""))),
            ("source", re.fullmatch(f"/centres/{CENTRE_CODE}", texts.get("source", ""))),
            ("type", re.fullmatch(r"ua\.vidhuk\.[a-z.]+\.v[0-9]+", texts.get("type", ""))),
            ("subject", 1 <= len(texts.get("subject", "")) <= 64),
            ("time", _is_instant(texts.get("time", ""))),
            ("sequence", re.fullmatch(r"[1-9][0-9]{0,18}", texts.get("sequence", ""))),
            ("datacontenttype", texts.get("datacontenttype") == "application/json"),
            ("dataschema", texts.get("dataschema", "").endswith(f"/schemas/{texts.get('type')}.json")),
        )
        if not is_good
    ]
    if faults:
        raise BadPackage(f"line {line_number} is no event of ours: see its {faults[0]}")
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
