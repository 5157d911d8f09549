"""What the page of the demo central system says, in words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from feedback_service.sandbox.central.texts import LABELS, MODE_TEXTS, TEXTS

KYIV = ZoneInfo("Europe/Kyiv")
PULSE_SECONDS = 120
BAR_SECONDS = 2
BAR_HEIGHT = 40

UNITS = {"uk": ("с", "хв", "год", "дн"), "en": ("s", "min", "h", "d")}
EVENT_KINDS = {
    "case": "status",
    "response.recorded": "answer",
    "response.withdrawn": "withdrawn",
    "centre": "profile",
}


def choose_language(args: Mapping[str, str]) -> str:
    """Ukrainian unless English is asked for."""
    return "en" if args.get("lang") == "en" else "uk"


def parse_form(form: Mapping[str, str]) -> dict[str, object]:
    """What the buttons and fields of the page ask for; raises ``ValueError``."""
    fields = {name: value.strip() for name, value in form.items() if value.strip()}
    fault: dict[str, object] = {"mode": fields.get("mode"), "retry_after": fields.get("retry_after")}
    for name, convert in (("times", int), ("status", int), ("every", int), ("seconds", float)):
        if name in fields:
            fault[name] = convert(fields[name])
    if fault["mode"] in ("poison", "reject"):
        fault.setdefault("every", 5)
    if fault["mode"] not in ("status", "poison", "redirect"):
        fault.pop("status", None)
    return fault


def build_context(
    args: Mapping[str, str],
    *,
    now: datetime,
    summary: dict[str, Any],
    events: Sequence[dict[str, Any]],
    pulse: Sequence[int],
    fault: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything that the templates name."""
    lang = choose_language(args)
    last_seen = int(args["seen"]) if args.get("seen", "").isdecimal() else None
    mode_names = {mode: name for group in MODE_TEXTS[lang].values() for mode, (name, _) in group.items()}
    summary["by_type"] = [
        (_translate(lang, event_type), _find_event_kind(event_type), count, round(100 * count / summary["events"], 1))
        for event_type, count in Counter(summary["by_type"]).most_common()
    ]
    for centre in summary["centres"]:
        centre["code"] = centre["source"].rpartition("/")[2]
        centre["gaps"] = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in centre["gaps"])
    for refusal in summary["refused"]:
        refusal["word"] = _translate(lang, refusal["reason"])
        refusal["at"] = _format_time(datetime.fromisoformat(refusal["last_at"]), now)
    return {
        "language": lang,
        "other": "en" if lang == "uk" else "uk",
        "text": TEXTS[lang],
        "live": args.get("live") != "off",
        "summary": summary,
        "refusals": sum(refusal["times"] for refusal in summary["refused"]),
        "events": [_describe_event(event, lang, now, last_seen) for event in events],
        "seen": events[0]["arrival"] if events else 0,
        "bars": _compute_bars(pulse),
        "most": max(pulse, default=0),
        "fault": None if fault["mode"] == "none" else {**fault, "name": mode_names[fault["mode"]]},
        "n": lambda number: f"{number:,}".replace(",", "\N{NO-BREAK SPACE}" if lang == "uk" else ","),
    }


def _describe_event(event: Mapping[str, Any], lang: str, now: datetime, last_seen: int | None) -> dict[str, Any]:
    """One event in words."""
    text, data, event_type = TEXTS[lang], event["data"], event["type"]
    received_at = datetime.fromisoformat(event["received_at"])
    delay = max(received_at - datetime.fromisoformat(event["time"].upper()), timedelta())
    is_about_answer = event_type.startswith("ua.vidhuk.response.")
    service = (data.get("service") or {}).get("title")
    office = data.get("front_office")
    return {
        "kind": _find_event_kind(event_type),
        "type": _translate(lang, event_type),
        "centre": event["source"].rpartition("/")[2],
        "service": service or data.get("name") or (text["no_service"] if office else None),
        "office": text[f"{office}_office"] if office else None,
        "at": _format_time(received_at, now),
        "instant": event["received_at"],
        "delay": text["delay_most" if is_about_answer else "delay"] % _format_duration(delay, lang),
        "number": text["number"] % event["sequence"],
        "again": text["came_again"] % event["times"] if event["times"] > 1 else None,
        "fresh": last_seen is not None and event["arrival"] > last_seen,
        **_describe_value(data, lang),
    }


def _describe_value(data: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """What the event says: its main value, and remarks beside it."""
    text = TEXTS[lang]
    if "answers" not in data:
        return {"value": _translate(lang, data["status"]) if "status" in data else None, "remarks": []}
    ratings = [answer["value"] for answer in data["answers"] if isinstance(answer["value"], int)]
    labels = [_translate(lang, answer["value"]) for answer in data["answers"] if isinstance(answer["value"], str)]
    value = f"{ratings[0]} {text['of_ten']}" if ratings else (labels[:1] or [text["answered"]])[0]
    other_count = len(data["answers"]) - 1
    remarks = [
        text["more"] % other_count if other_count > 0 else None,
        text["reasons"] % len(data["reasons"]) if data["reasons"] else None,
        text["breach"] if data["breach"] else None,
        text["comment"] if data["comment_present"] else None,
    ]
    return {"value": value, "remarks": [remark for remark in remarks if remark]}


def _translate(lang: str, value: str) -> str:
    return LABELS[lang].get(value, value)


def _find_event_kind(event_type: str) -> str:
    name = event_type.removeprefix("ua.vidhuk.")
    return next((kind for prefix, kind in EVENT_KINDS.items() if name.startswith(prefix)), "other")


def _format_duration(duration: timedelta, lang: str) -> str:
    seconds = duration.total_seconds()
    second, minute, hour, day = UNITS[lang]
    space = "\N{NO-BREAK SPACE}"
    if seconds < 10:
        return f"{seconds:.1f}{space}{second}".replace(".", "," if lang == "uk" else ".")
    for size, limit, unit in ((1, 100, second), (60, 100, minute), (3600, 48, hour)):
        if seconds / size < limit:
            return f"{seconds / size:.0f}{space}{unit}"
    return f"{seconds / 86400:.0f}{space}{day}"


def _format_time(at: datetime, now: datetime) -> str:
    local_time = at.astimezone(KYIV)
    return f"{local_time:%H:%M:%S}" if local_time.date() == now.astimezone(KYIV).date() else f"{local_time:%d.%m %H:%M}"


def _compute_bars(pulse: Sequence[int]) -> list[tuple[int, float]]:
    """For every two seconds how high its bar stands, the highest ``BAR_HEIGHT``."""
    totals = [sum(pulse[start : start + BAR_SECONDS]) for start in range(0, len(pulse), BAR_SECONDS)]
    highest = max(totals, default=0)
    return [
        (position, max(1.5, round(BAR_HEIGHT * total / highest, 1)))
        for position, total in enumerate(totals)
        if highest and total
    ]
