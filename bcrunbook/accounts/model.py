"""What an `accounts.toml` holds, as frozen models.

Each field's description is what its mistake message says was expected. Keys that must or must not
stand together are the business of `file`, which can then list every mistake at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bcrunbook.accounts.customer import Customer
from bcrunbook.accounts.forms import NEVER, ONE_LINE, Frozen, Guid, Tenant
from bcrunbook.accounts.identity import Identity, instance_name
from bcrunbook.accounts.mistakes import shown
from bcrunbook.accounts.token_source import FORMS, TokenSource
from bcrunbook.errors import FixInput, NotFound, nearest
from bcrunbook.limits import MAX_NAME_LENGTH, SHORT_LIFETIME_DAYS
from bcrunbook.secrets import SecretReference, open_store
from bcrunbook.secrets.addresses import SECRET_FORM, VAULT_FORM

FILE_NAME: Final = "accounts.toml"

# Microsoft: the first-party application "Microsoft Graph Command Line Tools", present in every
# tenant, so that a person can sign in before any application of their own exists.
GRAPH_COMMAND_LINE_TOOLS: Final = "14d82eec-204b-4c2f-b7e8-296a70dab67e"

_LONGEST_LIFETIME_DAYS: Final = 730  # Microsoft: the portal's longest choice is 24 months
_MONTHS: Final = {"month": 1, "year": 12}
_LISTED: Final = 20  # so many names a message may list


def _reference(value: object) -> object:
    if isinstance(value, SecretReference):
        return value
    if not isinstance(value, str):
        raise ValueError("not a text")
    try:
        return SecretReference.parse(value, "")
    except FixInput as error:
        raise ValueError(error.what) from None


def _path(value: object, info: ValidationInfo) -> object:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip():
        raise ValueError("not a path")
    try:
        spelled = Path(value).expanduser()
    except RuntimeError:
        raise ValueError("There is no such home folder.") from None
    return Path(os.path.normpath(Path((info.context or {}).get("root", ".")) / spelled))


def _source(value: object) -> object:
    if isinstance(value, TokenSource):
        return value
    if not isinstance(value, str):
        raise ValueError("not a text")
    return TokenSource.parse(value)


_Reference = Annotated[SecretReference, BeforeValidator(_reference)]
_Path = Annotated[Path, BeforeValidator(_path)]
_Source = Annotated[TokenSource, BeforeValidator(_source)]


class SignInSettings(Frozen):
    """How this program signs in to one account.

    `load` has checked that the keys fit the method: see `REQUIRED`, `ALLOWED` and `ONE_OF`.
    """

    method: Literal["browser", "device_code", "client_secret", "certificate", "federated", "az"] = (
        Field(default="browser", description="a way to sign in")
    )
    client_id: Guid | None = Field(
        default=None,
        description="the GUID of the application to sign in with (Application (client) ID)",
    )
    secret: _Reference | None = Field(
        default=None,
        description="where the secret is kept: keyring:SERVICE/NAME, file:PATH or env:NAME",
    )
    certificate: _Path | None = Field(default=None, description="the path of a .pem or .pfx file")
    certificate_password: _Reference | None = Field(
        default=None,
        description="where the password is kept: keyring:SERVICE/NAME, file:PATH or env:NAME",
    )
    token_file: _Path | None = Field(
        default=None, description="the path of the federated token's file"
    )
    token_from: _Source | None = Field(
        default=None, description=f"who gives the federated token: {FORMS}"
    )
    username: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = Field(
        default=None, description="the address you sign in with, such as ada@contoso.com"
    )
    cache: Literal["encrypted", "memory", "file"] = Field(
        default="encrypted", description="a way to remember the sign-in"
    )

    @model_validator(mode="before")
    @classmethod
    def _default_application(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("method", "browser") in ("browser", "device_code"):
            return {"client_id": GRAPH_COMMAND_LINE_TOOLS, **data}
        return data

    @field_validator("secret", "certificate_password")
    @classmethod
    def _outside_a_vault(cls, reference: SecretReference | None) -> SecretReference | None:
        if reference is not None and reference.scheme == "keyvault":
            raise ValueError(
                "A vault is opened with this very sign-in, so what the sign-in needs cannot be "
                "kept in one."
            )
        return reference

    @field_validator("certificate")
    @classmethod
    def _known_file_type(cls, path: Path | None) -> Path | None:
        if path is not None and path.suffix.lower() not in (".pem", ".pfx"):
            raise ValueError("not a .pem or .pfx file")
        return path


_FOR_PEOPLE: Final = frozenset({"client_id", "username", "cache"})

# Keys of [sign_in] beside `method`, by method: which may be there, and which must.
ALLOWED: Final[dict[str, frozenset[str]]] = {
    "browser": _FOR_PEOPLE,
    "device_code": _FOR_PEOPLE,
    "client_secret": frozenset({"client_id", "secret"}),
    "certificate": frozenset({"client_id", "certificate", "certificate_password"}),
    "federated": frozenset({"client_id", "token_file", "token_from"}),
    "az": frozenset(),
}
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "client_secret": ("client_id", "secret"),
    "certificate": ("client_id", "certificate"),
    "federated": ("client_id",),
}
ONE_OF: Final[dict[str, tuple[str, str]]] = {"federated": ("token_file", "token_from")}
"""The two keys of a method of which there must be just one."""


class CodatCertificate(Frozen):
    """How an instance that insists on mutual TLS is called (contract C1.13)."""

    client: Guid = Field(
        description="the GUID of the Codat instance, as the menu of instances in the portal has it"
    )
    certificate: _Path = Field(
        description="the path of a PEM file with the certificate that Codat issued"
    )
    private_key: _Path = Field(
        repr=False,
        description="the path of a PEM file with the certificate's private key, without a password",
    )


class Account(Frozen):
    """One account: an Entra tenant and a Codat instance.

    Args:
        name: the name under `[accounts]`.
        tenant: a GUID or a verified domain.
        application: the application's display name, which customers see when they consent.
        client_id: an existing application to adopt.
        secret_lifetime_days: `secret_lifetime` of the file, in days; a month is a 24th of 730.
        codat_products: what each company that is made in Codat is given; empty where the instance
            has default products.
        codat_mtls: how the instance is called if it insists on mutual TLS.
        secret_store: `keyring:SERVICE`, `file:DIR` or `keyvault:URL`, for `secrets.open_store`.
        requires: the account that must have passed first.
        tags: words by which a batch can choose accounts.
        customers: by name, in the order of the file.
    """

    name: str
    kind: Literal["trial", "production"] = Field(description="a kind of account")
    tenant: Tenant = Field(
        description="your tenant's id (a GUID) or one of its verified domains, such as contoso.com"
    )
    application: Annotated[str, Field(pattern=ONE_LINE, max_length=MAX_NAME_LENGTH)] = Field(
        description=f"the name customers will see, 1 to {MAX_NAME_LENGTH} characters on one line"
    )
    client_id: Guid | None = Field(
        default=None, description="the GUID of an existing application (Application (client) ID)"
    )
    secret_lifetime_days: int = Field(
        default=180,
        alias="secret_lifetime",
        description='"N days", "N months" or "N years", from 1 day to 24 months',
    )
    secret_description: (
        Annotated[str, Field(pattern=rf"^[^\s{NEVER}][^{NEVER}]{{0,39}}$")] | None
    ) = Field(default=None, description="a short text, 1 to 40 characters on one line")
    secret_store: str = Field(
        default="keyring:bcrunbook",
        description='"keyring:SERVICE", "file:DIR", where DIR is not in runs, or '
        f'"keyvault:{VAULT_FORM}"',
    )
    codat_api_key: _Reference | None = Field(
        default=None,
        description="where the API key is kept: keyring:SERVICE/NAME, file:PATH, env:NAME or "
        f"keyvault:{SECRET_FORM}",
    )
    codat_instance: (
        Annotated[str, Field(pattern=rf"^\s*[^\s{NEVER}][^{NEVER}]*$", max_length=100)] | None
    ) = Field(default=None, description="the name of your Codat instance, at most 100 characters")
    codat_products: tuple[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")], ...
    ] = Field(
        default=(),
        strict=False,
        description='a list of identifiers of Codat\'s products, such as ["lending"]',
    )
    codat_mtls: CodatCertificate | None = Field(
        default=None, description="a table: [accounts.NAME.codat_mtls]"
    )
    cloud: Literal["live", "rehearsal"] = Field(default="live", description="a cloud")
    requires: str | None = Field(default=None, description="the name of a trial account")
    tags: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")], ...] = Field(
        default=(), strict=False, description='a list of words, such as ["spain", "wave-2"]'
    )
    customers: dict[str, Customer] = Field(
        default={}, repr=False, description="tables or a CSV file; `load` has read either"
    )
    sign_in: SignInSettings = Field(
        default=SignInSettings(), description="a table: [accounts.NAME.sign_in]"
    )

    @property
    def is_production(self) -> bool:
        """Whether the account is for production use."""
        return self.kind == "production"

    @property
    def short_lifetime(self) -> str:
        """A word of warning where a new secret would end very soon; empty where it does not."""
        if self.secret_lifetime_days > SHORT_LIFETIME_DAYS:
            return ""
        return (
            f"That is short: the check asks for a new secret {SHORT_LIFETIME_DAYS} days before one"
            " ends, and each has to be saved in the Codat Portal by a person."
        )

    @property
    def codat_client(self) -> str:
        """The Codat instance's GUID where it insists on mutual TLS; empty where it does not."""
        return self.codat_mtls.client if self.codat_mtls is not None else ""

    @property
    def identity(self) -> Identity:
        """What a fact about this account is about."""
        instance = instance_name(self.codat_instance)
        return Identity(self.name, self.cloud, self.tenant.lower(), instance)

    @property
    def unique_name(self) -> str:
        """The marker by which the application in Entra is known to be this account's."""
        return f"bcrunbook-{self.name}"

    @field_validator("secret_lifetime_days", mode="before")
    @classmethod
    def _in_days(cls, value: object) -> int:
        text = value.strip().lower() if isinstance(value, str) else ""
        match = re.fullmatch(r"(\d{1,4})(?:\s*(day|month|year)s?)?", text)
        if match is None:
            raise ValueError("not a lifetime")
        count, unit = int(match[1]), match[2] or "day"
        days = count if unit == "day" else count * _LONGEST_LIFETIME_DAYS * _MONTHS[unit] // 24
        if not 1 <= days <= _LONGEST_LIFETIME_DAYS:
            raise ValueError("out of range")
        return days

    @field_validator("secret_store")
    @classmethod
    def _keeps_new_secrets(cls, value: str, info: ValidationInfo) -> str:
        try:
            store = open_store(value, Path((info.context or {}).get("root", ".")))
            # The names of an account's secrets begin with its own: better refused now than when
            # a secret has been made that can be read once.
            store.reference(f"{info.data.get('name', 'account')}/name")
        except FixInput as error:
            raise ValueError(error.what) from None
        if not store.writable:
            raise ValueError("The environment can be read, but a new secret cannot be kept there.")
        return value


