"""Which kind of database a URL means; one that can't be read means none. What drives PostgreSQL is imported only where it does."""

from contextlib import suppress

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError


def is_postgres(url: str) -> bool:
    with suppress(ArgumentError, ValueError):
        return make_url(url).get_backend_name() == "postgresql"
    return False
