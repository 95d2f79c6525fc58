"""The page that flows' authors read names what the code answers, and nothing else."""

import re
from pathlib import Path

from domain.flow_answer import KEYS, RESULTS, FlowOperation
from domain.outcome import WhyNoTicket
from domain.trust_unblock import UnblockRefusal

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "flow-api.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, str]:
    """The first column of a table, and the rest of its row."""
    table = PAGE[PAGE.index(f"| {heading} |") :].split("\n\n")[0].splitlines()[2:]
    return {row.split("|")[1].strip(): row for row in table}


def test_every_key_stands_on_the_page_with_the_operations_that_have_it() -> None:
    told = rows("key")
    assert set(told) == {f"`{key.name}`" for keys in KEYS.values() for key in keys}
    for key, row in told.items():
        operations = {operation for operation, keys in KEYS.items() if key.strip("`") in {each.name for each in keys}}
        where = row.split("|")[3].strip()
        if where == "all":
            assert operations == set(FlowOperation)
        elif where not in ("all but `abrir-chamado`", "as above"):
            assert {f"`{operation}`" for operation in operations} == set(where.split(", "))
        else:
            assert operations == set(FlowOperation) - {FlowOperation.TICKET}


def test_every_result_operation_and_reason_stands_on_the_page() -> None:
    assert set(re.findall(r"`(\S+?)`", " ".join(rows("`resultado`")))) == set(RESULTS)
    assert {name.strip("`") for name in rows("operation")} == set(FlowOperation)
    reasons = set(re.findall(r"`(\S+?)`", " ".join(rows("`motivo` | with"))))
    assert reasons >= {*UnblockRefusal, *WhyNoTicket}
