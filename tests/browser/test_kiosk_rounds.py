"""The tablet under bad luck: the line comes and goes, pages close, versions change, the power fails.

``ROUNDS`` sets the dose, ``SEED`` the luck.
"""

import os
import random
import signal
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import reading
from feedback_service.keyring import current_keyring
from feedback_service.models import Centre, Response
from tests.browser.kiosk import (
    LANDSCAPE,
    answer_questions,
    create_pairing_code,
    expect_idle_screen,
    pair_tablet,
    type_code,
    wait_until,
    wait_until_delivered,
)
from tests.support import story
from tests.support.browser import BROWSER_FLAGS, NewPage, find_chromium
from tests.support.server import RunningService
from tests.support.stored import read_rows
from tests.support.tablets import date_back_tablets

ROUNDS = int(os.environ.get("ROUNDS", "7"))
SEED = int(os.environ.get("SEED", "1"))
LUCK = ("nothing", "line", "line again", "update", "close", "power", "power while sending")


@dataclass
class Tablet:
    """A browser with a disk of its own, which survives it."""

    browser: Browser
    service: RunningService
    disk: Path
    chance: random.Random
    context: BrowserContext = field(init=False)
    page: Page = field(init=False)
    offline: bool = False
    thanked: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    deck: list[str] = field(default_factory=list)
    luck: dict[str, int] = field(default_factory=dict)

    def switch_on(self) -> None:
        """The browser starts on the disk as it was left, with or without a line."""
        flags = [*BROWSER_FLAGS, "--no-sandbox"] if os.geteuid() == 0 else list(BROWSER_FLAGS)
        kind = self.browser.browser_type
        self.context = kind.launch_persistent_context(
            str(self.disk), executable_path=find_chromium(), args=flags, offline=self.offline, **LANDSCAPE
        )
        self.context.set_default_timeout(15_000)
        self.open()

    def open(self) -> None:
        """The page, as the device opens it by itself."""
        self.page = self.context.new_page()
        self.page.goto(f"{self.service.url}/kiosk")

    def lose_power(self) -> None:
        """Everything is dead at once."""
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if f"--user-data-dir={self.disk}".encode() in each.read_bytes():
                    os.kill(int(each.parent.name), signal.SIGKILL)
        with suppress(Error):
            self.context.close()

    def has_line(self, there: bool) -> None:
        """The line is up or down from now on."""
        self.offline = not there
        self.context.set_offline(self.offline)

    def somebody_answers(self, code: str | None, *, unlucky: bool = False) -> None:
        """A person answers and is thanked; when ``unlucky``, the power fails about then."""
        expect_idle_screen(self.page)
        if code:
            try:
                type_code(self.page, code)
            except Error:  # a new version took over at the first tap: the person finds it gone and begins again
                expect_idle_screen(self.page)
                type_code(self.page, code)
        answer_questions(self.page, {"off.nps": self.chance.randint(0, 10)})
        client: str = self.page.evaluate("state.client")
        with suppress(Error):
            self.page.locator("[name=finish]").click(no_wait_after=True)
            if unlucky:
                self.page.wait_for_timeout(self.chance.choice([0, 0, 2, 5, 10, 25, 60]))
                if self.page.locator(".tick").count():
                    self.thanked.add(client)
                else:
                    self.doubtful.add(client)
                return
            expect(self.page.locator(".tick")).to_be_visible()
            self.thanked.add(client)
            return
        self.doubtful.add(client)

    def next_person(self) -> None:
        """Back to the first screen, by the button or by the device's own timer."""
        if self.page.locator(".tick").count():
            self.page.locator(".wide").click()

    def one_round(self, code: str | None) -> None:
        """Something happens, then somebody answers."""
        if not self.deck:
            self.deck = self.chance.sample(LUCK, len(LUCK))
        what = self.deck.pop()
        self.luck[what] = self.luck.get(what, 0) + 1
        if what.startswith("line"):
            self.has_line(self.offline)
        elif what == "update":
            self.new_version()
        elif what == "close":
            self.page.close()
            self.open()
        elif what == "power":
            self.lose_power()
            self.switch_on()
        self.somebody_answers(code, unlucky=what == "power while sending")
        if what == "power while sending":
            self.lose_power()
            self.switch_on()
        else:
            self.next_person()

    def new_version(self) -> None:
        """A worker that says something else is installed and takes over while nobody answers."""
        if self.offline:
            return
        expect_idle_screen(self.page)
        self.page.evaluate(
            """async (path) => {
              const registration = await navigator.serviceWorker.register(path, { scope: "/kiosk" });
              (registration.waiting ?? registration.installing)?.postMessage("activate");
            }""",
            f"/kiosk/worker.js?{self.chance.random()}",
        )


