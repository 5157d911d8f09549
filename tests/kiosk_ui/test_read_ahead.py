"""Templates and languages are loaded before the first reader comes, and worker processes share them."""

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
def names_read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Collect the names of templates and catalogues that are read from now on."""
    names: set[str] = set()
    get_source, load_catalogue = DispatchingJinjaLoader.get_source, Translations.load

    def read_template(loader: Any, environment: Any, name: str) -> Any:
        names.add(name)
        return get_source(loader, environment, name)

    def read_catalogue(folder: Any, locales: Any, *arguments: Any) -> Any:
        names.update(map(str, locales))
        return load_catalogue(folder, locales, *arguments)

    monkeypatch.setattr(DispatchingJinjaLoader, "get_source", read_template)
    monkeypatch.setattr(Translations, "load", read_catalogue)
    return names


@pytest.mark.parametrize("language", ["uk", "en"])
def test_visitors_pages_read_nothing_when_they_are_drawn(
    app: Flask, client: FlaskClient, invited: Callable[..., str], names_read: set[str], language: str
) -> None:
    path = invited()
    own_name.cache_clear()
    kiosk_ui.preload_pages(app)
    assert names_read == {"uk", "en"} | {
        name for name in app.jinja_env.list_templates(extensions=["html"]) if not name.startswith(("admin/", "api/"))
    }
    cached_names = own_name.cache_info().currsize
    names_read.clear()

    statuses = [client.get(f"{address}?lang={language}").status_code for address in (path, "/", "/S/UNKNOWN")]

    assert statuses == [200, 200, 404]
    assert not names_read
    assert own_name.cache_info().currsize == cached_names == 2
