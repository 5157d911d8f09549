"""A centre's people keep its profile."""

from typing import Any

import pytest

from feedback_service.access import audit_log
from feedback_service.access.sessions import CurrentUser
from feedback_service.delivery.events import CENTRE_PROFILE
from feedback_service.errors import ChangedMeanwhile, Invalid, NotFound
from feedback_service.flow import centre_profile, registers, sign_in
from feedback_service.imports import ImportedRow
from feedback_service.models import Centre, JournalEntry, Service
from tests.delivery.test_schemas import schema_errors
from tests.support import stored, story
from tests.support.staff import create_session, create_user

pytestmark = pytest.mark.usefixtures("context")

OWN, FOREIGN = story.CENTRE, "SN99000008"


@pytest.fixture(autouse=True)
def by(context: None) -> CurrentUser:
    """The administrator of one of two centres."""
    story.create_centre()
    story.create_centre(FOREIGN)
    found = sign_in.find_current_user(create_session(create_user("administrator")))
    assert found is not None
    return found


def typed(by: CurrentUser, **changes: Any) -> dict[str, Any]:
    """The form as it is shown, with these changes."""
    return centre_profile.read_profile(by, OWN).form | changes


WHOLE: dict[str, Any] = {
    "name": "Прозорий офіс",
    "controller": "Вінницька міська рада",
    "contact": "dpo@rada.example",
    "notice": "Відповіді читає керівник.\r\nЩосереди.",
    "hours-mon": "9-18",
    "hours-sat": "9–13, 14–16",
    "exceptions": "25.12.2026 зачинено",
    "windows": "window-1 Вікно 1\nwindow-2",
    "languages": ["uk"],
}


def test_a_changed_profile_is_kept_and_told_to_the_central_system(by: CurrentUser) -> None:
    assert centre_profile.change_profile(by, OWN, 1, typed(by, **WHOLE))

    kept = centre_profile.read_profile(by, OWN)
    assert (kept.version, kept.name, kept.form["languages"]) == (2, "Прозорий офіс", ["uk"])
    assert kept.form["notice"] == "Відповіді читає керівник.\nЩосереди."
    hours = {name: typed_hours for name, typed_hours in kept.form.items() if name.startswith("hours-") and typed_hours}
    assert hours == {"hours-mon": "09:00–18:00", "hours-sat": "09:00–13:00, 14:00–16:00"}
    assert kept.form["exceptions"] == "2026-12-25 —"
    assert kept.form["windows"] == "window-1 Вікно 1\nwindow-2"
    [told] = stored.read_event_data(CENTRE_PROFILE)
    assert told == {
        "code": OWN,
        "name": "Прозорий офіс",
        "edrpou": "00032112",
        "katottg": "UA12020010010037010",
        "controller": "Вінницька міська рада",
        "contact": "dpo@rada.example",
        "notice": "Відповіді читає керівник.\nЩосереди.",
        "opening": {
            "week": {"mon": [["09:00", "18:00"]], "sat": [["09:00", "13:00"], ["14:00", "16:00"]]},
            "except": {"2026-12-25": []},
        },
        "windows": [{"code": "window-1", "name": "Вікно 1"}, {"code": "window-2", "name": None}],
        "languages": ["uk"],
    }
    assert schema_errors(CENTRE_PROFILE, told) == []


def test_a_profile_saved_as_shown_changes_nothing(by: CurrentUser) -> None:
    centre_profile.change_profile(by, OWN, 1, typed(by, **WHOLE))

    assert not centre_profile.change_profile(by, OWN, 2, typed(by))
    assert len(stored.read_event_data(CENTRE_PROFILE)) == 1
    assert [each.action for each in stored.read_rows(JournalEntry)].count("profile_changed") == 1


def test_an_edit_of_an_old_profile_version_is_refused(by: CurrentUser) -> None:
    first, second = typed(by, name="Перша"), typed(by, name="Друга")
    centre_profile.change_profile(by, OWN, 1, first)

    with pytest.raises(ChangedMeanwhile):
        centre_profile.change_profile(by, OWN, 1, second)
    assert centre_profile.read_profile(by, OWN).name == "Перша"


