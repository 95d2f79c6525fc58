from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money


@given(st.integers(min_value=0, max_value=10**12))
def test_reais_come_back_as_the_same_centavos(centavos: int) -> None:
    assert Money.from_reais(Decimal(centavos) / 100) == Money(centavos)


@pytest.mark.parametrize("reais", ["0.001", "-0.01", "NaN", "Infinity"])
def test_an_amount_that_is_no_amount_is_refused(reais: str) -> None:
    with pytest.raises(ValueError, match="reais"):
        Money.from_reais(Decimal(reais))


@pytest.mark.parametrize(
    ("centavos", "said"), [(0, "R$ 0,00"), (5, "R$ 0,05"), (9990, "R$ 99,90"), (123456789, "R$ 1.234.567,89")]
)
def test_money_is_written_as_brazilians_read_it(centavos: int, said: str) -> None:
    assert Money(centavos).in_reais() == said
