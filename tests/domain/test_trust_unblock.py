import pytest

from domain.customer import ContractStatus
from domain.trust_unblock import UnblockRefusal, refusal, took_effect
from tests.domain.builders import contract


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        (ContractStatus.BLOCKED, None),
        (ContractStatus.UNKNOWN, None),
        (ContractStatus.ACTIVE, UnblockRefusal.NOT_BLOCKED),
        (ContractStatus.BLOCKED_BY_PROVIDER, UnblockRefusal.BLOCKED_BY_PROVIDER),
        (ContractStatus.SUSPENDED, UnblockRefusal.SUSPENDED),
        (ContractStatus.CANCELLED, UnblockRefusal.CANCELLED),
    ],
)
def test_only_a_contract_that_may_be_blocked_for_debt_is_asked_for(
    status: ContractStatus, refused: UnblockRefusal | None
) -> None:
    assert refusal(contract(status=status)) == refused


BLOCKED, ACTIVE, UNKNOWN = ContractStatus.BLOCKED, ContractStatus.ACTIVE, ContractStatus.UNKNOWN


@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [
        ((BLOCKED, None), (ACTIVE, None), True),
        ((UNKNOWN, 0), (UNKNOWN, 1), True),
        ((BLOCKED, 0), (BLOCKED, 1), True),
        ((UNKNOWN, 1), (UNKNOWN, 1), False),
        ((BLOCKED, 0), (ACTIVE, 0), False),
        ((BLOCKED, None), (BLOCKED, None), False),
        ((UNKNOWN, None), (ACTIVE, None), False),
        ((UNKNOWN, None), (UNKNOWN, 1), False),
        ((UNKNOWN, 1), (UNKNOWN, None), False),
        ((BLOCKED, 1), (ACTIVE, None), True),
    ],
)
def test_an_unblock_is_seen_in_its_counter_or_else_in_the_status(
    before: tuple[ContractStatus, int | None], after: tuple[ContractStatus, int | None], *, seen: bool
) -> None:
    one, other = (contract(status=status, unblock_attempts=count) for status, count in (before, after))
    assert took_effect(one, other) is seen
