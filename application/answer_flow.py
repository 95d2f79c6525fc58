"""A flow's request -> outcome -> the keys of its answer, within the time that the flow waits.

The same use cases as for a notification; nothing is done in the chat, because the flow goes on by itself. What is written
to the ERP is written once per request: the journal keeps it like any notification, and the same request again finds it.
"""

import asyncio
from contextlib import suppress

from application.conclude import Conclude
from application.failures import Failure, Unavailable
from application.ports import Arrival, Clock, Conclusion, Entry, Journal, Observer, Render
from application.trail import Gathering, gather, note
from domain.flow_answer import FlowAnswer, FlowOperation, answer_of, failed_answer, planned, result_of
from domain.identifiers import InstallationId, NotificationKey
from domain.installation import FlowKey, Installation, Policies
from domain.outcome import Failed, Outcome
from domain.routing import tag_of
from domain.trail import OK, cause_of

RESERVE_S = 0.5
"""of the deadline, kept for the journal and for the way back; a quarter of a short deadline"""
LOOK_AGAIN_S = 0.2
"""how often it is looked whether another process has concluded the same request"""


class AnswerFlow:
    """To be called on one event loop: equal requests that are at work at the same moment are one."""

    def __init__(
        self, *, journal: Journal, conclude: Conclude, clock: Clock, observer: Observer, render: Render
    ) -> None:
        self._journal = journal
        self._conclude = conclude
        self._clock = clock
        self._observer = observer
        self._render = render
        self._at_work: dict[tuple[InstallationId, NotificationKey], asyncio.Task[Outcome]] = {}

    async def __call__(self, operation: FlowOperation, arrival: Arrival, installation: Installation) -> dict[str, str]:
        """The answer, by the installation's deadline. Work goes on when the caller has gone: the same request again gets
        what came of it."""
        try:
            async with asyncio.timeout(installation.policies.flow_api_deadline_s):
                outcome = await asyncio.shield(self._at_work_on(arrival, installation))
        except TimeoutError:
            outcome = Failed(cause="deadline.flow_not_answered")
            await self._conclude.report(installation, outcome)
        return _in_words(answer_of(operation, outcome, installation), self._render)

    def _at_work_on(self, arrival: Arrival, installation: Installation) -> asyncio.Task[Outcome]:
        key = (installation.id, arrival.notification.key)
        if key not in self._at_work:
            self._at_work[key] = asyncio.create_task(self._work(arrival, installation))
            self._at_work[key].add_done_callback(lambda _: self._at_work.pop(key))
        return self._at_work[key]

    async def _work(self, arrival: Arrival, installation: Installation) -> Outcome:
        """A failure is no answer to be given again: the same request tries once more, and writes nothing twice."""
        began_at = self._clock.monotonic()
        with gather(self._clock) as gathering:
            try:
                entry = await self._record(arrival, installation)
                if entry.outcome is not None and _is_answer(entry.outcome, installation):
                    return entry.outcome
                budget_s = _budget_s(installation.policies) - (self._clock.monotonic() - began_at)
                outcome = await self._conclude(entry, installation, budget_s=budget_s)
                if entry.resumed and isinstance(outcome, Failed) and outcome.write_in_doubt:
                    budget_s = _budget_s(installation.policies) - (self._clock.monotonic() - began_at)
                    elsewhere = await self._concluded_elsewhere(arrival, installation, within_s=budget_s)
                    if elsewhere is not None:
                        return elsewhere
            except Failure as failure:
                outcome = Failed(cause=failure.cause)
            else:
                note(f"decision.{tag_of(outcome)}", cause_of(outcome) or OK)
                await self._keep(entry, outcome, installation, gathering)
        await self._conclude.report(installation, outcome)
        return outcome

    async def _record(self, arrival: Arrival, installation: Installation) -> Entry:
        return await self._journal.record(installation.id, arrival, window_s=installation.policies.dedupe_window_s)

    async def _concluded_elsewhere(
        self, arrival: Arrival, installation: Installation, *, within_s: float
    ) -> Outcome | None:
        """What another process, which is at work on the same request, comes to; None: nothing yet."""
        loop = asyncio.get_running_loop()
        gives_up_at = loop.time() + within_s
        while loop.time() + LOOK_AGAIN_S < gives_up_at:
            await asyncio.sleep(LOOK_AGAIN_S)
            entry = await self._record(arrival, installation)
            if entry.outcome is not None and _is_answer(entry.outcome, installation):
                return entry.outcome
        return None

    async def _keep(self, entry: Entry, outcome: Outcome, installation: Installation, gathering: Gathering) -> None:
        """What the ERP did is true even while it can't be recorded."""
        with suppress(Unavailable):
            concluded = Conclusion(outcome=outcome, route=planned(outcome, installation))
            if entry.outcome is not None:  # it failed before, and was finished with that
                await self._journal.keep_trail(entry, gathering.trail())
            trail = gathering.trail() if entry.outcome is None else None
            await self._journal.finish_entry(entry, concluded=concluded, trail=trail)
        self._observer.finished(entry, outcome)


def unanswered(operation: FlowOperation | None, cause: str, policies: Policies, render: Render) -> dict[str, str]:
    """The answer to a request that did not even come here."""
    return _in_words(failed_answer(operation, cause, policies), render)


def _in_words(answer: FlowAnswer, render: Render) -> dict[str, str]:
    """Flat text under every key of the operation."""
    values = {**answer.values, "mensagem": "\n\n".join(render(message) for message in answer.said)}
    if answer.contracts:
        values["contratos_lista"] = "\n".join(render(line) for line in answer.contracts)
    return values


def _budget_s(policies: Policies) -> float:
    deadline_s = policies.flow_api_deadline_s
    return deadline_s - min(RESERVE_S, deadline_s / 4)


def _is_answer(outcome: Outcome, installation: Installation) -> bool:
    return result_of(outcome, installation) != FlowKey.AUXILIARY
