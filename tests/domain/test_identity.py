"""Whether the person in the chat may see a record."""

import pytest

from domain.identity import may_show
from domain.installation import IdentityPolicy


@pytest.mark.parametrize("chat_phone", ["", "BR.1502576394655843", "+5511987654321"])
def test_where_the_document_is_enough_the_number_does_not_matter(chat_phone: str) -> None:
    assert may_show(IdentityPolicy.DOCUMENT, chat_phone, [])


def test_where_the_number_counts_any_number_on_record_will_do() -> None:
    phones = ["(11) 3222-1234", "(84) 98888-7777"]
    assert may_show(IdentityPolicy.DOCUMENT_AND_PHONE, "558488887777", phones)


@pytest.mark.parametrize("chat_phone", ["", "BR.1502576394655843", "+5511987654322", "(11) 93222-1234"])
def test_where_the_number_counts_another_or_a_hidden_one_proves_nothing(chat_phone: str) -> None:
    phones = ["", "(11) 98765-4321", "(11) 3222-1234", "BR.1502576394655843"]
    assert not may_show(IdentityPolicy.DOCUMENT_AND_PHONE, chat_phone, phones)


def test_where_the_number_counts_a_record_without_numbers_is_not_shown() -> None:
    assert not may_show(IdentityPolicy.DOCUMENT_AND_PHONE, "+5511987654321", [])
