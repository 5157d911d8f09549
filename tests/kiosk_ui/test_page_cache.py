"""A cached page is rendered once for the same arguments and filled in for each reader."""

from flask import Flask
from markupsafe import Markup

from kiosk_ui.page_cache import make_placeholder, respond_with_cached_page


def test_a_page_is_rendered_once_and_each_reader_gets_their_own_path_and_texts(app: Flask) -> None:
    rendered = []

    def render(path: str, title: str) -> str:
        rendered.append(title)
        return f"{path} {title} {make_placeholder('name')}"

    pages = []
    for path, name in (("/one", "<Оля>"), ("/two", Markup("<b>Ігор</b>"))):
        with app.test_request_context(path):
            pages.append(respond_with_cached_page(render, "title", name=name).get_data(as_text=True))

    assert pages == ["/one title &lt;Оля&gt;", "/two title <b>Ігор</b>"]
    assert rendered == ["title"]


def test_a_reader_of_another_language_gets_another_page(app: Flask) -> None:
    rendered = []

    def render(path: str) -> str:
        rendered.append(path)
        return path

    for address in ("/one", "/one?lang=en", "/two?lang=en"):
        with app.test_request_context(address):
            respond_with_cached_page(render)

    assert len(rendered) == 2
