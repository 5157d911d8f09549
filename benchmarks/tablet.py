"""The hall's tablet in a real browser: what it loads once, how fast it starts without a line, how soon a tap shows.

A start is from the navigation to the first frame with something to press, the line cut. A tap is from the finger to
the frame that answers it (Event Timing, which tells durations to 8 ms and none below 16 ms).
"""

import gzip
import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from feedback_service.app import create_app
from feedback_service.config import Settings
from tests.browser.kiosk import LANDSCAPE, between_people, leave, pair, pairing_code, until
from tests.support import story
from tests.support.browser import running
from tests.support.database import migrate
from tests.support.server import Service

SHELL_KB, START_MS, TAP_MS = 150, 1000, 100  # the most that each may be
SHORTEST_TOLD = 16  # milliseconds of an event that the browser tells of
WATCH = """
window.taps = new Map();
new PerformanceObserver((list) => {
  for (const { name, interactionId, duration } of list.getEntries()) {
    if (!interactionId || (name !== "pointerup" && name !== "click")) continue;
    taps.set(interactionId, Math.max(duration, taps.get(interactionId) ?? 0));
  }
}).observe({ type: "event", durationThreshold: 16, buffered: true });
const drawn = new MutationObserver(() => {
  if (!document.querySelector("#screen button")) return;
  drawn.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.started = performance.now(); }));
});
drawn.observe(document, { childList: true, subtree: true });
"""


def measure(folder: Path, *, starts: int, people: int) -> list[dict[str, Any]]:
    """What was promised, what was found; kilobytes are of 1000 bytes after gzip -9."""
    url = f"sqlite:///{folder / 'feedback.db'}"
    migrate(url, folder)
    with Service(folder, url) as service, running() as browser:
        app = create_app(Settings.from_env(service.environment))
        with app.app_context():
            story.a_centre()
        context = browser.new_context(**LANDSCAPE)
        context.add_init_script(WATCH)
        page = context.new_page()
        pair(page, service.url, pairing_code(app))
        shell, config = _weights(service.url, page)
        took = [one for _ in range(people) for one in _person(page)]
        context.set_offline(True)
        page.close()
        began = []
        for _ in range(starts):
            page = context.new_page()
            page.goto(f"{service.url}/kiosk")
            between_people(page)
            until(page, "window.started !== undefined")
            began.append(page.evaluate("window.started"))
            page.close()
    return [
        {"what": "shell, KB", "most": SHELL_KB, "slowest_or_all": shell},
        {"what": "configuration, KB", "slowest_or_all": config},
        {"what": "start offline, ms", "most": START_MS} | _spread(began),
        {"what": "tap to frame, ms", "most": TAP_MS} | _spread(took),
    ]


def _person(page: Page) -> list[float]:
    """Milliseconds of each tap of somebody who answers six questions and sends."""
    questions = ["premises", "services", "staff", "quality", "process"]
    taps = ["[name='off.nps'][value='9']", *(f"[name='off.{one}'][value=good]" for one in questions)]
    for tap in [*taps, "[name=finish]"]:
        page.locator(tap).tap()
    expect(page.locator(".tick")).to_be_visible()
    page.wait_for_timeout(200)  # entries come a moment after their frame
    told: list[float] = page.evaluate("() => [...taps.values()]")
    leave(page)
    return told + [SHORTEST_TOLD] * (len(taps) + 1 - len(told))


def _weights(url: str, page: Page) -> tuple[float, float]:
    """The page, its script, style, icon, manifest and worker; and what it is told to ask."""
    worker = httpx.get(f"{url}/kiosk/worker.js", trust_env=False).text
    files = re.findall(r'"(/[^"]*)"', worker.partition("\n")[0])
    bodies = [worker.encode(), *(httpx.get(url + file, trust_env=False).content for file in files)]
    config: str = page.evaluate("async () => JSON.stringify(await kept('config'))")
    return _kilobytes(*bodies), _kilobytes(config.encode())


def _kilobytes(*bodies: bytes) -> float:
    return round(sum(len(gzip.compress(body, 9, mtime=0)) for body in bodies) / 1000, 1)


def _spread(found: Sequence[float]) -> dict[str, Any]:
    return {"of": len(found), "median": round(statistics.median(found)), "slowest_or_all": round(max(found))}
