"""What the import contracts in pyproject.toml do not see."""

import ast
import importlib.util
import pkgutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"domain", "application", "adapters", "entrypoints"}
BESIDE = {"tests", "docs", "benchmarks", "pyproject.toml", "Makefile", "README.md", "CHANGELOG.md"}
MADE = {"var", "dist"}
"""made by running; git ignores them"""


def test_the_root_holds_the_four_packages_and_what_belongs_beside_them() -> None:
    there = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - MADE
    assert there <= PACKAGES | BESIDE
    assert there >= PACKAGES | {"tests", "pyproject.toml", "Makefile", "README.md"}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_each_package_that_is_imported_is_ours(package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).parent == ROOT / package


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_no_package_offers_a_name_by_a_second_path(package: str) -> None:
    for init in (ROOT / package).rglob("__init__.py"):
        code = [line for line in init.read_text(encoding="utf-8").splitlines() if line.startswith(("import", "from"))]
        assert code == [], init


def test_no_package_of_adapters_is_left_out_of_the_contract_that_keeps_them_apart() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (apart,) = (each for each in contracts if each["id"] == "vendors-apart")
    there = {f"adapters.{path.parent.name}" for path in (ROOT / "adapters").glob("*/__init__.py")}
    assert set(apart["modules"]) == there


def test_the_wheel_holds_exactly_the_four_packages_with_their_texts_and_migrations(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    there = {path.relative_to(ROOT).as_posix() for package in PACKAGES for path in files_of(package)}
    assert held == there
    assert {Path(name).suffix for name in held} >= {".py", ".toml", ".html", ".css", ".js"}


def test_every_word_of_the_glossary_is_a_name_in_the_code() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [line.split("|")[2] for line in glossary.splitlines() if line.count("|") >= 4]
    words = {word for row in rows for word in row.split("`")[1::2]}
    assert {"Boleto", "issue_boleto", "domain.invoice.offer"} <= words, "this is how the page is read"
    names = defined_names()
    assert {word for word in words if "." not in word and word not in names} == set()
    for word in words:
        if "." in word:
            pkgutil.resolve_name(word)


def files_of(package: str) -> Iterator[Path]:
    for path in (ROOT / package).rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def defined_names() -> set[str]:
    """Of modules, classes, functions, fields and constants; whatever is only used or written in a text is none."""
    names = set()
    for path in (path for package in PACKAGES for path in files_of(package) if path.suffix == ".py"):
        names.add(path.stem)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    names.add(name)
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                    names.add(name)
                case _:
                    pass
    return names
