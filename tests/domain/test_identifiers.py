from domain.identifiers import Secret


def test_a_secret_shows_itself_to_nobody_but_whoever_asks_for_it() -> None:
    secret = Secret(value="t0ken")
    assert "t0ken" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "t0ken"
    assert secret
    assert not Secret(value="")
