"""How sure we must be that the person in the chat may see a customer's record.

A document identifies and does not authenticate: CPFs are widely leaked. The number of the chat is the second proof.
"""

from collections.abc import Sequence
from typing import assert_never

from domain.installation import IdentityPolicy
from domain.phone import same_line


def may_show(policy: IdentityPolicy, chat_phone: str, record_phones: Sequence[str]) -> bool:
    """Whether a record found by its document may be shown in the chat of this number.

    A hidden number, or a record without numbers, proves nothing.
    """
    match policy:
        case IdentityPolicy.DOCUMENT:
            return True
        case IdentityPolicy.DOCUMENT_AND_PHONE:
            return any(same_line(chat_phone, phone) for phone in record_phones)
        case _:
            assert_never(policy)
