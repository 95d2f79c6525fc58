import tracemalloc

import pytest

from adapters.memory.clock import SetClock
from application.console_ports import Operator
from domain.identifiers import Secret
from entrypoints import doorkeeper
from entrypoints.doorkeeper import Doorkeeper, TooManyTries, Tries, hash_password, mark_of
from tests.contracts.journal import NOON

PASSWORD = Secret(value="correct horse battery")


class OneOperator:
    def __init__(self, password_hash: str) -> None:
        self.rita = Operator(name="rita", password_hash=Secret(value=password_hash), created_at=NOON)

    async def get(self, name: str) -> Operator | None:
        return self.rita if name == "rita" else None

    async def all(self) -> list[Operator]:
        return [self.rita]

    async def add(self, name: str, password_hash: Secret) -> bool:
        return False

    async def set_password(self, name: str, password_hash: Secret) -> bool:
        return False

    async def remove(self, name: str) -> bool:
        return False


def test_tries_are_counted_for_each_and_forgotten_after_a_minute() -> None:
    clock = SetClock(NOON)
    tries = Tries(clock, limit=2)
    tries.count("a", "b")
    clock.advance(30)
    tries.count("a", "c")
    with pytest.raises(TooManyTries):
        tries.count("a", "d")
    tries.count("b", "d")
    clock.advance(30)
    tries.count("a", "d")
    with pytest.raises(TooManyTries):
        tries.count("d")


def test_a_refused_try_counts_for_nobody() -> None:
    tries = Tries(SetClock(NOON), limit=1)
    tries.count("a")
    for _ in range(3):
        with pytest.raises(TooManyTries):
            tries.count("a", "b")
    tries.count("b")


def test_however_many_try_the_memory_that_they_take_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorkeeper, "REMEMBERED_MAX", 3)
    tries = Tries(SetClock(NOON), limit=1)
    for number in range(10):
        tries.count(f"who-{number}")
    with pytest.raises(TooManyTries):
        tries.count("who-9")
    tries.count("who-0")


async def test_what_can_be_no_name_is_not_remembered_however_long_it_is() -> None:
    keeper = Doorkeeper(operators=OneOperator(hash_password(PASSWORD).reveal()), clock=SetClock(NOON))
    tracemalloc.start()
    try:
        for number in range(10):
            assert await keeper.admit(f"{number}" * 1_000_000, PASSWORD, address=f"203.0.113.{number}") is None
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


async def test_whoever_tries_names_that_can_be_none_has_no_more_tries_than_others() -> None:
    keeper = Doorkeeper(operators=OneOperator(hash_password(PASSWORD).reveal()), clock=SetClock(NOON))
    for number in range(doorkeeper.TRIES_MAX):
        assert await keeper.admit(f"? {number}", PASSWORD, address="203.0.113.7") is None
    with pytest.raises(TooManyTries):
        await keeper.admit("rita", PASSWORD, address="203.0.113.7")


async def test_an_operator_is_trusted_while_the_password_is_the_same() -> None:
    operators = OneOperator(hash_password(PASSWORD).reveal())
    keeper = Doorkeeper(operators=operators, clock=SetClock(NOON))
    operator = await keeper.admit(" RITA ", PASSWORD, address="203.0.113.7")
    assert operator == operators.rita
    mark = mark_of(operators.rita)
    assert await keeper.still_trusts("rita", mark)
    assert not await keeper.still_trusts("ana", mark)
    operators.rita = OneOperator(hash_password(PASSWORD).reveal()).rita
    assert not await keeper.still_trusts("rita", mark)


@pytest.mark.parametrize("kept", ["", "plain", "$argon2id$broken"])
async def test_a_hash_that_is_none_admits_nobody(kept: str) -> None:
    keeper = Doorkeeper(operators=OneOperator(kept), clock=SetClock(NOON))
    assert await keeper.admit("rita", PASSWORD, address="203.0.113.7") is None
