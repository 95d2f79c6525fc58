"""What is sealed is opened by whoever has the key, and by nobody else."""

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from adapters.storage.seal import Seal, Unsealable
from domain.identifiers import Secret

OLD, NEW, STRANGE = (Secret(value=Fernet.generate_key().decode()) for _ in range(3))
SEALED = Seal([OLD]).seal(b"Zuleide Quaresma")


@given(plain=st.binary(max_size=2000))
def test_another_process_with_the_key_opens_what_was_sealed(plain: bytes) -> None:
    assert Seal([OLD]).unseal(Seal([OLD]).seal(plain)) == plain


def test_nothing_of_the_content_can_be_read_and_equal_contents_do_not_look_alike() -> None:
    seal = Seal([OLD])
    one, other = seal.seal(b"Zuleide Quaresma"), seal.seal(b"Zuleide Quaresma")
    assert one != other
    assert b"Zuleide" not in one + other


def test_no_two_seals_share_salt_and_number() -> None:
    seals = [Seal([OLD]), Seal([OLD])]
    begins = [seal.seal(b"")[:29] for seal in seals for _ in range(1000)]
    assert len(set(begins)) == len(begins)


def test_a_strange_key_opens_nothing() -> None:
    with pytest.raises(Unsealable):
        Seal([STRANGE]).unseal(SEALED)


@given(at=st.integers(0, len(SEALED) - 1), other=st.integers(1, 255))
def test_a_changed_byte_anywhere_is_noticed(at: int, other: int) -> None:
    changed = bytearray(SEALED)
    changed[at] ^= other
    with pytest.raises(Unsealable):
        Seal([OLD]).unseal(bytes(changed))


@given(kept=st.integers(0, len(SEALED) - 1))
def test_what_was_cut_off_is_noticed(kept: int) -> None:
    with pytest.raises(Unsealable):
        Seal([OLD]).unseal(SEALED[:kept])


def test_every_key_opens_and_the_first_one_seals() -> None:
    both = Seal([NEW, OLD])
    assert both.unseal(SEALED) == b"Zuleide Quaresma"
    assert Seal([NEW]).unseal(both.seal(b"novo")) == b"novo"
    with pytest.raises(Unsealable):
        Seal([OLD]).unseal(both.seal(b"novo"))


def test_after_the_rotation_the_old_key_is_needed_no_more() -> None:
    assert Seal([NEW]).unseal(Seal([NEW, OLD]).reseal(SEALED)) == b"Zuleide Quaresma"


def test_what_an_earlier_version_sealed_by_fernet_is_opened_and_sealed_anew() -> None:
    earlier = Fernet(OLD.reveal()).encrypt(b"Zuleide Quaresma")
    assert Seal([NEW, OLD]).unseal(earlier) == b"Zuleide Quaresma"
    assert Seal([NEW]).unseal(Seal([NEW, OLD]).reseal(earlier)) == b"Zuleide Quaresma"
    with pytest.raises(Unsealable):
        Seal([STRANGE]).unseal(earlier)


@pytest.mark.parametrize("key", ["", "short", "x" * 44])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whichever the library finds
        Seal([Secret(value=key)])
