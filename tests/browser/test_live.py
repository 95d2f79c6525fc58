"""The list of events that fills itself, in a browser that has seen nothing of it yet."""

from playwright.sync_api import Page, Route, expect


def test_a_first_look_at_live_events_gets_them_however_late_the_extension_arrives(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/hx-sse-*.js", hold)
    with page.expect_request("**/hx-sse-*.js"):
        page.goto("/i/sandbox/eventos?ao_vivo=1", wait_until="commit")
    page.evaluate(_WHAT_DOES_NOT_WAIT_HAS_BEGUN)
    with page.expect_request("**/eventos/ao-vivo*"):
        held[0].continue_()
    expect(page.locator("#linhas")).to_contain_text("Cliente encontrado")


_WHAT_DOES_NOT_WAIT_HAS_BEGUN = """() => new Promise((done) => {
  const look = () => {
    const is_there = typeof htmx !== 'undefined' && document.readyState !== 'loading';
    is_there ? setTimeout(done) : setTimeout(look, 5);
  };
  look();
})"""
