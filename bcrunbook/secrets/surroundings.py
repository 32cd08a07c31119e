"""What the environment of this process holds that is secret, made known to the scrubber.

A proxy's address may bear a name and a password, as may the address of an index or of a database,
and some variables say by their names that they hold a secret. Whoever reads such a setting may
quote it in an error, so it is learnt before it is read, in every form in which it may be quoted.

What an `env:` reference names is kept from the programs of others that are started from here. The
processes of this program have it: they read the reference themselves.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

from bcrunbook.secrets.value import register

# What stands before the last @ is name and password, also where an unencoded / ? # or @ makes it
# something else for a parser of addresses.
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(.+)@[^@\s]*")
_PROXY: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?(.+)@[^@]*", re.DOTALL)
_CUTS: Final = re.compile(r"[/?#@\\\[\]]")
# A word alone would be found in half of what is written; beside its name it is masked as well.
_WORD: Final = re.compile(r"[A-Za-z][a-z_-]*")

_SECRET_NAME: Final = re.compile(
    r"(?i)(?:.*_)?(?:pass|passwd|passphrase|pwd|pat|credentials?|(?:api|access|account|private)_?key)"
    r"|.*(?:password|secret|token)"
)
_HARMLESS: Final = re.compile(
    r"[A-Za-z]?[a-z_-]*|[A-Z_-]+|\d{1,9}"
    r"|(?:[A-Za-z]:|~|\.{1,2})?[/\\].*"
    r"|(?:keyring|file|env|keyvault):.*"
    r"|[a-z][a-z0-9+.-]*://\S*",
    re.DOTALL,
)

_references: set[str] = set()
_learnt: dict[Any, Any] = {}


def learn() -> None:
    """Have the scrubber know every secret in this process's environment, as it is now."""
    global _learnt
    # Asked for each text that is scrubbed: a copy takes as long as the scrubbing, and what
    # os.environ has inside, where it can be seen, is compared in a moment.
    now = getattr(os.environ, "_data", None) or dict(os.environ)
    if now == _learnt:
        return
    _learnt = dict(now)
    for name, value in dict(os.environ).items():
        form = _PROXY if name.lower().endswith("_proxy") else _ADDRESS
        if address := form.fullmatch(value.strip()):
            for one in _forms(address[1]):
                register(one)
        elif _SECRET_NAME.fullmatch(name) and not _HARMLESS.fullmatch(value):
            register(value)


def _forms(user: str) -> Iterator[str]:
    """Name and password together, and the password alone, as written, decoded and cut short."""
    name, colon, password = user.partition(":")
    if not colon:
        # A token may stand where a name does; a name may be shown.
        if len(user) >= 20:
            yield user
        return
    yield user
    yield unquote(user)
    yield f"{password}@"
    yield f"{unquote(password)}@"
    # Whoever takes an unencoded sign for the end of the name and password quotes one half.
    halves = _CUTS.split(password)
    yield f"{name}:{halves[0]}"
    for one in (password, unquote(password), *halves):
        if not _WORD.fullmatch(one):
            yield one


def keep_from_others(variable: str) -> None:
    """Note that an `env:` reference names a variable: what it holds is for this program alone."""
    _references.add(variable)
    register(os.environ.get(variable, ""))


def for_others() -> dict[str, str]:
    """The environment for a program that is not ours."""
    return {name: value for name, value in os.environ.items() if name not in _references}
