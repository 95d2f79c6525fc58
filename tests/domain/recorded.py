"""The published examples of documents, codes and numbers, each with its expected reading."""

import json
from pathlib import Path
from typing import Any

VECTORS: dict[str, list[Any]] = json.loads(
    (Path(__file__).parents[1] / "recordings" / "brazil-vectors.json").read_text(encoding="utf-8")
)
