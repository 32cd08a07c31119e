"""The forms of single values that several models of an `accounts.toml` share."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bcrunbook.printable import UNSEEN

GUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
DOMAIN: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
# One address that any mail program takes: nothing quoted, no comment, no second address.
EMAIL: Final = rf"{_ATOM}(?:\.{_ATOM})*@{DOMAIN}"

# No control characters, line ends or marks that nobody sees: such a name could forge a header of a
# letter, steer a terminal, or read as another name than it is.
NEVER: Final = rf"\p{{Cc}}\p{{Zl}}\p{{Zp}}{UNSEEN}"
ONE_LINE: Final = rf"^[^\s{NEVER}](?:[^{NEVER}]*[^\s{NEVER}])?$"


_PERSONAL: Final = "9188040d-6c67-4b5b-b112-36a304b66dad"
"""The tenant that all personal accounts share (contract G1.12)."""


def _without_braces(value: object) -> object:
    """A GUID as Windows and .NET often write it."""
    found = re.fullmatch(rf"\{{({GUID})\}}", value) if isinstance(value, str) else None
    return found[1] if found else value


def _not_personal(tenant: str) -> str:
    if tenant.lower() == _PERSONAL:
        raise ValueError(
            "That is the tenant of personal Microsoft accounts: sign in to the portal with a work"
            " account, and copy the tenant's id there."
        )
    return tenant


_Guid = BeforeValidator(_without_braces)
Guid = Annotated[str, _Guid, Field(pattern=rf"^{GUID}$")]
Tenant = Annotated[
    str, _Guid, Field(pattern=rf"^(?:{GUID}|{DOMAIN})$"), AfterValidator(_not_personal)
]


class Frozen(BaseModel):
    """A table of the file."""

    # strict: a number is not a text, whatever it would convert to.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)
