"""An applicant with a phone, in a real browser: from the link to the receipt."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import AddressFactory
from tests.browser.kiosk import ReadNewResponses
from tests.support.browser import PHONE, NewPage

SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


def tap(page: Page, rating: int) -> None:
    """The first answer, and the second screen is there."""
    page.get_by_role("button", name=re.compile(rf"^{rating}\b")).tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Розкажіть трохи більше")


def choose(page: Page, question: str, word: str) -> None:
    """One word in answer to one question."""
    page.get_by_role("group", name=re.compile(question)).get_by_role("radio", name=word).tap()


@SCRIPTS
def test_she_answers_in_two_screens_and_gets_a_receipt(
    new_page: NewPage, invited: AddressFactory, scripts: bool
) -> None:
    phone = new_page(**PHONE, java_script_enabled=scripts)
    phone.goto(invited())

    tap(phone, 9)
    choose(phone, "персонал", "Чудово")
    choose(phone, "приміщення", "Добре")
    phone.get_by_label("Ваш коментар").fill("Дякую Олені з третього вікна")
    phone.get_by_role("button", name="Надіслати").tap()

    expect(phone.get_by_role("heading", level=1)).to_have_text("Дякуємо, Ваша відповідь у нас")
    expect(phone).to_have_url(re.compile(r"/R/[0-9A-Z]{20}$"))
    receipt = phone.get_by_role("status").inner_text()
    phone.reload()
    assert phone.get_by_role("status").inner_text() == receipt


@SCRIPTS
def test_a_mistake_is_shown_where_it_is_and_nothing_typed_is_lost(
    new_page: NewPage, invited: AddressFactory, scripts: bool
) -> None:
    phone = new_page(**PHONE, java_script_enabled=scripts)
    phone.goto(invited())
    tap(phone, 3)
    choose(phone, "персонал", "Жахливо")
    phone.get_by_label("Ваш коментар").fill("Довго\nчекала")
    phone.get_by_text("Сталося щось серйозне?").tap()
    phone.get_by_text("Ні, нічого такого").tap()
    phone.get_by_text("Образили").tap()

    phone.get_by_role("button", name="Надіслати").tap()

    summary = phone.get_by_role("alert").filter(has_text="Перевірте, будь ласка")
    expect(summary).to_be_focused()
    expect(phone).to_have_title(re.compile("^Помилка: "))
    expect(phone.get_by_label("Ваш коментар")).to_have_value("Довго\nчекала")
    expect(phone.get_by_label("Образили")).to_be_checked()
    expect(phone.get_by_role("radio", name="Жахливо", checked=True)).to_have_count(1)
    summary.get_by_role("link").tap()
    expect(phone.get_by_label("Ні, нічого такого")).to_be_focused()
    phone.get_by_text("Ні, нічого такого").tap()
    phone.get_by_role("button", name="Надіслати").tap()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Дякуємо, Ваша відповідь у нас")


@SCRIPTS
def test_she_sees_what_will_be_hidden_before_she_sends(
    new_page: NewPage, invited: AddressFactory, scripts: bool
) -> None:
    phone = new_page(**PHONE, java_script_enabled=scripts)
    phone.goto(invited())
    tap(phone, 8)

    phone.get_by_label("Ваш коментар").type("Телефонуйте 050 123 45 67")
    if not scripts:
        phone.get_by_role("button", name="Перевірити, що буде приховано").tap()

    kept = phone.locator("blockquote")
    expect(kept).to_contain_text("Телефонуйте")
    expect(kept).not_to_contain_text("123")
    expect(phone.get_by_label("Ваш коментар")).to_have_value("Телефонуйте 050 123 45 67")


def test_reasons_appear_when_something_was_not_good(phone: Page, invited: AddressFactory) -> None:
    phone.goto(invited())
    tap(phone, 10)
    reasons = phone.get_by_role("group", name=re.compile("не сподобалося"))
    expect(reasons).to_be_hidden()

    choose(phone, "процес", "Прийнятно")

    expect(reasons).to_be_visible()


@SCRIPTS
def test_she_may_change_her_first_answer(new_page: NewPage, invited: AddressFactory, scripts: bool) -> None:
    phone = new_page(**PHONE, java_script_enabled=scripts)
    phone.goto(invited())
    tap(phone, 1)

    phone.get_by_role("button", name="Змінити").tap()
    tap(phone, 10)

    expect(phone.get_by_text("Ваша оцінка: 10.")).to_be_visible()


def test_who_reloads_can_change_everything_and_the_browser_then_forgets(
    phone: Page, invited: AddressFactory, since: ReadNewResponses
) -> None:
    phone.goto(invited())
    tap(phone, 2)
    phone.reload()
    expect(phone.get_by_text("Вашу оцінку збережено")).to_be_visible()

    phone.get_by_role("button", name="Змінити").tap()
    tap(phone, 9)
    expect(phone.get_by_text("Ваша оцінка: 9.")).to_be_visible()
    assert phone.evaluate("Object.keys(sessionStorage).filter((name) => location.href.includes(name)).length") == 0
    assert phone.evaluate("sessionStorage.length") == 1
    phone.get_by_role("button", name="Надіслати").tap()

    expect(phone.get_by_role("heading", level=1)).to_have_text("Дякуємо, Ваша відповідь у нас")
    phone.wait_for_function("sessionStorage.length === 0")
    assert [response.answers for response in since()] == [{"off.nps": ["9"]}]


@SCRIPTS
def test_who_opens_the_link_second_cannot_change_the_rating(
    new_page: NewPage, invited: AddressFactory, scripts: bool
) -> None:
    link, first, second = invited(), new_page(**PHONE), new_page(**PHONE, java_script_enabled=scripts)
    first.goto(link)
    tap(first, 2)

    second.goto(link)
    second.get_by_role("button", name="Змінити").tap()
    tap(second, 9)

    expect(second.get_by_text("На це вже відповіли на іншій сторінці, і та відповідь лишається.")).to_be_visible()
    expect(second.get_by_text("Ваша оцінка: 9.")).to_be_hidden()


def test_going_back_does_no_harm(phone: Page, invited: AddressFactory) -> None:
    link = invited()
    phone.goto("about:blank")
    phone.goto(link)
    tap(phone, 9)
    phone.get_by_role("button", name="Надіслати").tap()
    expect(phone.get_by_role("status")).to_be_visible()

    phone.go_back()
    expect(phone).to_have_url("about:blank")
    phone.go_forward()
    expect(phone.get_by_role("status")).to_be_visible()
    phone.goto(link)

    expect(phone.get_by_role("heading", level=1)).to_have_text(re.compile("^Відповідь залишено"))


@SCRIPTS
def test_the_language_changes_in_the_middle_and_keeps_what_was_typed(
    new_page: NewPage, invited: AddressFactory, scripts: bool
) -> None:
    phone = new_page(**PHONE, java_script_enabled=scripts)
    phone.goto(invited())
    tap(phone, 9)
    phone.get_by_label("Ваш коментар").fill("Усе добре")

    phone.get_by_role("button", name="English").tap()

    expect(phone.get_by_role("heading", level=1)).to_have_text("Tell us a little more")
    expect(phone.get_by_label("Your comment")).to_have_value("Усе добре")
    expect(phone.locator("#page")).to_have_attribute("lang", "en")
    expect(phone.locator("html")).to_have_attribute("lang", "en")
    phone.get_by_role("button", name="Send").tap()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Thank you, your answer has arrived")


def test_when_the_network_fails_she_is_told_and_presses_again(phone: Page, invited: AddressFactory) -> None:
    phone.goto(invited())
    phone.context.set_offline(True)

    phone.get_by_role("button", name="7").tap()

    expect(phone.get_by_role("alert")).to_contain_text("Нічого не втрачено")
    phone.context.set_offline(False)
    tap(phone, 7)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_when_the_service_fails_nothing_typed_is_lost(phone: Page, invited: AddressFactory, status: int) -> None:
    phone.goto(invited())
    tap(phone, 7)
    phone.get_by_label("Ваш коментар").fill("Довго писала")
    phone.route("**/S/**", lambda route: route.fulfill(status=status, body="<h1>Bad gateway</h1>"))

    phone.get_by_role("button", name="Надіслати").tap()

    expect(phone.get_by_role("alert")).to_contain_text("Нічого не втрачено")
    expect(phone.get_by_label("Ваш коментар")).to_have_value("Довго писала")
    phone.unroute("**/S/**")
    phone.get_by_role("button", name="Надіслати").tap()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Дякуємо, Ваша відповідь у нас")


def test_a_tap_in_a_hurry_counts_once(phone: Page, invited: AddressFactory) -> None:
    phone.goto(invited())

    phone.get_by_role("button", name="5").dblclick()

    expect(phone.get_by_text("Ваша оцінка: 5.")).to_be_visible()


def test_the_keyboard_alone_is_enough(page: Page, invited: AddressFactory) -> None:
    page.goto(invited())
    keys = page.keyboard

    def reach(name: str) -> None:
        for _ in range(80):
            keys.press("Tab")
            focused = page.evaluate("document.activeElement.innerText || document.activeElement.id")
            if focused.strip() == name:
                return
        raise AssertionError(f"Tab never reaches {name}")

    reach("9")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    reach("off.premises")
    keys.press("Space")
    keys.press("ArrowRight")
    keys.press("Enter")  # in a group of faces it must not send by accident
    expect(page.get_by_role("radio", name="Добре", checked=True)).to_have_count(1)
    reach("any.comment")
    keys.type("Набрано без миші")
    reach("Надіслати")
    keys.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Дякуємо, Ваша відповідь у нас")
    expect(page.get_by_role("heading", level=1)).to_be_focused()


@SCRIPTS
def test_the_hall_is_rated_in_two_screens_too(new_page: NewPage, invited: AddressFactory, scripts: bool) -> None:
    phone = new_page(**PHONE, java_script_enabled=scripts)
    phone.goto(invited().partition("/S/")[0] + "/C/SN12000007")

    tap(phone, 2)
    phone.get_by_text("Бракувало місць для сидіння").tap()
    phone.get_by_role("button", name="Надіслати").tap()

    expect(phone.get_by_role("heading", level=1)).to_have_text("Дякуємо, Ваша відповідь у нас")


@SCRIPTS
def test_she_takes_her_answer_back(new_page: NewPage, answered: AddressFactory, scripts: bool) -> None:
    phone = new_page(**PHONE, java_script_enabled=scripts)
    phone.goto(answered({"off.nps": 9}))

    phone.get_by_text("Забрати свою відповідь", exact=True).tap()
    phone.get_by_role("button", name="Так, видалити мою відповідь").tap()

    expect(phone.get_by_role("heading", level=1)).to_have_text("Відповідь відкликано")
