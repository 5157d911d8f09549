"""A visit on a slow network: what travels, from where, and what the browser keeps."""

from urllib.parse import urlsplit

from playwright.sync_api import Page, Response, expect

from tests.browser.conftest import AddressFactory

FIRST_PAGE, VISIT = 14 * 1024, 50 * 1024  # bytes as they travel, gzipped


def test_a_whole_visit_is_small_and_asks_nobody_else(phone: Page, invited: AddressFactory) -> None:
    seen: list[Response] = []
    phone.on("response", lambda response: seen.append(response))
    link = invited()

    phone.goto(link)
    phone.get_by_role("button", name="9").tap()
    phone.get_by_label("Ваш коментар").type("Телефонуйте 050 123 45 67")
    expect(phone.locator("blockquote")).to_be_visible()
    phone.get_by_role("button", name="Надіслати").tap()
    expect(phone.get_by_role("status")).to_be_visible()

    weights = {response.url: response.request.sizes()["responseBodySize"] for response in seen}
    first = seen[0].request.sizes()["responseBodySize"]
    total = sum(response.request.sizes()["responseBodySize"] for response in seen)
    assert {urlsplit(response.url).netloc for response in seen} == {urlsplit(link).netloc}
    assert 0 < first <= FIRST_PAGE
    assert total <= VISIT, weights
    assert phone.context.cookies() == []
    assert phone.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
