"""Settings: what cannot work is refused at the start, by name and with the reason."""

from datetime import date
from pathlib import Path

import pytest

from feedback_service.cases import slip
from feedback_service.config import SPOKEN, BadSettings, Settings
from feedback_service.surveys.questionnaires import LANGUAGES_NEEDED
from tests.support.environment import ROOT, environment


def told(tmp_path: Path, **settings: str) -> Settings:
    """The settings of an installation that says only these itself."""
    given = {f"FEEDBACK_{name.upper()}": value for name, value in settings.items()}
    return Settings.from_env(environment(tmp_path, "sqlite:///feedback.db") | given)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("invitation_days", 3650),
        ("partial_minutes", 1440),
        ("min_group", 1000),
        ("min_published", 1000),
        ("retention_days", 36500),
    ],
)
def test_numbers_have_a_least_and_a_most(tmp_path: Path, name: str, most: int) -> None:
    for fine in (1, most):
        assert getattr(told(tmp_path, **{name: str(fine)}), name) == fine

    for wrong in ("0", "-1", str(most + 1), "1.5", "9" * 5000, "many"):
        with pytest.raises(
            BadSettings, match=f"FEEDBACK_{name.upper()} is not a whole number from 1 to {most}"
        ):
            told(tmp_path, **{name: wrong})


def test_a_language_that_nobody_wrote_texts_in_is_refused(tmp_path: Path) -> None:
    assert told(tmp_path, languages="en, uk,uk").languages == ("en", "uk")
    assert told(tmp_path, languages="uk").languages == ("uk",)

    for wrong, why in (("uk,de", "does not speak"), ("uk,EN", "does not speak"), ("en", "leaves out uk")):
        with pytest.raises(BadSettings, match=f"FEEDBACK_LANGUAGES .*{why}"):
            told(tmp_path, languages=wrong)


def test_all_languages_offered_have_catalogues_questions_and_slips(tmp_path: Path) -> None:
    catalogues = {path.name for path in (ROOT / "kiosk_ui" / "translations").iterdir() if path.is_dir()}

    assert told(tmp_path).languages == SPOKEN
    assert set(SPOKEN) == catalogues | {"en"} == set(LANGUAGES_NEEDED), "texts in the code are English"
    for language in SPOKEN:
        assert slip.slip(
            address="https://v.example/S/K7Q2",
            width=384,
            centre="ЦНАП",
            domain="v.example",
            short_code="K7Q2",
            last_day=date(2026, 12, 1),
            language=language,
        )
