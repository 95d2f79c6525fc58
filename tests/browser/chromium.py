"""The browser of these tests: named by PONTE_TEST_BROWSER, or the machine's own, or Playwright's."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ADVICE = (
    "Não há um navegador para estes testes. Rode .ci/browser (make test faz isso sozinho), instale o Chromium, ou diga "
    "onde ele está: PONTE_TEST_BROWSER=/caminho/do/chromium make test"
)


def browser_path() -> str | None:
    """None: Playwright's own, if it was installed."""
    named = os.environ.get("PONTE_TEST_BROWSER")
    if named:
        if not os.access(named, os.X_OK):
            raise AssertionError(f"PONTE_TEST_BROWSER={named} não é um programa. {ADVICE}")
        return named
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def is_present() -> bool:
    """Whether the tests would find one."""
    try:
        if browser_path() is not None:
            return True
    except AssertionError:
        return True  # one was named: nothing is to be brought in its place
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()


@contextmanager
def running_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = browser_path()
        if path is None and not Path(playwright.chromium.executable_path).exists():
            raise AssertionError(ADVICE)
        # Without a sandbox of its own: as root, and in containers, it has none.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()
