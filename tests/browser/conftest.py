"""One sandbox and one browser for the tests of a module; each has a window of its own, and nothing may go wrong in it.

Not for longer: while Playwright runs, no other test can have an event loop in this thread.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import running_browser
from tests.browser.lived_in import live_in
from tests.browser.sandbox_process import SandboxProcess, running_sandbox
from tests.browser.window import Window


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as process:
        live_in(process)
        yield process


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as launched:
        yield launched


@pytest.fixture
def open_window(browser: Browser, sandbox: SandboxProcess) -> Iterator[Callable[..., Window]]:
    """Windows that know nobody yet. What a page complains of fails the test."""
    windows: list[Window] = []

    def opened(**context: Any) -> Window:
        windows.append(
            Window(browser.new_context(base_url=sandbox.url, locale="pt-BR", reduced_motion="reduce", **context))
        )
        return windows[-1]

    yield opened
    for window in windows:
        window.close()
    complaints = [each for window in windows for each in window.complaints]
    assert not complaints, complaints


@pytest.fixture
def window(open_window: Callable[..., Window]) -> Window:
    return open_window()


@pytest.fixture
def page(window: Window) -> Page:
    """Signed in by the one click that a newcomer needs."""
    window.enter()
    return window.page
