"""What both caches over a revision have in common; what each of them keeps is in the contracts of its port."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine, literal, select

from adapters.memory.clock import SetClock
from adapters.storage.revision_cache import Revised, RevisionCache
from tests.contracts.journal import NOON

FRESH_FOR_S = 1.0


class Kept(Revised, frozen=True, kw_only=True):
    reads: int = 0


class Desk:
    """A database that stands at one revision for ever."""

    def __init__(self, reader: Engine) -> None:
        self.clock = SetClock(NOON)
        self.changes_meanwhile = False
        self.cache = RevisionCache(
            reader,
            revision=select(literal(7)),
            first=Kept(),
            read=self.read,
            clock=self.clock,
            fresh_for_s=FRESH_FOR_S,
        )

    def read(self, _: Connection, revision: int, before: Kept) -> Kept:
        if self.changes_meanwhile:
            self.cache.outdated()
        return Kept(revision=revision, reads=before.reads + 1)


@pytest.fixture
def desk() -> Iterator[Desk]:
    reader = create_engine("sqlite://")
    yield Desk(reader)
    reader.dispose()


def test_what_was_read_is_kept_while_the_revision_stays(desk: Desk) -> None:
    assert desk.cache.fresh() is None
    assert desk.cache.current() == desk.cache.fresh() == desk.cache.at_hand() == Kept(revision=7, reads=1)
    desk.clock.advance(FRESH_FOR_S)
    assert desk.cache.fresh() is None
    assert desk.cache.current() == Kept(revision=7, reads=1)


def test_a_change_during_a_look_is_looked_for_again_and_waits_for_nobody(desk: Desk) -> None:
    desk.changes_meanwhile = True
    desk.cache.current()
    assert desk.cache.fresh() is None
    desk.cache.current()
    assert desk.cache.fresh() is not None
