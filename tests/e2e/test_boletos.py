"""2ª via de boleto, from the webhook to the chat: which invoices, in which order, and which codes never arrive."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.e2e import documents
from tests.e2e.books import Agreement, Bill, Subscriber, today
from tests.e2e.huggy_standin import ChatLedger
from tests.e2e.notifications import BOLETO
from tests.e2e.scene import Provider

each = pytest.mark.parametrize("provider", ["pbx", "both"], indirect=True)
with_amounts = pytest.mark.parametrize("provider", ["both"], indirect=True)


def bill(provider: Provider, days: int, amount: str = "99.90") -> Bill:
    return Bill(number=provider.books.number(), due_on=today() + timedelta(days=days), amount=Decimal(amount))


def three_contracts(provider: Provider) -> Subscriber:
    number = provider.books.number
    return provider.books.add(
        agreements=[
            Agreement(number=number(), plan=plan, district=district, bills=[bill(provider, 6)])
            for plan, district in (
                ("FIBRA LEVE", "VILA NOVA"),
                ("FIBRA GAMER", "CENTRO"),
                ("EMPRESA DEDICADO", "PORTO"),
            )
        ]
    )


def codes_in(chat: ChatLedger) -> set[str]:
    everything = set(chat.said) | {str(file) for file in chat.files}
    return {text for text in everything if text.startswith("000201") or (text.isdigit() and len(text) >= 44)}


@each
def test_each_invoice_is_text_then_pix_alone_then_digits_alone_then_its_document_oldest_first(
    provider: Provider,
) -> None:
    new, old = bill(provider, 35, "109.90"), bill(provider, 5)
    subscriber = provider.books.add(bills=[new, old])
    flow, chat = provider.flow_after(BOLETO, document=subscriber.tax_id)
    assert flow == "boletos_found"
    at = [chat.said.index(code) for code in (old.pix, old.line, new.pix, new.line)]
    assert at == sorted(at)
    for one in (old, new):
        where = chat.said.index(one.pix)
        intro, document = chat.said[where - 1], chat.deeds[where + 2]
        assert one.said_due_on in intro
        assert documents.reais(one.amount) in intro.replace("\u00a0", " ")
        assert chat.said[where + 1] == one.line
        assert document.file == documents.PDF or one.link in f"{document.file!s} {document.text}"
    assert [deed.kind for deed in chat.deeds][-1] == "flow"


@each
def test_the_oldest_three_are_sent_and_the_rest_is_counted(provider: Provider) -> None:
    bills = [bill(provider, 5 + 30 * month) for month in range(5)]
    subscriber = provider.books.add(bills=list(reversed(bills)))
    flow, chat = provider.flow_after(BOLETO, document=subscriber.tax_id)
    assert flow == "boletos_found"
    assert [code for code in chat.said if code in {one.line for one in bills}] == [one.line for one in bills[:3]]
    assert any("2" in text for text in chat.said[chat.said.index(bills[2].line) + 1 :])


@each
def test_without_open_invoices_the_flow_says_so(provider: Provider) -> None:
    flow, chat = provider.flow_after(BOLETO, document=provider.books.add().tax_id)
    assert flow == "boletos_none"
    assert codes_in(chat) == set()


@each
def test_a_stranger_gets_no_invoice(provider: Provider) -> None:
    flow, chat = provider.flow_after(BOLETO, document=documents.cpf(881_000))
    assert flow == "customer_not_found"
    assert codes_in(chat) == set()


@each
@pytest.mark.parametrize("answer", [None, "", "{{contrato}}", "todos", "99999999", "fibra"])
def test_an_answer_that_names_no_contract_brings_the_list_again(provider: Provider, answer: str | None) -> None:
    subscriber = three_contracts(provider)
    flow, chat = provider.flow_after(BOLETO, document=subscriber.tax_id, contract=answer)
    assert flow == "customer_found"
    assert all(str(held.number) in chat.said[0] for held in subscriber.agreements)
    assert codes_in(chat) == set()


_ANSWERS: dict[str, Callable[[Agreement], str]] = {
    "list number": lambda _: "2",
    "list number as an emoji": lambda _: "2️⃣",
    "list number in words": lambda _: "o segundo",
    "number on paper": lambda held: held.paper_number,
    "number with more zeros": lambda held: f"000{held.paper_number}",
    "id": lambda held: str(held.number),
}


@each
@pytest.mark.parametrize("answer", _ANSWERS.values(), ids=_ANSWERS.keys())
def test_only_the_invoices_of_the_contract_that_was_meant_are_sent(
    provider: Provider, answer: Callable[[Agreement], str]
) -> None:
    subscriber = three_contracts(provider)
    meant = subscriber.agreements[1]
    flow, chat = provider.flow_after(BOLETO, document=subscriber.tax_id, contract=answer(meant))
    assert flow == "boletos_found"
    assert codes_in(chat) == {meant.bills[0].pix, meant.bills[0].line}


@pytest.mark.parametrize("provider", ["pbx"], indirect=True)
@pytest.mark.parametrize("answer", ["o gamer", "Dedicado"])
def test_a_contract_is_understood_by_words_of_its_plan(provider: Provider, answer: str) -> None:
    subscriber = three_contracts(provider)
    meant = subscriber.agreements[1 if "gamer" in answer else 2]
    _, chat = provider.flow_after(BOLETO, document=subscriber.tax_id, contract=answer)
    assert codes_in(chat) == {meant.bills[0].pix, meant.bills[0].line}


# --- codes that must never arrive ---------------------------------------------------------------------------------


def _wrong_digit(good: Bill) -> str:
    return good.line[:-1] + str((int(good.line[-1]) + 1) % 10)


def _other_due_date(good: Bill) -> str:
    other = good.due_on + timedelta(days=30)
    return documents.digitable_line(due_on=other, amount=good.amount, free=f"{good.number:025d}")


_CORRUPT_LINES: dict[str, Callable[[Bill], str]] = {
    "one digit changed": _wrong_digit,
    "leading zero lost": lambda good: good.line[1:],
    "other due date": _other_due_date,
    "an access key": lambda _: "3" * 44,
    "words": lambda _: "boleto em processamento",
}

_CORRUPT_PIX: dict[str, Callable[[Bill], str]] = {
    "wrong checksum": lambda good: good.pix[:-4] + ("0000" if good.pix[-4:] != "0000" else "1111"),
    "cut": lambda good: good.pix[:-1],
    "lower case": lambda good: good.pix.lower(),
    "a space inside": lambda good: good.pix.replace("PROVEDOR TESTE", "PROVEDOR  TESTE"),
}


@each
@pytest.mark.parametrize("corrupt", _CORRUPT_LINES.values(), ids=_CORRUPT_LINES.keys())
def test_a_corrupt_boleto_never_reaches_the_chat_and_a_sound_pix_code_does(
    provider: Provider, corrupt: Callable[[Bill], str]
) -> None:
    one = bill(provider, 9)
    one.line = corrupt(one)
    flow, chat = provider.flow_after(BOLETO, document=provider.books.add(bills=[one]).tax_id)
    assert flow == "boletos_found"
    assert codes_in(chat) == {one.pix}
    assert not any(one.line in text for text in chat.said)


@each
@pytest.mark.parametrize("corrupt", _CORRUPT_PIX.values(), ids=_CORRUPT_PIX.keys())
def test_a_corrupt_pix_code_never_reaches_the_chat_and_a_sound_boleto_does(
    provider: Provider, corrupt: Callable[[Bill], str]
) -> None:
    one = bill(provider, 9)
    one.pix = corrupt(one)
    flow, chat = provider.flow_after(BOLETO, document=provider.books.add(bills=[one]).tax_id)
    assert flow == "boletos_found"
    assert codes_in(chat) == {one.line}
    assert not any("br.gov.bcb.pix" in text.lower() for text in chat.said)


@with_amounts
def test_codes_of_another_amount_never_reach_the_chat_though_their_check_digits_are_right(provider: Provider) -> None:
    dearer_line, dearer_pix = bill(provider, 9), bill(provider, 40)
    free = f"{dearer_line.number:025d}"
    dearer_line.line = documents.digitable_line(due_on=dearer_line.due_on, amount=dearer_line.amount + 900, free=free)
    dearer_pix.pix = documents.pix_code(amount=dearer_pix.amount + 1, reference="X")
    subscriber = provider.books.add(bills=[dearer_line, dearer_pix])
    _, chat = provider.flow_after(BOLETO, document=subscriber.tax_id)
    assert codes_in(chat) == {dearer_line.pix, dearer_pix.line}


@each
def test_with_both_codes_corrupt_neither_arrives_and_the_chat_still_gets_a_flow(provider: Provider) -> None:
    one = bill(provider, 9)
    one.line, one.pix = _wrong_digit(one), _CORRUPT_PIX["wrong checksum"](one)
    flow, chat = provider.flow_after(BOLETO, document=provider.books.add(bills=[one]).tax_id)
    assert flow in {"boletos_found", "auxiliary"}
    assert codes_in(chat) == set()
