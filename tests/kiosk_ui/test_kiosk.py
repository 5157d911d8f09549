"""The files of the tablet's page."""

import pytest
from flask import Flask

from kiosk_ui.kiosk import views


@pytest.mark.parametrize("part", ["own_name", "translate_texts", "TABLET_POLICY"])
def test_whatever_changes_in_the_page_is_another_version(
    app: Flask, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def version() -> str:
        views._render_shell.cache_clear()
        with app.test_request_context():
            return views.shell_version()

    before = version()
    assert version() == before
    other = {
        "own_name": str.upper,
        "translate_texts": lambda _: {"title": "Інше"},
        "TABLET_POLICY": "default-src 'none'",
    }
    monkeypatch.setattr(views, part, other[part])
    assert version() != before, "a tablet would go on with the page that it has"
    views._render_shell.cache_clear()


def test_the_page_is_the_same_whoever_asked_for_it_first(app: Flask) -> None:
    pages = []
    for address in ("/kiosk?lang=en", "/kiosk"):
        views._render_shell.cache_clear()
        pages.append(app.test_client().get(address).text)
    views._render_shell.cache_clear()

    assert pages[0] == pages[1], "two processes would tell tablets of two versions"
