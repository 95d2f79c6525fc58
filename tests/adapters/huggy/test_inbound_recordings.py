"""Every recorded shape, and what Ponte reads in it."""

from pathlib import Path

import msgspec
import pytest

from adapters.huggy.inbound import Delivery, Handshake, Strange, Understood, parse
from domain.identifiers import ChatId, CompanyId, ContactId, NotificationKey
from domain.notification import (
    BoletoRequested,
    ChatRef,
    CustomerLookup,
    NotForUs,
    Notification,
    TicketRequested,
    UnblockRequested,
)

RECORDINGS = Path(__file__).parents[2] / "recordings" / "huggy"
CPF, DIGITS = "529.982.247-25", "52998224725"
PHONE = "5511987654321"


def chat(number: int, *, company: str | None = None, contact: str | None = None, **told: str) -> ChatRef:
    return ChatRef(
        id=ChatId(str(number)),
        company_id=CompanyId(company) if company else None,
        contact_id=ContactId(contact) if contact else None,
        **told,
    )


K = NotificationKey("")
UNUSED = "event_not_used"

EXPECTED: dict[str, list[Notification | NotForUs]] = {
    "canonical.json": [
        BoletoRequested(
            key=K,
            chat=chat(
                55501,
                company="1001",
                contact="c-1",
                channel="whatsapp",
                channel_uuid="0b6c0f1e-5a53-4b51-9b0e-3f1d0c7b9a11",
                phone=f"+{PHONE}",
            ),
            document=CPF,
            contract="20743",
        )
    ],
    "name_in_messages.json": [
        UnblockRequested(
            key=K, chat=chat(55501, company="1001", contact="91", phone=PHONE), document=DIGITS, contract="20743"
        )
    ],
    "several.json": [
        NotForUs(reason=UNUSED, event="startedChat", expected=True),
        CustomerLookup(key=K, chat=chat(55501), document=CPF),
        BoletoRequested(key=K, chat=chat(55502), document="12.ABC.345/01DE-35"),
        NotForUs(reason="event_unknown", event="somethingNew"),
    ],
    "single_item.json": [CustomerLookup(key=K, chat=chat(55503, company="1001"), document=DIGITS)],
    "flat.json": [
        TicketRequested(
            key=K,
            chat=chat(55504, company="1001", contact="91"),
            document=CPF,
            description="Sem internet desde ontem.\nA luz PON pisca.",
        )
    ],
    "array.json": [
        BoletoRequested(key=K, chat=chat(55505), document=DIGITS),
        UnblockRequested(key=K, chat=chat(55506), document=DIGITS),
    ],
    "chave_valor.json": [
        TicketRequested(
            key=K,
            chat=chat(55507, company="1001", channel="telegram"),
            document=CPF,
            description="Internet lenta à noite",
        )
    ],
    "key_value.json": [BoletoRequested(key=K, chat=chat(55508), document=DIGITS, contract="2")],
    "json_in_text.json": [CustomerLookup(key=K, chat=chat(55509, company="1001"), document=CPF)],
    "context.json": [BoletoRequested(key=K, chat=chat(55510, phone=PHONE), document=CPF, contract="Fibra 500")],
    "flow_token.json": [
        UnblockRequested(key=K, chat=chat(55511, company="1001", phone=PHONE), document=CPF, contract="20743")
    ],
    "flow_token_of_others.json": [NotForUs(reason=UNUSED, event="startedAutomationFlow", expected=True)],
    "unfilled_variables.json": [BoletoRequested(key=K, chat=chat(55512), document="")],
    "received_message.json": [NotForUs(reason=UNUSED, event="receivedAllMessage", expected=True)],
    "closed_chat.json": [NotForUs(reason=UNUSED, event="closedChat", expected=True)],
    "form.txt": [TicketRequested(key=K, chat=chat(55513, company="1001"), document=CPF, description="Sem sinal")],
    "form_with_brackets.txt": [CustomerLookup(key=K, chat=chat(55514), document=DIGITS)],
}


def read(name: str) -> Delivery | Handshake:
    form = "application/x-www-form-urlencoded" if name.endswith(".txt") else "application/json"
    return parse((RECORDINGS / name).read_bytes(), form)


def told(item: Understood | Strange) -> Notification | NotForUs:
    """What was read, its key left out of the comparison."""
    return item.what if isinstance(item, Strange) else msgspec.structs.replace(item.notification, key=K)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_shape_is_read_as_expected(name: str) -> None:
    delivery = read(name)
    assert isinstance(delivery, Delivery)
    assert [told(item) for item in delivery.items] == EXPECTED[name]


def test_every_recording_is_in_the_table_and_in_the_readme() -> None:
    names = {path.name for path in RECORDINGS.iterdir()}
    assert names == {*EXPECTED, "handshake.json"}
    readme = (RECORDINGS.parent / "README.md").read_text()
    assert [name for name in names if f"`{name}`" not in readme] == []


def test_the_handshake_gives_its_token() -> None:
    handshake = read("handshake.json")
    assert isinstance(handshake, Handshake)
    assert handshake.token.reveal() == "380c4e7399999999999999999999d354"


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_kept_of_a_notification_reads_as_the_same_notification(name: str) -> None:
    delivery = read(name)
    assert isinstance(delivery, Delivery)
    for item in delivery.items:
        if isinstance(item, Understood):
            again = parse(item.raw)
            assert isinstance(again, Delivery)
            assert [other.notification for other in again.items if isinstance(other, Understood)] == [item.notification]
            assert b"380c4e" not in item.raw


@pytest.mark.parametrize("name", EXPECTED)
def test_no_repr_shows_anything_personal(name: str) -> None:
    shown = repr(read(name))
    assert [word for word in ("529", "5511987654321", "Ana", "Lead", "380c4e", "internet") if word in shown] == []


@pytest.mark.parametrize("name", EXPECTED)
def test_no_sample_holds_anything_personal(name: str) -> None:
    delivery = read(name)
    assert isinstance(delivery, Delivery)
    samples = b"".join(item.raw for item in delivery.items if isinstance(item, Strange))
    assert [
        word for word in (b"529", b"98765", b"Ana", b"Lead", b"380c4e", b"tok-abc", b"55501") if word in samples
    ] == []
