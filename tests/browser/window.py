"""A browser's window that writes down what its pages complain of, and knows its way in."""

from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, expect


class Window:
    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self.complaints: list[str] = []
        self.page = context.new_page()
        self.page.set_default_timeout(20_000)
        expect.set_options(timeout=20_000)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))

    def enter(self) -> None:
        """From the address that `make run` prints."""
        self.page.goto("/conversa")
        self.page.get_by_role("button", name="Entrar e conversar").click()
        self.page.wait_for_url("**/conversa")

    def close(self) -> None:
        self._context.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        """Among them every violation of the content security policy. That a page refuses something, the
        browser tells too; that a script or a style sheet is missing is our fault."""
        is_page = "Failed to load resource" in message.text and "/estatico/" not in message.location.get("url", "")
        if message.type == "error" and not (
            is_page and any(f" {status} " in message.text for status in (400, 401, 404, 422))
        ):
            self.complaints.append(f"{self.page.url}: {message.text}")


def overflow_of(page: Any) -> int:
    """How many pixels of the page stand out to the right."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width
