"""The forms of single values that several models of an `accounts.toml` share."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

GUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
DOMAIN: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
# One address that any mail program takes: nothing quoted, no comment, no second address.
EMAIL: Final = rf"{_ATOM}(?:\.{_ATOM})*@{DOMAIN}"

Guid = Annotated[str, Field(pattern=rf"^{GUID}$")]
Tenant = Annotated[str, Field(pattern=rf"^(?:{GUID}|{DOMAIN})$")]


class Frozen(BaseModel):
    """A table of the file."""

    # strict: a number is not a text, whatever it would convert to.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)
