from cryptography.fernet import Fernet

from domain.identifiers import Secret
from entrypoints.http.console import carried
from entrypoints.http.console.carried import Carrier

OLD, NEW = (Secret(value=Fernet.generate_key().decode()) for _ in range(2))
TYPED = {"erp_token": Secret(value="hunter2")}


def test_what_was_typed_comes_back_for_its_purpose_alone() -> None:
    carrier = Carrier([NEW])
    text = carrier.wrap(TYPED, purpose="inst-1")

    assert "hunter2" not in text
    assert carrier.unwrap(text, purpose="inst-1") == TYPED
    assert carrier.unwrap(text, purpose="inst-2") == {}
    assert Carrier([OLD]).unwrap(text, purpose="inst-1") == {}


def test_an_older_key_still_opens() -> None:
    text = Carrier([OLD]).wrap(TYPED, purpose="inst-1")

    assert Carrier([NEW, OLD]).unwrap(text, purpose="inst-1") == TYPED


def test_nothing_to_take_along_is_nothing() -> None:
    assert Carrier([NEW]).wrap({}, purpose="inst-1") == ""
    assert Carrier([NEW]).unwrap("", purpose="inst-1") == {}


def test_the_key_is_not_the_one_that_seals_what_is_stored() -> None:
    stored = Fernet(NEW.reveal()).encrypt(b'{"purpose": "inst-1", "values": {}}').decode()

    assert Carrier([NEW]).unwrap(stored, purpose="inst-1") == {}


def test_it_is_good_for_ten_minutes() -> None:
    carrier = Carrier([NEW])
    sealed = carrier._seal.encrypt_at_time(b'{"purpose": "p", "values": {"a": {"value": "b"}}}', 1_000_000)

    assert carrier._seal.decrypt_at_time(sealed, carried.GOOD_FOR_S, 1_000_000 + carried.GOOD_FOR_S)
    assert carrier.unwrap(sealed.decode(), purpose="p") == {}
