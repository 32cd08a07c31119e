"""The workspace, its `accounts.toml` and its customers: read, checked, explained when unfit.

`load` is the one way in. It either gives a `Workspace` in which everything has its right form, or
raises one `FixInput` that lists every mistake: line, key, what was expected, what was there. No
message repeats a value that is or may be a secret, and no network or store is touched.
"""

from .customer import Customer
from .edit import amend, problem, with_value
from .file import find_workspace, hold, load, template
from .identity import Identity, instance_name
from .model import (
    FILE_NAME,
    GRAPH_COMMAND_LINE_TOOLS,
    Account,
    Network,
    SignIn,
    Workspace,
    neighbours,
)

__all__ = [
    "FILE_NAME",
    "GRAPH_COMMAND_LINE_TOOLS",
    "Account",
    "Customer",
    "Identity",
    "Network",
    "SignIn",
    "Workspace",
    "amend",
    "find_workspace",
    "hold",
    "instance_name",
    "load",
    "neighbours",
    "problem",
    "template",
    "with_value",
]
