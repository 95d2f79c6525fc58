"""What the import contracts in pyproject.toml do not see."""

import importlib.util
import subprocess
import sys
import zipfile
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


def test_the_wheel_holds_exactly_the_four_packages_with_their_texts_and_migrations(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == PACKAGES
    assert "adapters/messages/pt_BR.toml" in names
    assert any(name.startswith("adapters/storage/migrations/versions/") for name in names)


def test_the_repository_names_no_table_of_words_that_the_code_does_not_have() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    code = "\n".join(
        path.read_text(encoding="utf-8") for package in PACKAGES for path in (ROOT / package).rglob("*.py")
    )
    rows = [line.split("|")[2] for line in glossary.splitlines() if line.count("|") >= 4]
    words = {word for row in rows for word in row.split("`")[1::2]}
    missing = {
        word
        for word in words
        if word.rsplit(".", 1)[-1] not in code and not (ROOT / "application" / f"{word}.py").exists()
    }
    assert not missing
