"""What the page of the demo central system says, in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

KYIV = ZoneInfo("Europe/Kyiv")
PULSE_SECONDS = 120
BAR_SECONDS = 2
BAR_HEIGHT = 40

TEXTS = {
    "uk": {
        "name": "Центральна система — демонстрація",
        "title": "Що надійшло",
        "made_up": "Вигадана центральна система моніторингу. Вона приймає, перевіряє й показує події сервісу "
        "відгуків, а на прохання поводиться погано. Жодні дані звідси нікуди не йдуть.",
        "other": "English",
        "portal": "Демонстраційний портал",
        "pause": "Зупинити оновлення",
        "resume": "Оновлювати наживо",
        "live": "Наживо",
        "paused": "Оновлення зупинено",
        "offline": "Немає зв’язку з цією сторінкою; показано останнє, що вона знала.",
        "fine": "Приймає як слід",
        "misbehaves": "Поводиться погано",
        "left": "ще запитів: %s",
        "hits": "уже запитів: %s",
        "events": "Подій",
        "events_more": "кожну лічено один раз",
        "repeats": "Повторів",
        "repeats_more": "надійшли знову, відкинуто за id",
        "missing": "Бракує",
        "missing_more": "номерів, яких ще немає",
        "refused": "Відмов",
        "refused_more": "підпис, вигляд або зміст",
        "pulse": "Нових подій за останні дві хвилини; найбільше за секунду: %s",
        "pulse_name": "Останні дві хвилини",
        "stream": "Останні події",
        "nothing": "Поки що нічого. Дайте відповідь в опитуванні, і вона з’явиться тут за кілька секунд.",
        "came_again": "надійшла разів: %s",
        "number": "№ %s",
        "delay": "за %s",
        "delay_most": "до %s",
        "delay_note": "Час відповіді округлено вниз до години, тому її затримка — верхня межа.",
        "types": "За видами",
        "centres": "Номери за центрами",
        "centre": "Центр",
        "count": "Подій",
        "highest": "Останній №",
        "gaps": "Бракує номерів",
        "no_gaps": "немає",
        "late": "не за чергою: %s",
        "doubled": "номер двічі: %s",
        "changed": "інший зміст: %s",
        "refusals": "Чому відмовлено",
        "reason": "Причина",
        "times": "Разів",
        "last": "Востаннє",
        "faults": "Погана поведінка",
        "faults_more": "Натисніть, і наступні запити зустрінуть саме це. Сервіс відгуків має нічого не загубити й не "
        "подвоїти.",
        "behave": "Поводитися як слід",
        "settings": "Скільки й як довго",
        "for_times": "Запитів (порожньо — поки не вимкнено)",
        "for_seconds": "Секунд",
        "for_status": "Код відповіді",
        "for_retry_after": "Retry-After",
        "for_every": "Кожна котра подія",
        "usual": "Порожнє поле — звичайне значення.",
        "json": "Те саме для програм",
        "case": "справа",
        "comment": "є коментар",
        "breach": "порушення",
        "reasons": "причин: %s",
        "more": "ще відповідей: %s",
        "of_ten": "з 10",
        "answered": "без оцінки",
        "no_service": "без послуги",
        "offline_office": "у центрі",
        "online_office": "онлайн",
    },
    "en": {
        "name": "Central system — demonstration",
        "title": "What has arrived",
        "made_up": "A made-up central monitoring system. It takes, checks and shows the events of the feedback "
        "service, and misbehaves when asked. Nothing leaves from here.",
        "other": "Українською",
        "portal": "Demo portal",
        "pause": "Stop refreshing",
        "resume": "Refresh live",
        "live": "Live",
        "paused": "Refreshing is stopped",
        "offline": "This page is out of touch; it shows the last that it knew.",
        "fine": "Takes events as it should",
        "misbehaves": "Misbehaves",
        "left": "requests to go: %s",
        "hits": "requests so far: %s",
        "events": "Events",
        "events_more": "each counted once",
        "repeats": "Repeats",
        "repeats_more": "came again, dropped by id",
        "missing": "Missing",
        "missing_more": "numbers not here yet",
        "refused": "Refusals",
        "refused_more": "signature, shape or content",
        "pulse": "New events in the last two minutes; most in one second: %s",
        "pulse_name": "The last two minutes",
        "stream": "Latest events",
        "nothing": "Nothing yet. Answer a survey, and it will be here within seconds.",
        "came_again": "came %s times",
        "number": "No. %s",
        "delay": "in %s",
        "delay_most": "at most %s",
        "delay_note": "The time of an answer is cut to the hour, so its delay is an upper bound.",
        "types": "By type",
        "centres": "Sequences by centre",
        "centre": "Centre",
        "count": "Events",
        "highest": "Last no.",
        "gaps": "Missing numbers",
        "no_gaps": "none",
        "late": "out of turn: %s",
        "doubled": "number given twice: %s",
        "changed": "content changed: %s",
        "refusals": "Why refused",
        "reason": "Reason",
        "times": "Times",
        "last": "Last",
        "faults": "Misbehaviour",
        "faults_more": "Press, and the next requests meet just that. The feedback service should lose nothing and "
        "double nothing.",
        "behave": "Behave well",
        "settings": "How much and how long",
        "for_times": "Requests (empty: until switched off)",
        "for_seconds": "Seconds",
        "for_status": "Status code",
        "for_retry_after": "Retry-After",
        "for_every": "Every which event",
        "usual": "An empty field means the usual value.",
        "json": "The same for programs",
        "case": "case",
        "comment": "has a comment",
        "breach": "breach",
        "reasons": "reasons: %s",
        "more": "more answers: %s",
        "of_ten": "of 10",
        "answered": "no rating",
        "no_service": "no service",
        "offline_office": "in the centre",
        "online_office": "online",
    },
}
# Modes in groups, each with its name and what it does.
MODES: Mapping[str, Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "uk": {
        "Зв’язок": {
            "slow": ("Зволікає", "чекає, тоді робить усе як слід"),
            "timeout": ("Мовчить", "записує, та відповіді не дочекатися"),
            "reset_before": ("Обрив до запису", "з’єднання рветься, нічого не записано"),
            "reset_after": ("Обрив після запису", "записує, тоді з’єднання рветься"),
            "reset_midway": ("Обрив посеред відповіді", "записує, відповідь обірвано"),
            "drip": ("По краплі", "записує, відповідь іде по одному байту"),
            "huge": ("Без кінця", "відповідь, що не закінчується"),
        },
        "Відмови": {
            "status": ("Помилка", "код відповіді 503 або інший"),
            "redirect": ("Переспрямування", "шле в інше місце"),
            "poison": ("Отруєна подія", "відкидає весь пакет, у якому вона є"),
            "reject": ("Відхиляє деякі", "називає їх відхиленими, решту приймає"),
        },
        "Дивні відповіді": {
            "missing_ids": ("Називає не всі", "половини id у відповіді немає"),
            "wrong_ids": ("Чужі id", "називає події, яких ніхто не слав"),
            "duplicate_ids": ("Двічі те саме", "кожен id і прийнято, і повторено"),
            "garbage": ("Не JSON", "200 зі сторінкою замість відповіді"),
            "empty": ("Порожньо", "200 без жодного слова"),
        },
    },
    "en": {
        "Connection": {
            "slow": ("Slow", "waits, then does everything right"),
            "timeout": ("Silent", "stores, but the answer is too long in coming"),
            "reset_before": ("Reset before storing", "the connection breaks, nothing is stored"),
            "reset_after": ("Reset after storing", "stores, then the connection breaks"),
            "reset_midway": ("Reset midway", "stores, the answer is cut off"),
            "drip": ("Drip", "stores, the answer comes byte by byte"),
            "huge": ("Endless", "an answer that does not end"),
        },
        "Refusals": {
            "status": ("Error", "status 503 or another"),
            "redirect": ("Redirect", "sends elsewhere"),
            "poison": ("Poisoned event", "refuses the whole batch that carries it"),
            "reject": ("Rejects some", "names them as rejected, takes the rest"),
        },
        "Strange answers": {
            "missing_ids": ("Names only some", "half of the ids are not in the answer"),
            "wrong_ids": ("Foreign ids", "names events that nobody sent"),
            "duplicate_ids": ("All twice", "every id is both accepted and a repeat"),
            "garbage": ("Not JSON", "200 with a page instead of an answer"),
            "empty": ("Empty", "200 without a word"),
        },
    },
}
WORDS = {
    "uk": {
        "ua.vidhuk.case.status.v1": "Статус справи",
        "ua.vidhuk.response.recorded.v1": "Відповідь",
        "ua.vidhuk.response.withdrawn.v1": "Відкликання",
        "ua.vidhuk.breach.flagged.v1": "Порушення",
        "ua.vidhuk.centre.profile.v1": "Профіль центру",
        "registered": "Зареєстровано",
        "in_progress": "Опрацьовується",
        "returned": "Повернуто",
        "completed": "Надано",
        "refused": "Відмовлено",
        "cancelled": "Скасовано",
        "great": "Чудово",
        "excellent": "Чудово",
        "good": "Добре",
        "ok": "Нормально",
        "acceptable": "Прийнятно",
        "bad": "Погано",
        "awful": "Жахливо",
        "unsigned": "Запит без підпису",
        "timestamp": "Час підпису далекий від нашого",
        "signature": "Підпис не збігається",
        "malformed": "Це не JSON",
        "media_type": "Інший вид вмісту",
        "too_large": "Завелике",
        "shape": "Це не список подій",
        "several_centres": "Кілька центрів в одному запиті",
        "event": "Подію відхилено",
        "poison": "Отруєна подія, як просили",
        "redirect_followed": "Пішли за переспрямуванням",
    },
    "en": {
        "ua.vidhuk.case.status.v1": "Case status",
        "ua.vidhuk.response.recorded.v1": "Answer",
        "ua.vidhuk.response.withdrawn.v1": "Withdrawal",
        "ua.vidhuk.breach.flagged.v1": "Breach",
        "ua.vidhuk.centre.profile.v1": "Centre profile",
        "registered": "Registered",
        "in_progress": "In progress",
        "returned": "Returned",
        "completed": "Completed",
        "refused": "Refused",
        "cancelled": "Cancelled",
        "great": "Great",
        "excellent": "Excellent",
        "good": "Good",
        "ok": "Fair",
        "acceptable": "Acceptable",
        "bad": "Bad",
        "awful": "Awful",
        "unsigned": "A request without a signature",
        "timestamp": "Signed at another time than ours",
        "signature": "The signature does not fit",
        "malformed": "Not JSON",
        "media_type": "Another media type",
        "too_large": "Too large",
        "shape": "Not a list of events",
        "several_centres": "Several centres in one request",
        "event": "An event was rejected",
        "poison": "A poisoned event, as asked",
        "redirect_followed": "A redirect was followed",
    },
}
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
