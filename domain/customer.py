"""Customers and their contracts, as the ERP records them, and which contract a free answer means."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise

from domain.identifiers import ContractId, CustomerId, Personal
from domain.outage import Outage
from domain.tax_id import Cpf, TaxId
from domain.typed_text import simplify


class ContractStatus(StrEnum):
    """What the ERP says of a contract. `UNKNOWN` is an answer of its own: this API does not tell."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    """for debt; the one state that a trust unblock ends"""
    BLOCKED_BY_PROVIDER = "blocked_by_provider"
    """administrative; not for a bot to lift"""
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Contract(Personal, frozen=True, kw_only=True):
    """`id` is what the ERP's calls take, `number` what the customer reads on paper; in Voalle they differ."""

    safe = ("id", "status")

    id: ContractId
    customer_id: CustomerId
    number: str
    status: ContractStatus = ContractStatus.UNKNOWN
    plan: str = ""
    district: str = ""
    """neighbourhood alone, never the street: it is shown in a chat"""
    city: str = ""
    access_point: str = ""
    """the name of the equipment that serves it, where the ERP tells"""
    unblock_attempts: int | None = None
    """trust unblocks already used, as the ERP counts them; None when it does not tell"""


class Customer(Personal, frozen=True, kw_only=True):
    """Who signed. The person in the chat may be somebody else: see `domain.identity`."""

    safe = ("id", "contracts")

    id: CustomerId
    name: str
    tax_id: TaxId
    phones: tuple[str, ...] = ()
    contracts: tuple[Contract, ...] = ()
    outages: tuple[Outage, ...] = ()
    """outages that the ERP told in the same answer as the record; more may come from the `Outages` port"""
    tells_outages: bool = False
    """whether the record is of a kind that tells them: then it says too that there are no others"""


def in_force(contracts: Sequence[Contract]) -> tuple[Contract, ...]:
    """The contracts that a customer may mean, in the order of every list that they are shown: by number.

    Cancelled ones are left out, unless there is no other: a former customer may still owe an invoice.
    """
    alive = [contract for contract in contracts if contract.status is not ContractStatus.CANCELLED]
    return tuple(sorted(alive or contracts, key=_by_number))


def choose_contract(contracts: Sequence[Contract], answer: str) -> Contract | None:
    """Which of `in_force(contracts)` a free answer means; None: it names none of them, or more than one.

    Understood are, in this order: its number or id where it is called so ("contrato 20743"), the position in the list
    ("2", "2️⃣", "o segundo"), the number with or without leading zeros or the id by itself, and enough of its plan or
    district to be the only one. A number that names one contract and stands in another's plan names neither. A single
    contract needs no answer.
    """
    listed = in_force(contracts)
    if len(listed) <= 1:
        return listed[0] if listed else None
    words = _words(answer)
    if clear := _by_name(listed, _called(words)) or _by_position(listed, words):
        return clear
    named = _by_name(listed, words)
    if named is None:
        return _by_description(listed, words)
    numbers = {word for word in words if word.isdecimal()}
    return None if any(numbers & _described(other) for other in listed if other is not named) else named


def _called(words: tuple[str, ...]) -> tuple[str, ...]:
    """The numbers that stand right after the word "contrato", or after its "número", "nº" or "n.º"."""
    said = [
        word
        for before, word in pairwise(("", *words))
        if word not in {"numero", "n", "no", "de"} and (before, word) != ("n", "o")
    ]
    return tuple(word for before, word in pairwise(said) if before == "contrato" and word.isdecimal())


def _by_position(listed: tuple[Contract, ...], words: tuple[str, ...]) -> Contract | None:
    said = [word for word in words if word not in _FILLERS]
    if len(said) != 1:
        return None
    position = _ORDINALS.get(said[0]) or (int(said[0]) if said[0].isdecimal() and len(said[0]) <= 3 else 0)
    return listed[position - 1] if 1 <= position <= len(listed) else None


def _by_name(listed: tuple[Contract, ...], words: tuple[str, ...]) -> Contract | None:
    names = {word.lstrip("0") for word in words}
    return _only(
        contract for contract in listed if names & {"".join(_words(contract.number)).lstrip("0"), contract.id} - {""}
    )


def _by_description(listed: tuple[Contract, ...], words: tuple[str, ...]) -> Contract | None:
    said = set(words) - _FILLERS
    if not said:
        return None
    return _only(contract for contract in listed if said <= _described(contract))


def _described(contract: Contract) -> set[str]:
    return set(_words(f"{contract.plan} {contract.district}"))


def _only(contracts: Iterable[Contract]) -> Contract | None:
    found = list(contracts)
    return found[0] if len(found) == 1 else None


def _by_number(contract: Contract) -> tuple[int, str, str]:
    plain = contract.number.lstrip("0")
    return len(plain), plain, contract.id


def _words(text: str) -> tuple[str, ...]:
    """Lower case words without accents; a number and its unit are two words, digits of any script are ASCII ones."""
    letters = unicodedata.normalize("NFKD", simplify(text).casefold())
    return tuple(re.findall(r"[0-9]+|[^\W\d_]+", "".join(c for c in letters if not unicodedata.combining(c))))


_FILLERS = frozenset(
    [
        "o",
        "a",
        "do",
        "da",
        "de",
        "no",
        "na",
        "contrato",
        "opcao",
        "numero",
        "n",
        "plano",
        "e",
        "quero",
        "quanto",
        "ao",
        "sobre",
        "para",
    ]
)
_ORDINALS = {
    word: position
    for position, words in enumerate(
        (
            "um uma primeiro primeira",
            "dois duas segundo segunda",
            "tres terceiro terceira",
            "quatro quarto quarta",
            "cinco quinto quinta",
        ),
        start=1,
    )
    for word in words.split()
}


def greeting_name(customer: Customer) -> str:
    """The first name, where the record holds a person's; empty for companies, test records and the like."""
    first = customer.name.split()[0] if customer.name.split() else ""
    is_name = isinstance(customer.tax_id, Cpf) and len(first) > 1 and first.isalpha()
    return first.capitalize() if is_name and first.casefold() not in _NOT_NAMES else ""


_NOT_NAMES = frozenset(["teste", "cliente", "consumidor", "usuario", "usuário", "sem", "nome"])
