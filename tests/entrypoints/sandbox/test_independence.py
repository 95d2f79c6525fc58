import ast
from pathlib import Path

import pytest

import entrypoints.sandbox

MODULES = sorted(Path(entrypoints.sandbox.__path__[0]).glob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_simulator_shares_no_code_with_what_it_tests(module: Path) -> None:
    imported = {
        name
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not [name for name in imported if name.split(".")[0] in {"domain", "application", "adapters"}]
    assert all(name.startswith("entrypoints.sandbox") for name in imported if name.startswith("entrypoints"))
