"""What must be true of every chat once all is quiet again, held against Ponte's own record of what it decided."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields

from application.history import Event
from domain.action import StartFlow
from domain.identifiers import InstallationId, Secret
from domain.outcome import Failed
from tests.adapters.storage.recorded import history_beside, recorded
from tests.chaos.deployment import Deployment
from tests.chaos.talks import FLOW_OF, IN_DOUBT, SENTINEL, WRITING, Talk, Wish
from tests.e2e.books import Write
from tests.e2e.scene import FLOWS, Provider


@dataclass(kw_only=True)
class Tally:
    """What was seen, added up over rounds."""

    rounds: int = 0
    kills: int = 0
    notifications: int = 0
    delivered_again: int = 0
    """posts whose answer was lost, so that the same body was posted once more"""
    stored_unanswered: int = 0
    """of those, the ones that had been stored: their answer alone was lost"""
    flows: int = 0
    doubts_started: int = 0
    """the in-doubt window, and the flow had started: the customer reads the sentence beside it"""
    doubts_silent: int = 0
    """the in-doubt window, and no flow had started: the sentence is all there is"""
    sentences: int = 0
    messages: int = 0
    messages_twice: int = 0
    writes: int = 0
    writes_in_doubt: int = 0
    """the customer got the auxiliary flow and the agents a note, because nobody could tell whether the ERP wrote"""
    writes_in_doubt_done: int = 0
    """of those, the ones that the ERP had done: reading back did not show it"""

    def add(self, other: "Tally") -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in asdict(self).items())


async def recorded_by_chat(deployment: Deployment, talks: Sequence[Talk]) -> dict[str, list[Event]]:
    """Ponte's record of what was asked last, by chat, in the order in which it was accepted: right after `settle`."""
    by_chat: dict[str, list[Event]] = {}
    history = history_beside(deployment.environment["PONTE_DATABASE_URL"], Secret(value=deployment.key))
    newest = sum(len(talk.wishes) + 1 for talk in talks)
    for provider in {talk.provider.company_id: talk.provider for talk in talks}.values():
        installation_id = InstallationId(provider.installed.installation_id)
        for one in reversed(await recorded(history, installation_id, newest=newest)):
            by_chat.setdefault(one.notification.chat.id, []).append(one)
    return by_chat


def reckon(talks: Sequence[Talk], records: dict[str, list[Event]], *, kills: int) -> Tally:
    """To be called after `settle`. An `AssertionError` names the chat whose promise was broken."""
    tally = Tally(rounds=1, kills=kills)
    for talk in talks:
        _reckon_talk(talk, records.get(talk.chat, []), tally, kills)
    return tally


def _reckon_talk(talk: Talk, records: Sequence[Event], tally: Tally, kills: int) -> None:
    asked = [wish.subscriber.tax_id for wish in talk.wishes]
    # Of each wish one record, in the order in which they were asked, and the sentinel's after them.
    assert [one.notification.document for one in records[:-1]] == asked, (
        f"chat {talk.chat}: lost, doubled or disordered"
    )
    assert all(one.row.finished_at for one in records[:-1]), f"chat {talk.chat}: not finished"

    endings = _endings(talk, records)
    for wish, record, ending in zip(talk.wishes, records, endings, strict=False):
        started, sentences = int(not ending.startswith("?")), ending.count("?")
        assert sentences <= kills, f"chat {talk.chat}: {sentences} sentences after {kills} kills"
        tally.notifications += 1
        tally.delivered_again += wish.deliveries - 1
        tally.stored_unanswered += wish.duplicate
        tally.flows += started
        tally.sentences += sentences
        tally.doubts_started += started and sentences > 0
        tally.doubts_silent += not started
        _reckon_writes(talk, wish, record, tally)
        _reckon_messages(talk, wish, started, tally, kills)


def _endings(talk: Talk, records: Sequence[Event]) -> list[str]:
    """How each notification ended: its flow at most once, in its place, and `?` for every in-doubt sentence."""
    names = {flow: chr(ord("a") + index) for index, flow in enumerate(FLOWS.values())}
    seen = "".join(
        names[deed.flow] if deed.kind == "flow" else "?"
        for deed in tuple(talk.ledger.deeds)
        if deed.kind == "flow" or deed.text == IN_DOUBT
    )
    planned = [names[_flow(record)] for record in records]
    found = re.fullmatch("".join(rf"({flow}\?*|\?+)" for flow in planned), seen)
    assert found, f"chat {talk.chat}: planned {planned}, seen {seen!r}, where ? is the in-doubt sentence"
    assert found[len(planned)] == names[SENTINEL]
    return list(found.groups())


def _flow(record: Event) -> str:
    assert record.route is not None
    assert isinstance(record.route.terminal, StartFlow)
    return str(record.route.terminal.flow_id)


def _reckon_writes(talk: Talk, wish: Wish, record: Event, tally: Tally) -> None:
    writes = talk.provider.books.writes_of(wish.subscriber)
    in_doubt = isinstance(record.outcome, Failed) and record.outcome.write_in_doubt
    tally.writes += len(writes)
    tally.writes_in_doubt += in_doubt
    tally.writes_in_doubt_done += in_doubt and len(writes) > 0
    where = f"chat {talk.chat}: {wish.event} ended in {record.outcome!r} with {len(writes)} writes"
    if in_doubt:
        assert wish.event in WRITING, where
        assert len(writes) <= 1, where
        return
    assert _flow(record) == FLOWS[FLOW_OF[wish.event]], where
    assert len(writes) == (wish.event in WRITING), where


def _reckon_messages(talk: Talk, wish: Wish, started: bool | int, tally: Tally, kills: int) -> None:
    """A boleto's code is said before its flow, and once more at most for each kill."""
    deeds = tuple(talk.ledger.deeds)
    for bill in (bill for held in wish.subscriber.agreements for bill in held.bills):
        said = [index for index, deed in enumerate(deeds) if deed.text == bill.line]
        assert said, f"chat {talk.chat}: a code was never said"
        assert len(said) <= 1 + kills, f"chat {talk.chat}: a code was said {len(said)} times after {kills} kills"
        tally.messages += 1
        tally.messages_twice += len(said) > 1
        if started:
            flow = next(index for index, deed in enumerate(deeds) if deed.flow == FLOWS[FLOW_OF[wish.event]])
            assert said[0] < flow, f"chat {talk.chat}: the flow overtook a message"


def written_twice(providers: Iterable[Provider]) -> list[Write]:
    """Writes to an ERP that repeat an earlier one, for whatever subscriber."""
    repeated = []
    for provider in providers:
        seen: set[int] = set()
        for write in provider.books.writes:
            if write.client in seen:
                repeated.append(write)
            seen.add(write.client)
    return repeated
