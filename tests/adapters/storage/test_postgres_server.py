from collections.abc import Mapping

import pytest
from psycopg.conninfo import conninfo_to_dict

from adapters.storage.postgres_server import NETWORK, conninfo

URL = "postgresql://ponte:s3cret@db.provedor.example:5433/ponte"


def in_words(settings: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in settings.items()}


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_a_server_that_falls_silent_is_noticed_however_it_is_reached(scheme: str) -> None:
    reached = conninfo_to_dict(conninfo(URL.replace("postgresql", scheme)))
    assert in_words(reached) == in_words(NETWORK) | {
        "user": "ponte",
        "password": "s3cret",
        "host": "db.provedor.example",
        "port": "5433",
        "dbname": "ponte",
    }


def test_what_the_url_says_about_the_network_holds() -> None:
    reached = conninfo_to_dict(conninfo(f"{URL}?connect_timeout=30&application_name=outro"))
    assert (reached["connect_timeout"], reached["application_name"]) == ("30", "outro")
    assert str(reached["tcp_user_timeout"]) == str(NETWORK["tcp_user_timeout"])
