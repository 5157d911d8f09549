"""The files of the tablet's page."""

import pytest
from flask import Flask

from feedback_service.config import current_settings
from kiosk_ui.kiosk import views


def clear_caches() -> None:
    """Let the next request make the page as a new process would."""
    views._render_shell.cache_clear()
    views.shell_version.cache_clear()


@pytest.mark.parametrize("part", ["own_name", "translate_texts", "TABLET_POLICY"])
def test_whatever_changes_in_the_page_is_another_version(
    app: Flask, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def version() -> str:
        clear_caches()
        with app.test_request_context():
            return views.shell_version(current_settings().languages)

    before = version()
    assert version() == before
    other = {
        "own_name": str.upper,
        "translate_texts": lambda _: {"title": "Інше"},
        "TABLET_POLICY": "default-src 'none'",
    }
    monkeypatch.setattr(views, part, other[part])
    assert version() != before, "a tablet would go on with the page that it has"
    clear_caches()


def test_the_page_is_the_same_whoever_asked_for_it_first(app: Flask) -> None:
    pages = []
    for address in ("/kiosk?lang=en", "/kiosk"):
        clear_caches()
        pages.append(app.test_client().get(address).text)
    clear_caches()

    assert pages[0] == pages[1], "two processes would tell tablets of two versions"
