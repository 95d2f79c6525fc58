"""Alerts and observations, kept to be read; and a calendar on which banks open from Monday to Friday."""

from datetime import date, timedelta

from application.ports import Entry
from domain.identifiers import InstallationId
from domain.outcome import Outcome


class Notebook:
    def __init__(self) -> None:
        self.alerts: list[str] = []
        """causes, in order"""
        self.finished_with: list[Outcome] = []
        self.faults: list[Exception] = []

    async def raise_alert(self, installation_id: InstallationId, cause: str, detail: str) -> None:
        self.alerts.append(cause)

    def finished(self, entry: Entry, outcome: Outcome) -> None:
        self.finished_with.append(outcome)

    def crashed(self, entry: Entry, fault: Exception) -> None:
        self.faults.append(fault)


class PlainWeeks:
    def next_banking_day(self, day: date) -> date:
        while day.weekday() >= 5:
            day += timedelta(days=1)
        return day
