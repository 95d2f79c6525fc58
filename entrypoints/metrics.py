"""What is counted. Labels are closed lists or stable slugs: no installation's people, no chat, no document."""

from prometheus_client import CollectorRegistry, Counter

from domain.outcome import Outcome


class Meters:
    """The counters of one process, kept in the registry that is passed in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._accepted = Counter(
            "ponte_notifications_accepted", "Notifications stored and acknowledged.", registry=registry
        )
        self._duplicates = Counter(
            "ponte_notifications_duplicate", "Notifications that had been accepted before.", registry=registry
        )
        self._ignored = Counter(
            "ponte_notifications_ignored", "Items that ask nothing of Ponte, by reason.", ["reason"], registry=registry
        )
        self._refused = Counter(
            "ponte_webhook_refused", "Deliveries not answered with 200, by reason.", ["reason"], registry=registry
        )
        self._outcomes = Counter(
            "ponte_outcomes", "What notifications were concluded with, by tag.", ["outcome"], registry=registry
        )
        self._flow_answers = Counter(
            "ponte_flow_answers",
            "Answers to flows that wait for one, by what was asked and what came of it.",
            ["operation", "result"],
            registry=registry,
        )
        self._flow_refused = Counter(
            "ponte_flow_refused", "Flows' requests not answered with 200, by reason.", ["reason"], registry=registry
        )

    def accepted(self, count: int) -> None:
        self._accepted.inc(count)

    def duplicates(self, count: int) -> None:
        self._duplicates.inc(count)

    def ignored(self, reason: str) -> None:
        self._ignored.labels(reason).inc()

    def refused(self, reason: str) -> None:
        self._refused.labels(reason).inc()

    def concluded(self, outcome: Outcome) -> None:
        self._outcomes.labels(type(outcome).__struct_config__.tag).inc()

    def answered(self, operation: str, result: str) -> None:
        self._flow_answers.labels(operation, result).inc()

    def flow_refused(self, reason: str) -> None:
        self._flow_refused.labels(reason).inc()
