"""Amounts of Brazilian reais, in whole centavos. Never a float."""

from decimal import Decimal

from msgspec import Struct


class Money(Struct, frozen=True, order=True):
    """`centavos` may be zero or more; the ERP's decimal text is parsed by each adapter, in its own documented format."""

    centavos: int

    @classmethod
    def from_reais(cls, reais: Decimal) -> "Money":
        """Exact: an amount with a fraction of a centavo, negative or not finite is a `ValueError`."""
        centavos = reais * 100 if reais.is_finite() else Decimal("NaN")
        if not centavos.is_finite() or centavos != centavos.to_integral_value() or centavos < 0:
            raise ValueError("amount in reais must be finite, not negative, and have at most two decimal places")
        return cls(int(centavos))

    def in_reais(self) -> str:
        """As people read it: `R$ 1.234,56`, with an ordinary space."""
        reais, centavos = divmod(self.centavos, 100)
        return f"R$ {reais:,}".replace(",", ".") + f",{centavos:02d}"
