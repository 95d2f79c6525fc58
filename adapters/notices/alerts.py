"""Alerts: counted by provider and cause, which is logged and written down about once a second however many there are."""

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
        self._logged: set[tuple[InstallationId, str]] = set()
        """since the last time that something was to be written"""

    async def raise_alert(self, installation_id: InstallationId, cause: str, detail: str) -> None:
        cause, now = as_cause(cause), self._clock.now()
        if self._is_first(installation_id, cause):
            log.warning("alert", installation_id=installation_id, cause=cause, detail=detail)
        self._add(Occurrences(installation_id=installation_id, cause=cause, count=1, first_at=now, last_at=now))

    async def write(self, problems: Problems) -> None:
        """What could not be written waits for the next time."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            self._logged.clear()
        if not waiting:
            return
        try:
            await problems.count(list(waiting.values()))
        except Failure as failure:
            for seen in waiting.values():
                self._add(seen)
            log.warning("alerts.not_counted", causes=len(waiting), error=failure.cause)

    def _is_first(self, installation_id: InstallationId, cause: str) -> bool:
        with self._lock:
            logged = len(self._logged)
            self._logged.add((installation_id, cause))
            return len(self._logged) > logged

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
