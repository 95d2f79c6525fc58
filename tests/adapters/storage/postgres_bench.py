"""One PostgreSQL database, opened as the product opens it, and opened again as the next process would."""

from tests.adapters.storage.files import ServedFile
from tests.adapters.storage.postgres_clock import DatabaseClock


class ServedPostgres(ServedFile):
    def __init__(self, url: str) -> None:
        self.host_clock = DatabaseClock(url)
        super().__init__(url, self.host_clock)

    def close(self) -> None:
        super().close()
        self.host_clock.close()
