from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import ChatId, ContractId, ProtocolNumber
from domain.ticket import DESCRIPTION_MAX, Ticket, clean_description, find_duplicate

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CHAT = ChatId("55501")


def ticket(protocol: str, hours_old: float | None, contract_id: str | None = None) -> Ticket:
    return Ticket(
        protocol=ProtocolNumber(protocol),
        opened_at=None if hours_old is None else NOW - timedelta(hours=hours_old),
        contract_id=ContractId(contract_id) if contract_id else None,
    )


def duplicate(*tickets: Ticket, contract_id: str | None = None) -> str | None:
    found = find_duplicate(tickets, contract_id=ContractId(contract_id) if contract_id else None, now=NOW, reuse_h=24)
    return found.protocol if found else None


def test_the_newest_recent_ticket_is_the_duplicate() -> None:
    assert duplicate(ticket("old", 23), ticket("new", 1)) == "new"


def test_a_ticket_of_exactly_the_age_is_still_given_again_and_an_older_one_is_not() -> None:
    assert duplicate(ticket("edge", 24)) == "edge"
    assert duplicate(ticket("older", 24.01)) is None


def test_a_ticket_of_unknown_age_counts_but_a_dated_one_is_preferred() -> None:
    assert duplicate(ticket("undated", None)) == "undated"
    assert duplicate(ticket("undated", None), ticket("dated", 2)) == "dated"


def test_a_ticket_of_another_contract_is_no_duplicate_and_one_of_an_unknown_contract_is() -> None:
    assert duplicate(ticket("other", 1, "2"), contract_id="1") is None
    assert duplicate(ticket("unknown", 1), contract_id="1") == "unknown"


def test_the_description_keeps_the_customers_words_and_names_the_chat() -> None:
    text = "  sem   internet\x00 desde ontem \n\n luz vermelha\u200b "
    assert clean_description(text, chat_id=CHAT) == "sem internet desde ontem\nluz vermelha\n(Huggy, chat 55501)"


def test_no_words_are_no_description() -> None:
    assert clean_description(" \n\u200b\t", chat_id=CHAT) == ""


@given(st.text())
def test_a_description_is_never_longer_than_the_field_and_holds_no_control_characters(text: str) -> None:
    cleaned = clean_description(text, chat_id=CHAT)
    assert len(cleaned) <= DESCRIPTION_MAX + len("\n(Huggy, chat 55501)")
    assert all(c == "\n" or c.isprintable() or c.isspace() for c in cleaned)
