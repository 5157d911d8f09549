"""What browsers are told to forbid: scripts get along without it, and a page that does not fails its test."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import AddressFactory
from tests.support.browser import open_visitor_pages
from tests.support.server import RunningService

HEAR_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", ({violatedDirective, blockedURI, sourceFile}) =>
  (window.violations ??= []).push([violatedDirective, blockedURI, sourceFile].join(" ")))
"""


def test_scripts_turn_the_page_without_anything_the_policy_forbids(page: Page, invited: AddressFactory) -> None:
    page.add_init_script(HEAR_VIOLATIONS)
    page.goto(invited())

    with page.expect_response(lambda reply: reply.request.headers.get("hx-request") == "true"):
        page.locator("button[value='3']").click()
    page.locator("textarea").fill("050 123 45 67")
    expect(page.locator("blockquote")).to_be_visible()
    page.locator("button[name=again][value=language]").click()
    expect(page.locator("h1")).to_have_text("Tell us a little more")

    assert page.evaluate("window.violations ?? []") == []


@pytest.mark.parametrize(
    "forbidden",
    [
        "document.body.setAttribute('style', 'color: red')",
        "document.head.append(Object.assign(document.createElement('script'), {text: '1'}))",
    ],
    ids=["style", "script"],
)
def test_a_page_that_does_what_its_policy_forbids_fails_its_test(
    browser: Browser, service: RunningService, forbidden: str
) -> None:
    with (
        pytest.raises(AssertionError, match="Content Security Policy"),
        open_visitor_pages(browser) as new_page,
    ):
        page = new_page()
        page.add_init_script(HEAR_VIOLATIONS)
        page.goto(service.url)
        page.evaluate(forbidden)
        page.wait_for_function("window.violations?.length")
