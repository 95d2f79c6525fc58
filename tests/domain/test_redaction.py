import json
import tracemalloc
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.redaction import LARGEST_BODY, LONGEST_TEXT, Redaction, form
from domain.tax_id import find_tax_ids

REDACTION = Redaction(["status", "due_date", "amount", "Situação", "id"])
SECRETS = (
    "529.982.247-25",
    "52998224725",
    "Zuleide Quaresma",
    "+55 11 98765-4321",
    "erp-token-1",
    "Rua das Flores, 10",
)

trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60) | st.sampled_from(SECRETS),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12) | st.sampled_from(SECRETS[:2]), inner)
    ),
    max_leaves=30,
)


def test_structure_and_keys_stay_and_values_are_reduced_to_their_form() -> None:
    told = REDACTION.text({"client_name": "Ana Sá", "ids": [1, None, True], "cpf": "529.982.247-25"})

    assert told == '{"client_name": "Aaa Aa", "ids": [0, null, true], "cpf": "999.999.999-99"}'


def test_values_under_telling_keys_are_shown_however_the_key_is_spelt() -> None:
    told = REDACTION.text({"Status": "Em andamento", "dueDate": "2026-11-23T10:00:00-03:00", "SITUAÇÃO": "auto"})

    assert "Em andamento" in told
    assert "2026-11-23T10:00:00-03:00" in told
    assert REDACTION.text({"amount": 99.9, "id": 20743}) == '{"amount": 99.9, "id": 20743}'
    assert REDACTION.text({"amount": Decimal("99.90"), "x": Decimal(1)}) == '{"amount": 99.90, "x": 0}'


def test_even_under_a_telling_key_nothing_is_shown_that_could_be_somebodys_number_or_a_text() -> None:
    hidden = {"status": "529.982.247-25", "id": 52998224725, "amount": "11 98765-4321", "due_date": "um dois três a b"}

    assert REDACTION.text(hidden) == (
        '{"status": "999.999.999-99", "id": 0, "amount": "99 99999-9999", "due_date": "aa aaaa aaaa a a"}'
    )


def test_a_key_that_is_no_name_is_reduced_too() -> None:
    assert REDACTION.text({"529.982.247-25": 1, 'a"b': 1}) == """{"999.999.999-99": 0, "a'a": 0}"""


def test_what_is_long_wide_or_deep_is_cut() -> None:
    deep: object = "x"
    for level in range(20):
        deep = [deep] if level % 2 else {"a": deep}

    assert len(REDACTION.text([{"name": "x" * 100}] * 100)) <= LONGEST_TEXT
    assert "…" in REDACTION.text(list(range(100)))
    assert "…" in REDACTION.text({str(number): 1 for number in range(100)})
    assert "…" in REDACTION.text(deep)
    assert "…" in REDACTION.text([deep])
    assert REDACTION.text(object()) == "…"
    assert REDACTION.text({"a": "x" * 40, "b": ["y" * 40] * 39, "c": [["z" * 40] * 39] * 3}).endswith("…")


def nested(levels: int, *, in_lists: bool) -> object:
    tree: object = 1
    for _ in range(levels):
        tree = [tree] if in_lists else {"a": tree}
    return tree


def test_what_is_just_short_enough_is_whole() -> None:
    assert REDACTION.text({"k" * 40: 1}) == f'{{"{"k" * 40}": 0}}'
    assert REDACTION.text({"k" * 41: 1}) == f'{{"{"a" * 40}": 0}}'
    assert REDACTION.text({"status": "k" * 40}) == f'{{"status": "{"k" * 40}"}}'
    assert REDACTION.text({"status": "k" * 41}) == f'{{"status": "{"a" * 40}"}}'
    assert REDACTION.text({"id": 1234567, "amount": "12345678"}) == '{"id": 1234567, "amount": "99999999"}'
    assert REDACTION.text([1] * 40) == f"[{', '.join('0' * 40)}]"
    assert REDACTION.text([1] * 41).endswith(", …]")
    for in_lists in (True, False):
        assert "…" not in REDACTION.text(nested(8, in_lists=in_lists))
        assert "…" in REDACTION.text(nested(9, in_lists=in_lists))
        assert "…" in REDACTION.text(nested(5_000, in_lists=in_lists))


def test_of_a_body_that_is_no_json_or_too_large_the_size_is_told() -> None:
    assert REDACTION.body(b"<html>Zuleide</html>") == "20 bytes"
    assert REDACTION.body(b'"' + b"x" * LARGEST_BODY + b'"') == f"{LARGEST_BODY + 2} bytes"
    assert REDACTION.body(b"\xff") == "1 bytes"
    assert REDACTION.body(b'{"status": 1}') == '{"status": 1}'


def test_of_a_path_words_and_short_numbers_stay_and_its_question_goes() -> None:
    assert REDACTION.path("/companies/1001/chats/55501/flow?token=abc") == "/companies/1001/chats/55501/flow"
    assert REDACTION.path("/v3/people/txid/52998224725") == "/v3/people/txid/99999999999"
    assert REDACTION.path("/people/12ABC34501DE35") == "/people/99AAA99999AA99"
    assert REDACTION.path("/people/" + "1" * 100) == "/people/" + "9" * 40
    assert len(REDACTION.path("/a" * 5_000)) <= LONGEST_TEXT


@given(trees)
def test_no_document_and_no_value_that_was_not_asked_for_is_ever_in_a_text(tree: object) -> None:
    told = REDACTION.text(tree)

    assert len(told) <= LONGEST_TEXT
    assert "\n" not in told
    assert not any(secret in told for secret in SECRETS)
    assert not [found for found in find_tax_ids(told) if set(found.plain) - {"9", "A"}]


@given(st.text())
def test_a_form_holds_no_letter_or_digit_but_its_own_and_can_be_quoted(text: str) -> None:
    reduced = form(text)

    assert len(reduced) == len(text)
    assert not {character for character in reduced if character.isalnum()} - set("aA9")
    assert json.loads(f'"{reduced}"') == reduced


@given(st.text(max_size=200))
def test_a_path_never_shows_more_than_seven_digits_in_a_row(path: str) -> None:
    told = REDACTION.path(path)

    assert not any(run for run in told.split("/") if sum(c.isdigit() and c != "9" for c in run) > 7)


def test_of_a_key_without_end_the_end_is_not_remembered() -> None:
    redaction = Redaction(())
    tracemalloc.start()
    try:
        for number in range(200):
            assert redaction.text({f"k{number}" + "x" * 60_000: 1}).startswith('{"a')
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
