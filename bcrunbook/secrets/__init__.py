"""Secrets: how a value is held, where it is kept, and how it is kept out of everything written.

`value` holds one value in memory as a type that prints as `•••`. `names` are the references by
which values are found again, `stores` keeps them on this machine, `vault` in Azure Key Vault, and
`opening` is the door to both. `scrubbing` takes values out of texts and recognises what looks like
one; `known` finds values, those of the environment as well (`surroundings`). `log` does the same
for the log. Nothing else in the package writes a secret.

What opens stores is read when it is first asked for: every command scrubs, and few open one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from bcrunbook.secrets.core_dumps import leave_no_core_dump
from bcrunbook.secrets.log import RedactingFilter, install_log_redaction
from bcrunbook.secrets.names import SecretReference
from bcrunbook.secrets.scrubbing import looks_like_secret, scrub, scrub_json
from bcrunbook.secrets.surroundings import for_others as environment_for_others
from bcrunbook.secrets.surroundings import keep_from_others
from bcrunbook.secrets.surroundings import learn as learn_environment
from bcrunbook.secrets.value import MASK, Secret, Veiled

if TYPE_CHECKING:
    from bcrunbook.secrets.opening import open_store, read
    from bcrunbook.secrets.stores import SecretStore
    from bcrunbook.secrets.system_keyring import tell_at_once
    from bcrunbook.secrets.vault import VaultOpener

__all__ = [
    "MASK",
    "RedactingFilter",
    "Secret",
    "SecretReference",
    "SecretStore",
    "VaultOpener",
    "Veiled",
    "environment_for_others",
    "install_log_redaction",
    "keep_from_others",
    "learn_environment",
    "leave_no_core_dump",
    "looks_like_secret",
    "open_store",
    "read",
    "scrub",
    "scrub_json",
    "tell_at_once",
]

_HOMES: Final = {
    "SecretStore": "stores",
    "VaultOpener": "vault",
    "open_store": "opening",
    "read": "opening",
    "tell_at_once": "system_keyring",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
