"""Write the JSON Schema of fault rules: `python -m tests.tools.fault_schema`."""

from __future__ import annotations

import json
from pathlib import Path

from bcrunbook.rehearsal.fault_keys import json_schema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "fault-rules.schema.json"


def text() -> str:
    """What the file has to hold."""
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text(), encoding="utf-8")
