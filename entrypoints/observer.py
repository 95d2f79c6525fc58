"""What is told of each finished notification: a count and one log line, without data."""

import structlog

from application.ports import Entry
from domain.outcome import Failed, Outcome
from domain.routing import tag_of
from entrypoints.metrics import Meters

log = structlog.get_logger()


class MeteredObserver:
    """Implements `application.ports.Observer`."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    def finished(self, entry: Entry, outcome: Outcome) -> None:
        self._meters.concluded(outcome)
        log.info(
            "notification.finished",
            seq=entry.seq,
            installation_id=entry.installation_id,
            chat_id=entry.notification.chat.id,
            outcome=tag_of(outcome),
            cause=outcome.cause if isinstance(outcome, Failed) else None,
            resumed=entry.resumed,
        )

    def crashed(self, entry: Entry, fault: Exception) -> None:
        log.error(
            "notification.crashed",
            seq=entry.seq,
            installation_id=entry.installation_id,
            chat_id=entry.notification.chat.id,
            exc_info=fault,
        )
