"""The hall's tablet in a real browser: what it loads, how fast it starts offline, how soon a tap shows.

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
from tests.browser.kiosk import (
    LANDSCAPE,
    create_pairing_code,
    expect_idle_screen,
    leave_tablet,
    pair_tablet,
    wait_until,
)
from tests.support import story
from tests.support.browser import launch_browser
from tests.support.database import migrate_database
from tests.support.server import RunningService

SHELL_KB, START_MS, TAP_MS = 150, 1000, 100  # the most that each may be
SHORTEST_MEASURED_MS = 16  # milliseconds of an event that the browser tells of
OBSERVER_SCRIPT = """
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


def measure_tablet(folder: Path, *, starts: int, people: int) -> list[dict[str, Any]]:
    """Print the limits and what was measured; a kilobyte has 1000 bytes, after gzip -9."""
    url = f"sqlite:///{folder / 'feedback.db'}"
    migrate_database(url, folder)
    with RunningService(folder, url) as service, launch_browser() as browser:
        app = create_app(Settings.from_env(service.environment))
        with app.app_context():
            story.create_centre()
        context = browser.new_context(**LANDSCAPE)
        context.add_init_script(OBSERVER_SCRIPT)
        page = context.new_page()
        pair_tablet(page, service.url, create_pairing_code(app))
        shell_kb, config_kb = _measure_weights(service.url, page)
        tap_times = [duration for _ in range(people) for duration in _answer_and_send(page)]
        context.set_offline(True)
        page.close()
        start_times = []
        for _ in range(starts):
            page = context.new_page()
            page.goto(f"{service.url}/kiosk")
            expect_idle_screen(page)
            wait_until(page, "window.started !== undefined")
            start_times.append(page.evaluate("window.started"))
            page.close()
    return [
        {"what": "shell, KB", "most": SHELL_KB, "slowest_or_all": shell_kb},
        {"what": "configuration, KB", "slowest_or_all": config_kb},
        {"what": "start offline, ms", "most": START_MS} | _summarise_times(start_times),
        {"what": "tap to frame, ms", "most": TAP_MS} | _summarise_times(tap_times),
    ]


def _answer_and_send(page: Page) -> list[float]:
    """Answer six questions and send them; return the milliseconds of each tap."""
    questions = ["premises", "services", "staff", "quality", "process"]
    taps = [
        "[name='off.nps'][value='9']",
        *(f"[name='off.{question}'][value=good]" for question in questions),
    ]
    for tap in [*taps, "[name=finish]"]:
        page.locator(tap).tap()
    expect(page.locator(".tick")).to_be_visible()
    page.wait_for_timeout(200)  # entries come a moment after their frame
    durations: list[float] = page.evaluate("() => [...taps.values()]")
    leave_tablet(page)
    return durations + [SHORTEST_MEASURED_MS] * (len(taps) + 1 - len(durations))


def _measure_weights(url: str, page: Page) -> tuple[float, float]:
    """Return the page, its script, style, icon, manifest and service worker, and its configuration."""
    worker = httpx.get(f"{url}/kiosk/worker.js", trust_env=False).text
    files = re.findall(r'"(/[^"]*)"', worker.partition("\n")[0])
    bodies = [worker.encode(), *(httpx.get(url + file, trust_env=False).content for file in files)]
    config: str = page.evaluate("async () => JSON.stringify(await kept('config'))")
    return _gzipped_kilobytes(*bodies), _gzipped_kilobytes(config.encode())


def _gzipped_kilobytes(*bodies: bytes) -> float:
    return round(sum(len(gzip.compress(body, 9, mtime=0)) for body in bodies) / 1000, 1)


def _summarise_times(times: Sequence[float]) -> dict[str, Any]:
    return {"of": len(times), "median": round(statistics.median(times)), "slowest_or_all": round(max(times))}
