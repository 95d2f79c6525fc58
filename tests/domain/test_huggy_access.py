from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.huggy_access import Grant, connected, found_again, granted, lost, renewal_due, typed
from domain.identifiers import Secret
from tests.entrypoints.fakes import INSTALLATION

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def grant(*, life: timedelta | None = timedelta(days=180), refresh: str | None = "r-2") -> Grant:
    return Grant(
        token=Secret(value="t-2"),
        refresh_token=Secret(value=refresh) if refresh else None,
        issued_at=NOW,
        expires_at=None if life is None else NOW + life,
    )


CONNECTED = connected(INSTALLATION, grant())


def test_a_grant_takes_the_place_of_what_was_there_and_ends_a_loss() -> None:
    again = granted(lost(CONNECTED, NOW), replace(grant(refresh="r-3"), token=Secret(value="t-3")))
    assert (again.huggy_token, again.huggy_refresh_token) == (Secret(value="t-3"), Secret(value="r-3"))
    assert again.huggy_lost_at is None
    assert (
        replace(again, huggy_token=CONNECTED.huggy_token, huggy_refresh_token=CONNECTED.huggy_refresh_token)
        == CONNECTED
    )


def test_a_renewal_without_a_refresh_token_keeps_the_one_before_and_a_sign_in_does_not() -> None:
    assert granted(CONNECTED, grant(refresh=None)).huggy_refresh_token == Secret(value="r-2")
    fresh = connected(CONNECTED, grant(refresh=None))
    assert (fresh.huggy_refresh_token, fresh.huggy_renew_at) == (None, None)


@pytest.mark.parametrize(
    ("life", "renewed_before"),
    [
        (timedelta(days=181), timedelta(days=30)),
        (timedelta(days=30), timedelta(days=5)),
        (timedelta(hours=1), timedelta(minutes=10)),
    ],
)
def test_a_token_is_renewed_a_sixth_of_its_life_before_it_ends_and_at_most_a_month(
    life: timedelta, renewed_before: timedelta
) -> None:
    assert granted(INSTALLATION, grant(life=life)).huggy_renew_at == NOW + life - renewed_before


@given(st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=4000)))
def test_a_token_is_never_renewed_before_it_is_issued_nor_after_it_ends(life: timedelta) -> None:
    renew_at = granted(INSTALLATION, grant(life=life)).huggy_renew_at
    assert renew_at is not None
    assert min(NOW, NOW + life) <= renew_at <= NOW + life


def test_what_nobody_knows_the_end_of_is_not_renewed_early() -> None:
    assert granted(INSTALLATION, grant(life=None)).huggy_renew_at is None
    assert not renewal_due(granted(INSTALLATION, grant(life=None)), NOW + timedelta(days=999))


def test_a_renewal_is_due_from_its_moment_on_unless_the_access_is_lost() -> None:
    due_at = CONNECTED.huggy_renew_at
    assert due_at is not None
    assert not renewal_due(CONNECTED, due_at - timedelta(seconds=1))
    assert renewal_due(CONNECTED, due_at)
    assert not renewal_due(lost(CONNECTED, NOW), due_at)


def test_a_loss_counts_from_its_first_moment_until_the_access_is_good_again() -> None:
    twice = lost(lost(CONNECTED, NOW), NOW + timedelta(hours=1))
    assert twice.huggy_lost_at == NOW
    assert found_again(twice) == CONNECTED


def test_a_typed_token_leaves_nothing_of_the_sign_in() -> None:
    assert typed(lost(CONNECTED, NOW), Secret(value="huggy-token")) == INSTALLATION


def test_a_grant_shows_no_token() -> None:
    assert "t-2" not in repr(grant())
