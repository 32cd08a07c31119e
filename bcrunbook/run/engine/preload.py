"""What a process reads before it is forked: whatever cells come to import, and papermill."""

from __future__ import annotations

import importlib

_NEEDED = (
    "bcrunbook.notebook",
    "bcrunbook.run.engine.execution",
    "msal",
    "papermill.cli",
)

for _name in _NEEDED:
    importlib.import_module(_name)
