"""Every cause that the code can name has its words; nothing else gets through."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.boleto import BoletoFault
from domain.causes import ADVICE, UNNAMED, advise, as_cause
from domain.pix import PixFault

ROOT = Path(__file__).resolve().parents[2]
SLUG = re.compile(r"[a-z]+\.[a-z0-9_]*[a-z0-9]")
NAMES_A_CAUSE = {
    "Unavailable",
    "InDoubt",
    "Rejected",
    "Unintelligible",
    "Failure",
    "Failed",
    "raise_alert",
    "kind",
    "_doubt",
    "_lost",
    "__init__",
    "advise",
}
"""calls whose first arguments hold a cause"""
TOLD_IN_PLACE = {"sandbox", "console"}
"""folders whose refusals are read by whoever caused them, and raise no alert"""


def slugs(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and SLUG.fullmatch(part.value):
            yield part.value


def causes_of(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name in NAMES_A_CAUSE:
                given = [*node.args[:2], *(each.value for each in node.keywords if each.arg == "cause")]
                yield from (slug for argument in given for slug in slugs(argument))
            if name == "not_understood" and isinstance(node.args[0], ast.Constant):
                yield f"erp.unknown_{node.args[0].value!s}"
        if isinstance(node, ast.Dict | ast.IfExp | ast.Assign):
            yield from (slug for slug in slugs(node) if slug.startswith(("erp.", "huggy.", "mail.")))


def known_causes() -> set[str]:
    files = [path for package in ("application", "adapters", "entrypoints") for path in (ROOT / package).rglob("*.py")]
    found = {cause for path in files if not TOLD_IN_PLACE.intersection(path.parts) for cause in causes_of(path)}
    found |= set(slugs(ast.parse((ROOT / "domain" / "invoice.py").read_text(encoding="utf-8"))))
    found |= {f"boleto.{fault}" for fault in BoletoFault} | {f"pix.{fault}" for fault in PixFault}
    return found


def test_the_causes_are_found_where_the_code_names_them() -> None:
    found = known_causes()

    assert {"erp.timeout", "erp.unknown_client", "erp.http_5xx", "huggy.flow_in_doubt", "huggy.forbidden"} <= found
    assert {"storage.failed", "deadline.erp_too_slow", "pix.checksum", "boleto.amount_differs", "ponte.fault"} <= found


def test_every_cause_that_the_code_names_has_words_of_its_own() -> None:
    assert sorted(known_causes() - ADVICE.keys()) == []


@pytest.mark.parametrize("cause", sorted(ADVICE))
def test_words_are_short_and_whole_sentences_and_the_cause_is_a_cause(cause: str) -> None:
    advice = ADVICE[cause]

    assert as_cause(cause) == cause
    assert 10 <= len(advice.title) <= 80
    assert advice.title[0].isupper()
    assert not advice.title.endswith(".")
    assert advice.what_to_do.endswith(".")
    assert len(advice.what_to_do) <= 240


@pytest.mark.parametrize("cause", ["erp.unknown_thing", "erp.new", "huggy.new", "pix.new", "boleto.new", "odd.new"])
def test_a_cause_without_words_is_spoken_of_by_what_it_begins_with(cause: str) -> None:
    advice = advise(cause)

    assert advice.title
    assert cause not in advice.title + advice.what_to_do


@pytest.mark.parametrize("text", ["", "erp", "Ana Souza", "erp.52998224725", "erp.ana@x", "a.b\n", "erp.ção", "1.2"])
def test_what_is_no_cause_gets_none_of_its_words_kept(text: str) -> None:
    assert as_cause(text) == UNNAMED


@given(st.text())
def test_any_text_becomes_a_cause_that_has_words(text: str) -> None:
    assert advise(as_cause(text)).what_to_do