class NetworkSettings(Frozen):
    """The way out: what is None here is taken from the environment by the HTTP client."""

    proxy: Annotated[str, Field(pattern=r"^https?://[^\s/@]+(?::\d+)?/?$")] | None = Field(
        default=None,
        description='an address such as "http://proxy.contoso.com:8080", without a password '
        "(HTTPS_PROXY in the environment may hold one)",
    )
    ca: _Path | None = Field(default=None, description="the path of a PEM file")
    strict: bool = Field(
        default=True,
        description="true, or false for an authority whose certificates are not all that Python "
        "3.13 and later want",
    )


def _without_password(value: object) -> object:
    if isinstance(value, str) and value.startswith("postgresql"):
        query = parse_qsl(value.partition("?")[2], keep_blank_values=True)
        # Between :// and @ a colon begins a password, also one that is not spelled for an address.
        if re.search(r"://[^@]*:[^@]*@", value) or {"password", "sslpassword"} & dict(query).keys():
            raise ValueError(
                "PostgreSQL finds the password by itself, in ~/.pgpass, in PGPASSWORD or in a "
                "service file (postgresql+psycopg:///?service=NAME)."
            )
    return value


def _without_a_vault(reference: SecretReference) -> SecretReference:
    if reference.scheme == "keyvault":
        raise ValueError("No vault is opened for it: name a place on this machine.")
    return reference


