"""One customer of an account: whose books are to be linked, and who does it there."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from bcrunbook.accounts.forms import EMAIL, ONE_LINE, Frozen, Tenant

_OneLine = Annotated[str, Field(pattern=ONE_LINE)]


class Customer(Frozen):
    """One customer of an account.

    In a file, the key is the table's heading or stands in the column `key`, and the display name
    stands under `name`.

    Args:
        name: the short name by which commands know the customer, unique within the account.
        display_name: the company's name as people write it.
        contact: the e-mail address of who links there.
        tenant: a GUID or a verified domain.
        environment: the environment of Business Central: under 30 characters, a letter first, then
            letters, digits, `_` and `-` (contract B4.8).
        company: the company in that environment.
    """

    # In the code, a customer is made with the names of the attributes.
    model_config = ConfigDict(validate_by_alias=False, validate_by_name=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")] = Field(
        validation_alias="key",
        serialization_alias="key",
        description="a short name of at most 40 lower-case letters, digits and dashes",
    )
    display_name: Annotated[_OneLine, Field(max_length=100)] = Field(
        validation_alias="name",
        serialization_alias="name",
        description="the company's name as people write it, at most 100 characters on one line",
    )
    contact: Annotated[str, Field(pattern=rf"^{EMAIL}$", max_length=254)] = Field(
        description="one e-mail address, such as ada@contoso.com"
    )
    tenant: Tenant | None = Field(
        default=None,
        description="the customer's tenant id (a GUID) or one of its verified domains",
    )
    environment: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,28}$")] | None = Field(
        default=None,
        description="an environment's name: under 30 letters, digits, _ and -, a letter first",
    )
    company: Annotated[_OneLine, Field(max_length=250)] | None = Field(
        default=None, description="the company's name in Business Central, on one line"
    )
