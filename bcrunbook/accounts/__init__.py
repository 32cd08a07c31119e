"""The workspace, its `accounts.toml` and its customers: read, checked, explained when unfit.

`load` is the one way in. It either gives a `Workspace` in which everything has its right form, or
raises one `FixInput` that lists every mistake: line, key, what was expected, what was there. No
message repeats a value that is or may be a secret, and no network or store is touched.
"""

from bcrunbook.accounts.customer import Customer
from bcrunbook.accounts.edit import amend, problem, with_value
from bcrunbook.accounts.file import find_workspace, keep_secrets_from_others, load, template
from bcrunbook.accounts.identity import Identity, instance_name
from bcrunbook.accounts.model import (
    FILE_NAME,
    GRAPH_COMMAND_LINE_TOOLS,
    Account,
    NetworkSettings,
    NotifySettings,
    SignInSettings,
    Workspace,
    neighbours,
)
from bcrunbook.accounts.token_source import TokenSource

__all__ = [
    "FILE_NAME",
    "GRAPH_COMMAND_LINE_TOOLS",
    "Account",
    "Customer",
    "Identity",
    "NetworkSettings",
    "NotifySettings",
    "SignInSettings",
    "TokenSource",
    "Workspace",
    "amend",
    "find_workspace",
    "instance_name",
    "keep_secrets_from_others",
    "load",
    "neighbours",
    "problem",
    "template",
    "with_value",
]