def test_an_import_of_centres_is_a_new_profile_version(by: CurrentUser) -> None:
    form = typed(by, name="З форми")
    row = {"code": OWN, "name": "З реєстру", "edrpou": "00032112", "katottg": "UA12020010010037010"}
    registers.import_centres([ImportedRow(2, row)])

    with pytest.raises(ChangedMeanwhile):
        centre_profile.change_profile(by, OWN, 1, form)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "),
        ("name", "Ц" * 501),
        ("name", "ЦНАП\u202eОЗЕР"),
        ("notice", "a" * 4001),
        ("contact", "\x00"),
        ("controller", "Рада\nміста"),
        ("hours-mon", "09:00\u200b–18:00"),
        ("exceptions", "25.12.2026 зачинено\n26.12.2026\u200b зачинено"),
        ("windows", "window-1\nwindow-2\u200b"),
        ("windows", "window-1\nwindow\u20111 Та сама"),
        ("hours-mon", "з ранку"),
        ("hours-sun", "18–9"),
        ("exceptions", "Різдво"),
        ("windows", "window-1 А\nwindow-1 Б"),
        ("windows", "w" * 65),
        ("languages", ["en"]),
        ("languages", []),
    ],
)
def test_faults_of_a_profile_are_named_and_nothing_changes(by: CurrentUser, field: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        centre_profile.change_profile(by, OWN, 1, typed(by, **(WHOLE | {field: value})))

    assert [error.pointer for error in refused.value.errors] == [f"/{field}"]
    assert stored.read_event_data(CENTRE_PROFILE) == []


def test_the_profile_of_a_foreign_centre_is_not_found(by: CurrentUser) -> None:
    for attempt in (
        lambda: centre_profile.read_profile(by, FOREIGN),
        lambda: centre_profile.change_profile(by, FOREIGN, 1, typed(by)),
        lambda: centre_profile.list_services(by, FOREIGN),
        lambda: centre_profile.import_services(by, FOREIGN, [ImportedRow(2, {"code": "1", "title": "Витяг"})]),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert {centre.version for centre in stored.read_rows(Centre)} == {1}
    assert stored.read_rows(Service) == []


def test_services_are_imported_into_ones_own_centre(by: CurrentUser) -> None:
    rows = [
        ImportedRow(2, {"code": "00034", "title": "Витяг"}),
        ImportedRow(3, {"code": "", "title": "Без коду"}),
    ]

    done = centre_profile.import_services(by, OWN, rows)

    assert (done.added, [fault.line for fault in done.faults]) == (1, [3])
    page = centre_profile.list_services(by, OWN)
    assert [(card.code, card.title) for card in page.services] == [("00034", "Витяг")]


def test_an_import_without_its_entry_in_the_audit_log_does_not_happen(
    by: CurrentUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise OSError("the power went out")

    monkeypatch.setattr(audit_log, "append_entry", crash)
    with pytest.raises(OSError, match="the power went out"):
        centre_profile.import_services(by, OWN, [ImportedRow(2, {"code": "00034", "title": "Витяг"})])

    assert stored.read_rows(Service) == []


def test_an_import_that_changes_nothing_leaves_no_entry(by: CurrentUser) -> None:
    rows = [ImportedRow(2, {"code": "00034", "title": "Витяг"})]
    for _ in range(2):
        centre_profile.import_services(by, OWN, rows)

    entries = [entry for entry in stored.read_rows(JournalEntry) if entry.action == "services_imported"]
    assert len(entries) == 1


def test_a_window_that_was_named_is_the_window_of_the_cases(by: CurrentUser) -> None:
    centre_profile.change_profile(by, OWN, 1, typed(by, windows="window\u20117\u00a0 Вікно\u20097 – реєстрація"))

    [own] = stored.read_rows(Centre, Centre.code == OWN)
    assert own.windows == {"window-7": "Вікно 7 – реєстрація"}


def import_many_services(by: CurrentUser, number: int) -> None:
    """Import so many services into one's own centre."""
    rows = [ImportedRow(line, {"code": f"{line:05}", "title": f"Довідка {line}"}) for line in range(1, number + 1)]
    assert centre_profile.import_services(by, OWN, rows).added == number


def test_many_services_are_listed_in_pages(by: CurrentUser) -> None:
    import_many_services(by, centre_profile.SERVICES_ON_PAGE + 1)

    pages = [centre_profile.list_services(by, OWN, page=page) for page in (1, 2, 3)]

    assert [(len(page.services), page.number, page.page, page.pages) for page in pages] == [
        (200, 201, 1, 2),
        (1, 201, 2, 2),
        (1, 201, 2, 2),
    ]


@pytest.mark.parametrize(("search", "codes"), [("довідка 7", {"00007"}), ("0000", {f"0000{n}" for n in range(1, 10)})])
def test_a_service_is_found_by_its_title_or_by_the_beginning_of_its_code(
    by: CurrentUser, search: str, codes: set[str]
) -> None:
    import_many_services(by, 12)

    assert {card.code for card in centre_profile.list_services(by, OWN, search=search).services} == codes


def test_a_form_offers_some_of_many_services_and_the_chosen_one(
    by: CurrentUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(centre_profile, "MAX_LISTED_SERVICES", 2)
    import_many_services(by, 4)

    offered = centre_profile.list_service_choices(by, OWN, chosen="00004")

    assert offered == {"00001": "Довідка 1", "00002": "Довідка 2", "00004": "Довідка 4"}
    assert list(centre_profile.list_service_choices(by, OWN, chosen="99999")) == ["00001", "00002"]
