"""The process that `warm` holds in readiness: reads what notebooks need, waits, is a kernel."""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Final

# What cells come to import sooner or later, most of it when they first talk to Microsoft or Codat.
NEEDED: Final = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "bcrunbook.notebook",
    "anywidget",
    "msal",
)


def main() -> None:
    """Wait for the line that says which kernel to be."""
    for name in NEEDED:
        importlib.import_module(name)
    line = sys.stdin.buffer.readline()
    if not line:
        return  # the server has ended
    parameters = json.loads(line)
    _become(parameters["env"])
    os.chdir(parameters["cwd"] or os.curdir)
    # As any kernel: a notebook may import what lies beside it. Until here nothing was read from the
    # folder that the server was started in.
    sys.path.insert(0, "")
    sys.argv[1:] = parameters["argv"]

    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


def _become(environment: dict[str, str]) -> None:
    for name in set(os.environ) - set(environment):
        if not name.startswith("JPY_"):
            del os.environ[name]
    os.environ.update(environment)


if __name__ == "__main__":
    main()
