"""References by which secrets are found, and the names under which stores keep them.

A reference is `scheme:rest` and is no secret: it may stand in `accounts.toml`, a notebook or the
ledger.

    keyring:SERVICE/NAME   the system's keyring (Windows, macOS, Secret Service)
    file:PATH              one file per value, readable by its owner only
    env:NAME               an environment variable, read only
    keyvault:URL           a secret in Azure Key Vault, by its address there:
                           https://VAULT.vault.azure.net/secrets/NAME, and /VERSION for one version
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bcrunbook.errors import FixInput, nearest
from bcrunbook.secrets import addresses
from bcrunbook.secrets.scrubbing import looks_like_secret, scrub

_SCHEMES: Final = ("keyring", "file", "env", "keyvault")
_FORMS: Final = f"keyring:SERVICE/NAME, file:PATH, env:NAME or keyvault:{addresses.SECRET_FORM}"
_NAME: Final = re.compile(r"[a-z0-9-]+(?:/[a-z0-9-]+)*")
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is kept; prints as `scheme:rest`.

    Args:
        scheme: `keyring`, `file`, `env` or `keyvault`.
        rest: what the scheme needs to find the value.
    """

    scheme: str
    rest: str

    @classmethod
    def parse(cls, text: str, where: str) -> SecretReference:
        """Read a reference.

        Args:
            text: `scheme:rest`.
            where: the file and key, or the parameter, that holds it, for the error.

        Raises:
            FixInput: it is not a reference. The text is not repeated: it may be the secret.
        """
        scheme, colon, rest = text.strip().partition(":")
        if looks_like_secret(text) or (colon and looks_like_secret(rest)):
            raise FixInput(
                "This looks like a secret itself; what belongs here is where it is kept.",
                where=where,
                why="a secret in a file or a parameter is read by everybody who reads those",
                next=f"put the secret in its store, and write {_FORMS} here; "
                "if the file was shared, replace the secret too",
            )
        if not colon or scheme not in _SCHEMES:
            # Only something close to a scheme is repeated; anything else may be a secret.
            hint = nearest(scheme, _SCHEMES) if colon else ""
            raise FixInput(
                "This is not a reference to a secret." + (f" {hint.capitalize()}" if hint else ""),
                where=where,
                next=f"write {_FORMS}",
            )
        if scheme == "keyvault":
            addresses.refuse_other_clouds(rest, where)
        fits = {
            "keyring": lambda: all(part.strip() for part in rest.partition("/")),
            "file": lambda: bool(rest.strip()),
            "env": lambda: VARIABLE.fullmatch(rest) is not None,
            "keyvault": lambda: addresses.is_secret(rest),
        }
        if not fits[scheme]():
            form = next(part for part in re.split(r", | or ", _FORMS) if part.startswith(scheme))
            raise FixInput(
                f"This {scheme} reference is not complete.", where=where, next=f"write {form}"
            )
        return cls(scheme, rest)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.rest}"


def checked(name: str) -> str:
    """The name, if a store can keep a secret under it.

    Raises:
        FixInput: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise FixInput(
            "A secret cannot have this name.",
            where=scrub(name, "an error"),
            why="names are lower-case letters, digits and dashes, in parts joined by slashes",
        )
    return name
