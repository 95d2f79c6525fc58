from rich.pretty import pretty_repr

from domain.identifiers import Personal, Secret


def test_a_secret_shows_itself_to_nobody_but_whoever_asks_for_it() -> None:
    secret = Secret(value="t0ken")
    assert "t0ken" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "t0ken"
    assert secret
    assert not Secret(value="")


class Neighbour(Personal, frozen=True, kw_only=True):
    safe = ("door",)
    door: int
    name: str


def test_a_traceback_that_prints_values_shows_no_more_of_them_than_their_repr() -> None:
    shown = pretty_repr([Neighbour(door=7, name="Ana"), Secret(value="t0ken")])
    assert "7" in shown
    assert "Ana" not in shown
    assert "t0ken" not in shown
