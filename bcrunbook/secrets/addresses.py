"""Addresses in Azure Key Vault: which are a vault's, which a secret's, and which are elsewhere.

Source: Key Vault docs, "About keys, secrets and certificates": a vault's name is 3 to 24 letters,
digits and single dashes, begins with a letter and ends with a letter or digit; a secret's is 1 to
127 letters, digits and dashes; a version is 32 hexadecimal digits.
"""

from __future__ import annotations

import re
from typing import Final

from bcrunbook.errors import FixInput
from bcrunbook.hosts import OTHER_VAULT_SUFFIXES, VAULT_SUFFIX

_VAULT: Final = r"https://(?=[A-Za-z0-9-]{3,24}\.)[A-Za-z](?:-?[A-Za-z0-9])*\." + re.escape(
    VAULT_SUFFIX
)
# The portal shows a vault's address with a slash at its end.
_STORE: Final = re.compile(rf"({_VAULT})/?", re.IGNORECASE)
_SECRET: Final = re.compile(
    rf"({_VAULT})/secrets/([0-9A-Za-z-]{{1,127}})(?:/([0-9a-f]{{32}}))?", re.IGNORECASE
)
_OTHER_CLOUDS: Final = re.compile(
    rf"https://[^/]+\.(?:{'|'.join(map(re.escape, OTHER_VAULT_SUFFIXES))})(?:/.*)?",
    re.IGNORECASE,
)

VAULT_FORM: Final = f"https://NAME.{VAULT_SUFFIX}"
"""How a vault's address looks, for messages."""
SECRET_FORM: Final = f"https://VAULT.{VAULT_SUFFIX}/secrets/NAME"
"""How a secret's address looks, for messages."""


def vault_url(text: str) -> str | None:
    """The address of a vault, without a slash at its end; None if the text is none."""
    match = _STORE.fullmatch(text)
    return match[1].lower() if match else None


def is_secret(text: str) -> bool:
    """Whether the text is the address of a secret in a vault."""
    return _SECRET.fullmatch(text) is not None


def parts_of(text: str) -> tuple[str, str, str | None]:
    """Vault, name and version of a secret's address; the version is None for the newest."""
    match = _SECRET.fullmatch(text)
    if match is None:
        raise ValueError("not the address of a secret")
    return match[1].lower(), match[2], match[3]


def refuse_other_clouds(text: str, where: str) -> None:
    """Refuse the vaults of Microsoft's national clouds, which have sign-ins of their own.

    Raises:
        FixInput: the address is in one of them.
    """
    if _OTHER_CLOUDS.fullmatch(text):
        raise FixInput(
            "This vault is in a national cloud of Microsoft's, and only the public cloud's "
            f"({VAULT_SUFFIX}) can be used.",
            where=where,
            why="this program signs in to the public cloud only",
            next="make a vault in the public cloud, or keep secrets in keyring:SERVICE or file:DIR",
        )
