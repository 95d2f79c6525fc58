"""Alerts to the log: causes without data, counted by whoever reads it."""

import structlog

from domain.identifiers import InstallationId

log = structlog.get_logger("ponte.alerts")


class LoggedAlerts:
    async def raise_alert(self, installation_id: InstallationId, cause: str, detail: str) -> None:
        log.warning("alert", installation_id=installation_id, cause=cause, detail=detail)
