"""What the first visitor does not wait for, and the processes of the service share."""

from collections.abc import Callable
from typing import Any

import pytest
from babel.support import Translations
from flask import Flask
from flask.templating import DispatchingJinjaLoader
from flask.testing import FlaskClient

import kiosk_ui
from feedback_service.i18n import own_name

pytestmark = pytest.mark.own_application  # another test's pages would be read already


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The templates and catalogues that are read from now on."""
    names: set[str] = set()
    template, catalogue = DispatchingJinjaLoader.get_source, Translations.load

    def read_template(loader: Any, environment: Any, name: str) -> Any:
        names.add(name)
        return template(loader, environment, name)

    def read_catalogue(folder: Any, locales: Any, *words: Any) -> Any:
        names.update(map(str, locales))
        return catalogue(folder, locales, *words)

    monkeypatch.setattr(DispatchingJinjaLoader, "get_source", read_template)
    monkeypatch.setattr(Translations, "load", read_catalogue)
    return names


@pytest.mark.parametrize("language", ["uk", "en"])
def test_visitors_pages_read_nothing_when_they_are_drawn(
    app: Flask, client: FlaskClient, invited: Callable[..., str], read: set[str], language: str
) -> None:
    path = invited()
    own_name.cache_clear()
    kiosk_ui.preload_pages(app)
    assert read == {"uk", "en"} | {
        name
        for name in app.jinja_env.list_templates(extensions=["html"])
        if not name.startswith(("admin/", "api/"))
    }
    known = own_name.cache_info().currsize
    read.clear()

    seen = [client.get(f"{address}?lang={language}").status_code for address in (path, "/", "/S/UNKNOWN")]

    assert seen == [200, 200, 404]
    assert not read
    assert own_name.cache_info().currsize == known == 2
