"""Pictures of every page, to be looked at: `python -m tests.browser.screenshots FOLDER`. With an address (`--url`, and
`--only NAME` as often as wanted) of a sandbox that runs; else one is started."""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.chromium import running_browser
from tests.browser.lived_in import live_in
from tests.browser.places import DOORS, PLACES
from tests.browser.sandbox_process import running_sandbox

WIDTHS = (320, 768, 1440)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--width", type=int, action="append", default=[])
    parser.add_argument("--dark", action="store_true")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        url = asked.url or _started(stack)
        browser = stack.enter_context(running_browser())
        page = browser.new_page(base_url=url, color_scheme="dark" if asked.dark else "light")
        page.goto("/entrar")
        for name, path in DOORS.items():
            take(page, name, path, asked)
        page.goto("/entrar")
        page.get_by_role("button", name="Entrar e conversar").click()
        page.wait_for_url("**/conversa")
        for name, path in PLACES.items():
            take(page, name, path, asked)
        page.goto("/i/sandbox/rede-off")
        outage = page.locator("a[href*='/rede-off/']").first
        if outage.count():
            take(page, "falha", outage.get_attribute("href") or "", asked)


def _started(stack: ExitStack) -> str:
    home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    process = stack.enter_context(running_sandbox(home))
    live_in(process)
    return process.url


def take(page: Page, name: str, path: str, asked: argparse.Namespace) -> None:
    if asked.only and name not in asked.only:
        return
    for width in asked.width or WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path)
        page.screenshot(path=asked.folder / f"{name}-{width}.png", full_page=True)


if __name__ == "__main__":
    main()