@reading
def expected(tx: Session, clients: set[str]) -> set[uuid.UUID]:
    """The ids that the answers of these clients have at the service."""
    centre = tx.scalars(select(Centre).where(Centre.code == story.CENTRE)).one()
    key = current_keyring().signing_key
    return {key.derive_response_id(centre.id.bytes, uuid.UUID(client)) for client in clients}


def test_whatever_happens_the_service_has_exactly_what_people_were_thanked_for(
    browser: Browser, service: RunningService, beside: Flask, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    tablet = Tablet(browser, service, tmp_path / "disk", chance)
    with beside.app_context():
        before = {row.id for row in read_rows(Response)}
    tablet.switch_on()
    pair_tablet(tablet.page, service.url, create_pairing_code(beside))
    tablet.context.close()  # whoever sets a tablet up takes longer than the browser to write its cookie down
    tablet.switch_on()

    for _ in range(ROUNDS):
        with beside.app_context():
            code = story.create_invitation().short_code if chance.random() < 0.4 else None
        tablet.one_round(code)
    tablet.has_line(True)
    expect_idle_screen(tablet.page)
    wait_until_delivered(tablet.page, seconds=60)

    with beside.app_context():
        arrived = {row.id for row in read_rows(Response)} - before
        thanked, doubtful = expected(tablet.thanked), expected(tablet.doubtful)
    print(
        f"{ROUNDS} rounds, {tablet.luck}: {len(thanked)} thanked, {len(doubtful & arrived)} of {len(doubtful)} in doubt"
    )
    assert thanked <= arrived, "somebody was thanked for nothing"
    assert arrived <= thanked | doubtful, "there is an answer that nobody gave"
    assert tablet.page.evaluate("async () => (await held()).length") == 0
    tablet.context.close()


def test_after_three_days_without_a_line_five_hundred_answers_leave_while_people_go_on(
    new_page: NewPage, service: RunningService, beside: Flask
) -> None:
    page = new_page(**LANDSCAPE)
    ahead = timedelta(hours=5)
    page.clock.install(time=datetime.now().astimezone() + ahead)
    pair_tablet(page, service.url, create_pairing_code(beside))
    wait_until(page, "await kept('skew') > 17900")
    page.context.set_offline(True)
    with beside.app_context():
        date_back_tablets()
        before = {row.id for row in read_rows(Response)}
    now = clock.now()
    moments = [now - timedelta(hours=72) + timedelta(seconds=518 * n) for n in range(500)]
    hold_all = """async (moments) => {
      for (const answered_at of moments) {
        await hold(state.config.device, { client_id: crypto.randomUUID(), questionnaire: "offline-2026.1",
          language: "uk", answers: { "off.nps": 9, "off.staff": "great" }, answered_at, short_code: null });
      }
    }"""
    page.evaluate(hold_all, [(moment + ahead).isoformat() for moment in moments])
    assert page.evaluate("async () => (await waiting()).length") == 500
    longest = """() => {
      let last = performance.now();
      window.longest = 0;
      const tick = () => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    }"""
    page.evaluate(longest)

    began = clock.now()
    page.context.set_offline(False)
    answer_questions(page, {"off.nps": 8, "off.premises": "good", "off.services": "good"})
    expect(page.locator("[name='off.staff']")).to_have_count(4)
    wait_until_delivered(page, seconds=60)

    seconds = (clock.now() - began).total_seconds()
    print(f"500 answers left in {seconds:.1f} s, longest frame {page.evaluate('window.longest'):.0f} ms")
    with beside.app_context():
        arrived = [row for row in read_rows(Response) if row.id not in before]
    days = sorted(row.answered_on for row in arrived)
    assert days == sorted(clock.kyiv_day(moment) for moment in moments)
