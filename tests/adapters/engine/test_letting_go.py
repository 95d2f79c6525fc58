from hypothesis import given
from hypothesis import strategies as st

from adapters.engine.letting_go import LOOK_S, at_a_look
from adapters.engine.pace import LET_GO_S, SPREAD_S

LOOKS = round(SPREAD_S / LOOK_S)


@given(waiting=st.integers(0, 20_000), workers=st.integers(1, 50))
def test_a_line_is_gone_in_time_or_each_worker_does_what_it_can(waiting: int, workers: int) -> None:
    each = at_a_look(waiting, workers)
    assert 1 <= each <= round(LOOK_S / LET_GO_S)
    assert each * workers * LOOKS >= waiting or each == round(LOOK_S / LET_GO_S)


def test_a_short_line_is_let_go_gently_by_all_workers_together() -> None:
    """200 in three seconds are 67 a second; each worker rounds up."""
    assert [at_a_look(200, workers) for workers in (1, 2, 4)] == [4, 2, 1]