class NotifySettings(Frozen):
    """The table `[notify]`: whom a batch or a check tells that it needs a person."""

    webhook: Annotated[_Reference, AfterValidator(_without_a_vault)] | None = Field(
        default=None,
        description="where the webhook's address is kept: keyring:SERVICE/NAME, file:PATH or"
        " env:NAME",
    )
    form: Literal["json", "teams", "slack"] = Field(
        default="json", description="a form of messages"
    )


class LedgerTable(Frozen):
    """The table `[ledger]`: where the ledger is."""

    url: Annotated[
        str,
        BeforeValidator(_without_password),
        Field(pattern=r"^(?:sqlite:///.+|postgresql(?:\+[a-z0-9]+)?://(?:[^\s:@/]+@)?[^\s@]+)$"),
    ] = Field(
        default="sqlite:///ledger.db",
        description='"sqlite:///FILE" or "postgresql+psycopg://USER@HOST/NAME" without a password',
    )


class RunsTable(Frozen):
    """The table `[runs]`: where copies of runs go, and whether a journal of shapes is kept."""

    url: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://[^\s@]+$")] | None = Field(
        default=None,
        description='a place that fsspec knows, such as "s3://BUCKET/FOLDER", without a password',
    )
    journal: Literal["live", "always", "never"] = Field(
        default="live",
        description='"live", "always" (in rehearsals, too) or "never"',
    )


