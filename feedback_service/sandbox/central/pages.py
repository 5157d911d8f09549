"""What the page of the demo central system says, in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from feedback_service.sandbox.central.texts import MODES, TEXTS, WORDS

KYIV = ZoneInfo("Europe/Kyiv")
PULSE_SECONDS = 120
BAR_SECONDS = 2
BAR_HEIGHT = 40

UNITS = {"uk": ("с", "хв", "год", "дн"), "en": ("s", "min", "h", "d")}
KINDS = {
    "case": "status",
    "response.recorded": "answer",
    "response.withdrawn": "withdrawn",
    "centre": "profile",
}


def language(args: Mapping[str, str]) -> str:
    """Ukrainian unless English is asked for."""
    return "en" if args.get("lang") == "en" else "uk"


def asked(form: Mapping[str, str]) -> dict[str, object]:
    """What the buttons and fields of the page ask for; raises ``ValueError``."""
    given = {name: value.strip() for name, value in form.items() if value.strip()}
    fault: dict[str, object] = {"mode": given.get("mode"), "retry_after": given.get("retry_after")}
    for name in ("times", "status", "every"):
        if name in given:
            fault[name] = int(given[name])
    if "seconds" in given:
        fault["seconds"] = float(given["seconds"])
    if fault["mode"] in ("poison", "reject"):
        fault.setdefault("every", 5)
    if fault["mode"] not in ("status", "poison", "redirect"):
        fault.pop("status", None)
    return fault


def shown(
    args: Mapping[str, str],
    *,
    now: datetime,
    summary: dict[str, Any],
    events: Sequence[dict[str, Any]],
    pulse: Sequence[int],
    fault: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything that the templates name."""
    lang = language(args)
    seen = int(args["seen"]) if args.get("seen", "").isdecimal() else None
    names = {mode: name for group in MODES[lang].values() for mode, (name, _) in group.items()}
    summary["by_type"] = [
        (_word(lang, type), _kind(type), count, _share(count, summary["events"]))
        for type, count in sorted(summary["by_type"].items(), key=lambda each: -each[1])
    ]
    for centre in summary["centres"]:
        centre["code"] = centre["source"].rpartition("/")[2]
        centre["gaps"] = ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in centre["gaps"])
    for refusal in summary["refused"]:
        refusal["word"] = _word(lang, refusal["reason"])
        refusal["at"] = _moment(datetime.fromisoformat(refusal["last_at"]), now)
    return {
        "language": lang,
        "other": "en" if lang == "uk" else "uk",
        "text": TEXTS[lang],
        "live": args.get("live") != "off",
        "summary": summary,
        "refusals": sum(refusal["times"] for refusal in summary["refused"]),
        "events": [_told(event, lang, now, seen) for event in events],
        "seen": events[0]["arrival"] if events else 0,
        "bars": _bars(pulse),
        "most": max(pulse, default=0),
        "fault": None if fault["mode"] == "none" else {**fault, "name": names[fault["mode"]]},
        "n": lambda number: f"{number:,}".replace(",", "\N{NO-BREAK SPACE}" if lang == "uk" else ","),
    }


def _told(event: Mapping[str, Any], lang: str, now: datetime, seen: int | None) -> dict[str, Any]:
    """One event in words."""
    text, data, type = TEXTS[lang], event["data"], event["type"]
    came = datetime.fromisoformat(event["received_at"])
    late = max(came - datetime.fromisoformat(event["time"].upper()), timedelta())
    of_answer = type.startswith("ua.vidhuk.response.")
    service = (data.get("service") or {}).get("title")
    office = data.get("front_office")
    return {
        "kind": _kind(type),
        "type": _word(lang, type),
        "centre": event["source"].rpartition("/")[2],
        "service": service or data.get("name") or (text["no_service"] if office else None),
        "office": text[f"{office}_office"] if office else None,
        "at": _moment(came, now),
        "instant": event["received_at"],
        "delay": text["delay_most" if of_answer else "delay"] % _length(late, lang),
        "number": text["number"] % event["sequence"],
        "again": text["came_again"] % event["times"] if event["times"] > 1 else None,
        "fresh": seen is not None and event["arrival"] > seen,
        **_value(data, lang),
    }


def _value(data: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """What the event says: its main value, and remarks beside it."""
    text = TEXTS[lang]
    if "status" in data:
        return {"value": _word(lang, data["status"]), "remarks": []}
    if "answers" not in data:
        return {"value": None, "remarks": []}
    ratings = [each["value"] for each in data["answers"] if isinstance(each["value"], int)]
    words = [_word(lang, each["value"]) for each in data["answers"] if isinstance(each["value"], str)]
    value = f"{ratings[0]} {text['of_ten']}" if ratings else (words[:1] or [text["answered"]])[0]
    others = len(data["answers"]) - 1
    remarks = [
        text["more"] % others if others > 0 else None,
        text["reasons"] % len(data["reasons"]) if data["reasons"] else None,
        text["breach"] if data["breach"] else None,
        text["comment"] if data["comment_present"] else None,
    ]
    return {"value": value, "remarks": [remark for remark in remarks if remark]}


def _word(lang: str, value: str) -> str:
    return WORDS[lang].get(value, value)


def _kind(type: str) -> str:
    name = type.removeprefix("ua.vidhuk.")
    return next((kind for start, kind in KINDS.items() if name.startswith(start)), "other")


def _length(length: timedelta, lang: str) -> str:
    seconds = length.total_seconds()
    second, minute, hour, day = UNITS[lang]
    space = "\N{NO-BREAK SPACE}"
    if seconds < 10:
        return f"{seconds:.1f}{space}{second}".replace(".", "," if lang == "uk" else ".")
    for size, most, unit in ((1, 100, second), (60, 100, minute), (3600, 48, hour)):
        if seconds / size < most:
            return f"{seconds / size:.0f}{space}{unit}"
    return f"{seconds / 86400:.0f}{space}{day}"


def _moment(at: datetime, now: datetime) -> str:
    there = at.astimezone(KYIV)
    return f"{there:%H:%M:%S}" if there.date() == now.astimezone(KYIV).date() else f"{there:%d.%m %H:%M}"


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _bars(pulse: Sequence[int]) -> list[tuple[int, float]]:
    """For every two seconds how high its bar stands, the highest ``BAR_HEIGHT``."""
    sums = [sum(pulse[start : start + BAR_SECONDS]) for start in range(0, len(pulse), BAR_SECONDS)]
    most = max(sums, default=0)
    return [
        (place, max(1.5, round(BAR_HEIGHT * each / most, 1)))
        for place, each in enumerate(sums)
        if most and each
    ]
