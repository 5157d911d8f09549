"""The made-up town that a demonstration shows: its centre, services, and how people there tend to answer.

Only the territory's code is real. Codes of services, of legal entities and of the centre are invented, and
nothing here is about a real person. Shares of the offline words are those published for the first half of
2025 (``data/answers_h1_2025.csv``); nobody publishes the 0–10 answers, so their weights are ours.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CENTRE = "SN05990001"
PROFILE = {
    "code": CENTRE,
    "name": "ЦНАП міста Вінниці (демонстрація)",
    "edrpou": "99000005",
    "katottg": "UA05020030010063857",
    "controller": "Міська рада (демонстрація)",
    "contact": "personal-data@rada.example",
}


@dataclass(frozen=True, slots=True)
class DemoService:
    """A service: its names, who provides it, how often it is requested, and the share requested online."""

    code: str
    local_code: str
    title: str
    provider: str
    weight: int
    online_share: float = 0.0


COUNCIL, MIGRATION, LAND, JUSTICE, SOCIAL = "99000005", "99000011", "99000028", "99000034", "99000040"
SERVICES = (
    DemoService("90001", "01-01", "Реєстрація місця проживання", COUNCIL, 22, 0.2),
    DemoService("90002", "01-02", "Витяг з реєстру територіальної громади", COUNCIL, 14, 0.35),
    DemoService("90003", "02-01", "Оформлення паспорта громадянина України", MIGRATION, 12),
    DemoService("90004", "02-02", "Оформлення паспорта громадянина України для виїзду за кордон", MIGRATION, 11),
    DemoService("90005", "03-01", "Витяг з Державного земельного кадастру", LAND, 7, 0.3),
    DemoService("90006", "03-02", "Присвоєння кадастрового номера земельній ділянці", LAND, 4),
    DemoService("90007", "04-01", "Державна реєстрація права власності на нерухоме майно", JUSTICE, 6),
    DemoService("90008", "04-02", "Державна реєстрація фізичної особи — підприємця", JUSTICE, 5, 0.6),
    DemoService("90009", "05-01", "Призначення житлової субсидії", SOCIAL, 9, 0.1),
    DemoService("90010", "05-02", "Допомога при народженні дитини (єМалятко)", SOCIAL, 4, 0.5),
    DemoService("90011", "05-03", "Посвідчення багатодітної родини", SOCIAL, 3, 0.1),
    DemoService("90012", "06-01", "Видалення зелених насаджень: видача ордера", COUNCIL, 3),
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What has gone wrong lately: in which service, for how many days, and for what share of its applicants."""

    service: str
    days: int
    share: float
    reasons: Mapping[str, float]
    comments: tuple[str, ...]


# A visible problem: it covers the whole of last month, whatever the day.
SUBSIDY_TROUBLE = Trouble(
    service="90009",
    days=61,
    share=0.4,
    reasons={"queue": 50, "repeat_visit": 30, "explanation": 20},
    comments=(
        "На субсидію одне вікно на всіх, стояла майже дві години.",
        "Прийшов утретє: щоразу бракує іншої довідки, переліку ніде немає.",
        "Черга на субсидію не рухається, а сусідні вікна вільні.",
        "Записали на 9:00, прийняли об 11:20. Літнім людям так не можна.",
    ),
)
WORKPLACES = tuple(f"window-{number}" for number in range(1, 7))


def _read_published_shares(file: Path) -> Mapping[str, Mapping[str, float]]:
    with file.open(encoding="utf-8", newline="") as csv_file:
        return {
            row["question"]: {value: float(row[value]) for value in ("great", "good", "acceptable", "awful")}
            for row in csv.DictReader(csv_file)
        }


# The answers to each question from the best to the worst, with their shares.
OFFLINE_SHARES: Mapping[str, Mapping[str, float]] = {
    "off.nps": {
        **{"10": 0.72, "9": 0.14, "8": 0.06, "7": 0.025, "6": 0.012, "5": 0.018},
        **{"4": 0.004, "3": 0.004, "2": 0.003, "1": 0.003, "0": 0.011},
    },
    **_read_published_shares(Path(__file__).with_name("data") / "answers_h1_2025.csv"),
}
ONLINE_SHARES: Mapping[str, Mapping[str, float]] = {
    "on.nps": {
        **{"10": 0.52, "9": 0.18, "8": 0.10, "7": 0.06, "6": 0.03, "5": 0.04},
        **{"4": 0.01, "3": 0.01, "2": 0.01, "1": 0.01, "0": 0.03},
    },
    "on.overall": {"excellent": 0.62, "good": 0.23, "ok": 0.08, "bad": 0.03, "awful": 0.04},
}
POOR_ANSWERS = {"0", "1", "2", "3", "4", "5", "6", "acceptable", "bad", "awful"}

# Shares in percent: published where they exist, else assumed.
OFFLINE_REASON_WEIGHTS: Mapping[str, float] = {
    **{"seats": 13.4, "cramped": 9.5, "temperature": 8, "queue": 17, "schedule": 6, "explanation": 9},
    **{"rudeness": 6, "repeat_visit": 9, "late": 6, "navigation": 4, "inaccessible": 3, "registry_down": 7},
    **{"eticket": 2, "other": 4},
}
ONLINE_REASON_WEIGHTS: Mapping[str, float] = {
    **{"registry_down": 18, "wrong_data": 14, "retries": 16, "hard_to_find": 8, "slow_processing": 12},
    **{"unclear_text": 9, "signature": 10, "payment": 4, "no_notification": 6, "other": 3},
}
BREACH_WEIGHTS = {"late": 5, "extra_documents": 3, "insult": 2, "refused_acceptance": 1}

PLEASED_COMMENTS = (
    "Дякую, все швидко і зрозуміло.",
    "Дуже привітна адміністраторка, допомогла заповнити заяву.",
    "Усе за один візит, без черги.",
    "Зручно, що можна записатися наперед.",
    "Добре, що є пандус і дитячий куточок.",
)
DISPLEASED_COMMENTS: tuple[str, ...] = (
    "Чекала понад годину, хоча записувалася на 10:00.",
    "У залі спекотно, бракує стільців.",
    "Довелося приходити вдруге, бо не працював реєстр.",
    "Ніхто не пояснив, який документ ще потрібен.",
    "Заяву опрацьовували довше, ніж обіцяли.",
)
