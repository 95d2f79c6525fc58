"""The list of events that fills itself, in a browser that has seen nothing of it yet."""

from playwright.sync_api import Page, Route, expect


def test_a_first_look_at_live_events_gets_them_however_late_the_extension_arrives(page: Page) -> None:
    """What a page needs has started waiting for it, and has not started without it."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/hx-sse-*.js", hold)
    page.goto("/i/sandbox/eventos?ao_vivo=1", wait_until="commit")
    page.wait_for_function("typeof htmx !== 'undefined' && document.readyState !== 'loading'")
    page.evaluate("() => new Promise((done) => setTimeout(done))")  # whatever did not wait has begun
    with page.expect_request("**/eventos/ao-vivo*"):
        held[0].continue_()
    expect(page.locator("#linhas")).to_contain_text("Cliente encontrado")