class RehearsalTable(Frozen):
    """The table `[rehearsal]`: where the rehearsal cloud runs."""

    dir: _Path | None = Field(default=None, description="the folder that holds rehearsal.json")


class Workspace(Frozen):
    """A workspace: the folder, its accounts, and what they share.

    Args:
        root: the folder, absolute.
        accounts: by name, in the order of the file.
        ledger_url: for `ledger.open_ledger`, together with `root`.
        runs_url: where a copy of each run's notebooks, cards and report is kept; None for nowhere.
        journal: when a journal of shapes is kept: in live runs, always, or never.
        network: proxy and CA of the file.
        rehearsal: the folder that holds rehearsal.json, if the file names one.
        notify: whom a batch or a check tells that it needs a person.
        gone: accounts and customers that the ledger knows and the file does not, where this is a
            part of a workspace and so cannot tell; an account's customer is empty. Never in a file.
    """

    root: Path
    accounts: dict[str, Account]
    ledger_url: str = "sqlite:///ledger.db"
    runs_url: str | None = None
    journal: Literal["live", "always", "never"] = "live"
    network: NetworkSettings = Field(default=NetworkSettings())
    rehearsal: Path | None = None
    notify: NotifySettings = Field(default=NotifySettings())
    gone: frozenset[tuple[str, str]] | None = None

    def has(self, account: str, customer: str = "") -> bool:
        """Whether the file has an account, or a customer of one."""
        if self.gone is not None:
            return (account, "") not in self.gone and (account, customer) not in self.gone
        known = self.accounts.get(account)
        return known is not None and (not customer or customer in known.customers)

    def account(self, name: str) -> Account:
        """The account of this name.

        Raises:
            NotFound: there is none; offers the nearest.
        """
        if name not in self.accounts:
            raise NotFound(
                f"There is no account {shown(name)}: {nearest(name, self.accounts)}",
                where=str(self.root / FILE_NAME),
                next=f"use one of: {', '.join(self.accounts)}",
            )
        return self.accounts[name]

    def customer(self, account: str, name: str) -> Customer:
        """The customer of this name in an account.

        Raises:
            NotFound: there is no such account, or no such customer in it; offers the nearest.
        """
        customers = self.account(account).customers
        if name not in customers:
            hint = nearest(name, customers)
            if not hint.startswith("did") and len(customers) > _LISTED:
                hint = f"it has {len(customers)}, and none is called nearly so"
            raise NotFound(
                f"The account {account} has no customer {shown(name)}: {hint}",
                where=f"{self.root / FILE_NAME}, accounts.{account}.customers",
                next="use the name of a customer, or add this one"
                if customers
                else f'add it, or name a file: customers = "customers.csv" in {FILE_NAME}',
            )
        return customers[name]


def neighbours(workspace: Workspace, account: Account, names: Collection[str]) -> list[str]:
    """The accounts of the other kind that are for the same tenant of the same cloud.

    Args:
        workspace: the workspace.
        account: one of its accounts.
        names: the names of its tenant, in lower case: those that are known.
    """
    return [
        other.name
        for other in workspace.accounts.values()
        if other.kind != account.kind
        and other.cloud == account.cloud
        and other.identity.tenant in names
    ]
