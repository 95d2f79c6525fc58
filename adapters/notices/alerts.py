"""Alerts: a log line each, and a count by provider and cause that is written down about once a second."""

import threading

import structlog
from msgspec.structs import replace

from application.failures import Failure
from application.notice_ports import Problems
from application.ports import Clock
from domain.causes import as_cause
from domain.identifiers import InstallationId
from domain.problem import Occurrences

WAITING_MAX = 10_000
"""causes of providers that may wait for the database; more are logged and not counted"""

log = structlog.get_logger("ponte.alerts")


class CountedAlerts:
    """Implements `application.ports.Alerts`; may be called on any thread. What `write` did not write is lost with the
    process: a second's worth of counting, never a notification."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[tuple[InstallationId, str], Occurrences] = {}

    async def raise_alert(self, installation_id: InstallationId, cause: str, detail: str) -> None:
        cause, now = as_cause(cause), self._clock.now()
        log.warning("alert", installation_id=installation_id, cause=cause, detail=detail)
        self._add(Occurrences(installation_id=installation_id, cause=cause, count=1, first_at=now, last_at=now))

    async def write(self, problems: Problems) -> None:
        """What could not be written waits for the next time."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        try:
            await problems.count(list(waiting.values()))
        except Failure as failure:
            for seen in waiting.values():
                self._add(seen)
            log.warning("alerts.not_counted", causes=len(waiting), error=failure.cause)

    def _add(self, seen: Occurrences) -> None:
        key = seen.installation_id, seen.cause
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting is not None:
                seen = replace(
                    waiting,
                    count=waiting.count + seen.count,
                    first_at=min(waiting.first_at, seen.first_at),
                    last_at=max(waiting.last_at, seen.last_at),
                )
            elif len(self._waiting) >= WAITING_MAX:
                return
            self._waiting[key] = seen
