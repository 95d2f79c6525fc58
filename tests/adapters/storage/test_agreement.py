"""Memory and each database, driven side by side through whatever Hypothesis thinks of: they never differ."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, NamedTuple, TypeVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from adapters.memory.journal import MemoryJournal
from application.ports import Conclusion, Entry, Journal, Lane
from domain.action import Route, StartFlow
from domain.identifiers import EffectKey, InstallationId
from domain.installation import FlowKey
from domain.outcome import Failed, NoOpenBoleto
from tests.adapters.storage.files import ServedFile
from tests.adapters.storage.postgres_bench import ServedPostgres
from tests.adapters.storage.postgres_clock import empty
from tests.contracts.journal import arrival

T = TypeVar("T")

installations = st.sampled_from([InstallationId("a"), InstallationId("b")])
chats = st.sampled_from(["1", "2"])
keys = st.sampled_from(["n-1", "n-2", "n-3", "~1", "~2"])
effects = st.sampled_from([EffectKey("0"), EffectKey("erp")])
notes = st.binary(max_size=3)
outcomes = st.sampled_from([NoOpenBoleto(), Failed(cause="erp.timeout", write_in_doubt=True)])
routes = st.sampled_from([Route(terminal=StartFlow(flow=flow, flow_id=None)) for flow in FlowKey])
conclusions = st.builds(Conclusion, outcome=outcomes, route=routes)
WINDOW_S = 60


class Twins(NamedTuple):
    """One entry as each journal handed it out: alike but for `seq`, in which databases leave gaps."""

    memory: Entry
    kept: Entry


class Agreement(RuleBasedStateMachine):
    entries: Bundle[Twins] = Bundle("entries")

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.Runner()
        self._file = self._open()
        self._memory = MemoryJournal(clock=self._file.clock)

    def _open(self) -> ServedFile:
        raise NotImplementedError

    def teardown(self) -> None:
        self._file.close()
        self._loop.close()

    @rule(installation=installations, arriving=st.lists(st.tuples(keys, chats), max_size=4))
    def accept(self, installation: InstallationId, arriving: list[tuple[str, str]]) -> None:
        arrivals = [arrival(key, chat) for key, chat in arriving]
        self._agree(lambda journal: journal.accept(installation, arrivals, window_s=WINDOW_S))

    @rule(target=entries)
    def take_heads(self) -> MultipleResults[Twins]:
        return multiple(*self._heads())

    @rule(entry=entries, key=effects, note=notes, concluded=st.none() | conclusions, happened=st.none() | effects)
    def begin(
        self, entry: Twins, key: EffectKey, note: bytes, concluded: Conclusion | None, happened: EffectKey | None
    ) -> None:
        self._agree_on(
            entry, lambda journal, entry: journal.begin(entry, key, note, concluded=concluded, happened=happened)
        )

    @rule(entry=entries, key=effects)
    def recall(self, entry: Twins, key: EffectKey) -> None:
        self._agree_on(entry, lambda journal, entry: journal.recall(entry, key))

    @rule(entry=entries, key=effects, note=notes)
    def finish(self, entry: Twins, key: EffectKey, note: bytes) -> None:
        self._agree_on(entry, lambda journal, entry: journal.finish(entry, key, note))

    @rule(entry=entries, key=effects)
    def forget(self, entry: Twins, key: EffectKey) -> None:
        self._agree_on(entry, lambda journal, entry: journal.forget(entry, key))

    @rule(entry=entries, concluded=conclusions)
    def conclude(self, entry: Twins, concluded: Conclusion) -> None:
        self._agree_on(entry, lambda journal, entry: journal.conclude(entry, concluded))

    @rule(entry=entries, concluded=st.none() | conclusions, happened=st.none() | effects)
    def finish_entry(self, entry: Twins, concluded: Conclusion | None, happened: EffectKey | None) -> None:
        async def key_of_the_next(journal: Journal, entry: Entry) -> str | None:
            following = await journal.finish_entry(entry, concluded=concluded, happened=happened)
            return None if following is None else following.notification.key

        self._agree_on(entry, key_of_the_next)

    @rule(seconds=st.sampled_from([0.5, WINDOW_S - 1, WINDOW_S]))
    def time_passes(self, seconds: float) -> None:
        self._file.clock.advance(seconds)

    @rule()
    def crash(self) -> None:
        self._memory.crash()
        self._file.reopen()

    @invariant()
    def the_same_is_left_to_do(self) -> None:
        for memory, kept in self._heads():
            assert self._plain(memory) == self._plain(kept)

    def _plain(self, entry: Entry) -> Entry:
        """What must be equal of it."""
        return replace(entry, seq=0)

    def _heads(self) -> list[Twins]:
        return [
            Twins(self._ask(self._memory.head(lane)), self._ask(self._file.journal.head(lane)))
            for lane in self._agree(_lanes)
        ]

    def _agree(self, ask: Callable[[Journal], Awaitable[T]]) -> T:
        of_memory = self._loop.run(_await(ask(self._memory)))
        of_kept = self._loop.run(_await(ask(self._file.journal)))
        assert of_memory == of_kept
        return of_kept

    def _agree_on(self, entry: Twins, ask: Callable[[Journal, Entry], Awaitable[object]]) -> None:
        of_memory = self._loop.run(_await(ask(self._memory, entry.memory)))
        of_kept = self._loop.run(_await(ask(self._file.journal, entry.kept)))
        assert of_memory == of_kept

    def _ask(self, head: Awaitable[Entry | None]) -> Entry:
        entry = self._loop.run(_await(head))
        assert entry is not None
        return entry


async def _await(awaited: Awaitable[T]) -> T:
    return await awaited


async def _lanes(journal: Journal) -> list[Lane]:
    return list(await journal.unfinished())


class SqliteAgreement(Agreement):
    migrated: ClassVar[Path]

    def _open(self) -> ServedFile:
        self._directory = TemporaryDirectory()
        path = Path(self._directory.name) / "ponte.db"
        shutil.copy(self.migrated, path)
        return ServedFile(f"sqlite:///{path}")

    def teardown(self) -> None:
        super().teardown()
        self._directory.cleanup()

    @rule(seconds=st.sampled_from([-3600, 3600]))
    def the_clock_is_set(self, seconds: float) -> None:
        self._file.clock.jump(seconds)


class PostgresAgreement(Agreement):
    """Without a clock that is set: memory stamps with the host's, PostgreSQL with its own."""

    url: ClassVar[str]

    def _open(self) -> ServedFile:
        empty(self.url)
        return ServedPostgres(self.url)

    def _plain(self, entry: Entry) -> Entry:
        """A process does not know what another one accepted, only what it began."""
        return replace(super()._plain(entry), resumed=False)


def _run(machine: type[Agreement], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking opens too many files to be worth its time
        ),
    )


def test_memory_and_sqlite_agree(migrated: Path) -> None:
    class OnThisFile(SqliteAgreement):
        pass

    OnThisFile.migrated = migrated
    _run(OnThisFile, 30)


def test_memory_and_postgres_agree(kept_url: str) -> None:
    class OnThisDatabase(PostgresAgreement):
        pass

    OnThisDatabase.url = kept_url
    _run(OnThisDatabase, 12)
