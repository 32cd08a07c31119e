"""The workspace of a rehearsal: the project's own accounts, pointed at the rehearsal cloud.

A rehearsal changes three things about an account: its tenant, its sign-in and its secret store are
the rehearsal cloud's. Everything else (name, kind, application, secret's lifetime and description)
is as configured, so that what is rehearsed is what will be done.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bcrunbook.accounts import Account, Workspace, load
from bcrunbook.errors import Unreachable
from bcrunbook.rehearsal import LaunchFailed, RehearsalDescription, launch
from bcrunbook.rehearsal.lags import USUAL
from bcrunbook.secrets import Secret, open_store

# The secrets of a rehearsal lie beside its cloud: it stands in for the keyring as well.
_STORE: Final = "file:../cloud/secret-store"
_BATCH_SECRET: Final = "sign-in/batch"


@dataclass(frozen=True)
class RehearsedCustomer:
    """A customer who exists in the rehearsal cloud only.

    Args:
        name: the customer's name in accounts.toml.
        display_name: the company's name.
        contact: who links, by the sign-in name in the rehearsal cloud.
        environment: the Business Central environment that they choose.
        company: the company in it.
    """

    name: str
    display_name: str
    contact: str
    environment: str
    company: str


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal takes over from an account, and the customers it gives it."""

    name: str
    kind: str
    application: str
    secret_lifetime_days: int
    secret_description: str
    customers: tuple[RehearsedCustomer, ...] = ()

    @classmethod
    def of(cls, account: Account) -> Rehearsed:
        """What a rehearsal takes over from `account`."""
        return cls(
            account.name,
            account.kind,
            account.application,
            account.secret_lifetime_days,
            account.secret_description or "Codat",
        )


# One installs smoothly; one takes long, with fetch errors, and its environment may not be read;
# one is well, until somebody removes the extension.
STANDARD: Final = (
    Rehearsed(
        "trial",
        "trial",
        "Contoso Lending (trial)",
        180,
        "Codat",
        (
            RehearsedCustomer(
                "millrace",
                "Millrace Software (trial)",
                "robin.hale@millrace-trial.example",
                "Production",
                "CRONUS UK Ltd.",
            ),
        ),
    ),
    Rehearsed(
        "production",
        "production",
        "Contoso Lending",
        180,
        "Codat",
        (
            RehearsedCustomer(
                "joinery",
                "Tidewater Joinery",
                "owen.pryce@tidewater-joinery.example",
                "Production",
                "Tidewater Joinery",
            ),
            RehearsedCustomer(
                "bakery",
                "Brackenfield Bakery",
                "ines.moura@brackenfield-bakery.example",
                "Production",
                "Brackenfield Bakery Ltd",
            ),
        ),
    ),
)


@contextlib.contextmanager
def running_cloud(
    directory: Path,
    speed: float | None = None,
    *,
    lags: str = USUAL.name,
    dates_ahead: float | None = None,
) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud on `directory`/cloud for the length of a `with` block.

    Its description stays behind when it has stopped, for whoever looks at the rehearsal afterwards.

    Args:
        directory: the rehearsal's folder.
        speed: how many seconds of its time pass in one of ours; None where those are skipped in
            which everybody waits.
        lags: how new things lag in it, `usual` or `worst`.
        dates_ahead: how far its dates are ahead of ours at first, in seconds, where they go by its
            clock; None where they are ours.

    Raises:
        Unreachable: it cannot be started there.
    """
    cloud = directory / "cloud"
    description = cloud / "rehearsal.json"
    with contextlib.ExitStack() as stack:
        try:
            running = stack.enter_context(
                launch(
                    cloud,
                    speed=speed or 1.0,
                    lags=lags,
                    skips=speed is None,
                    dates_ahead=dates_ahead,
                )
            )
            content = description.read_bytes()
        except (LaunchFailed, OSError) as error:
            raise Unreachable(
                f"The rehearsal cloud cannot be started: {error}",
                where=str(cloud),
                next="choose another folder with --dir, or end the program that uses this one",
            ) from None
        yield running
    # It holds the batch identity's secret: for the owner's eyes only.
    with open(os.open(description, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)


async def prepare(
    directory: Path,
    cloud: RehearsalDescription,
    accounts: Sequence[Rehearsed],
    *,
    anew: bool = False,
) -> Workspace:
    """Lay out `directory`/workspace for a rehearsal, keeping runs and ledger of earlier ones.

    Args:
        directory: the rehearsal's folder; the cloud runs on its `cloud` subfolder.
        cloud: what the running rehearsal cloud says of itself.
        accounts: which accounts to rehearse. The first of each kind has the kind's Codat instance,
            which keeps the keys of one account; the others have none.
        anew: write accounts.toml even where one is (it follows another accounts.toml), for one of
            the accounts: it waits for no other.

    Returns:
        The workspace, loaded.
    """
    root = directory / "workspace"
    root.mkdir(parents=True, exist_ok=True)
    store = open_store(_STORE, root)
    secret = await store.put(_BATCH_SECRET, Secret(cloud.batch_identity["client_secret"]))
    keys = {
        one["name"]: await store.put(f"codat/{number}", Secret(one["api_key"]))
        for number, one in enumerate(cloud.codat["instances"])
    }
    codat = {}
    for kind in dict.fromkeys(account.kind for account in accounts):
        instance = cloud.accounts[kind]["codat_instance"]
        first = next(account.name for account in accounts if account.kind == kind)
        codat[first] = _CODAT.format(key=keys[instance], instance=json.dumps(instance))
    config = root / "accounts.toml"
    if config.exists() and not anew:
        return load(root)
    text = _HEAD + "".join(
        _ACCOUNT.format(
            name=account.name,
            kind=account.kind,
            tenant=cloud.accounts[account.kind]["tenant"],
            application=json.dumps(account.application, ensure_ascii=False),
            days=account.secret_lifetime_days,
            description=json.dumps(account.secret_description, ensure_ascii=False),
            store=_STORE,
            codat=codat.get(account.name, ""),
            client_id=cloud.batch_identity["client_id"],
            secret=secret,
            requires="" if anew else _requires(account, accounts),
        )
        + "".join(
            _CUSTOMER.format(
                account=account.name,
                name=one.name,
                display_name=json.dumps(one.display_name, ensure_ascii=False),
                contact=one.contact,
                tenant=one.contact.partition("@")[2],
                environment=one.environment,
                company=json.dumps(one.company, ensure_ascii=False),
            )
            for one in account.customers
        )
        for account in accounts
    )
    config.write_text(text, encoding="utf-8")
    return load(root)


def _requires(account: Rehearsed, accounts: Sequence[Rehearsed]) -> str:
    trials = [other.name for other in accounts if other.kind == "trial"]
    return f'requires = "{trials[0]}"\n' if account.kind == "production" and trials else ""


_HEAD: Final = """\
# A rehearsal: these accounts talk to the rehearsal cloud on this machine, never to a real service.
# `bcrunbook rehearse` keeps what you change here; `run ACCOUNT --rehearse` writes it anew.

[rehearsal]
dir = "../cloud"
"""

_ACCOUNT: Final = """
[accounts.{name}]
kind = "{kind}"
tenant = "{tenant}"
application = {application}
secret_lifetime = "{days} days"
secret_description = {description}
secret_store = "{store}"
{codat}cloud = "rehearsal"
{requires}
[accounts.{name}.sign_in]
method = "client_secret"
client_id = "{client_id}"
secret = "{secret}"
"""

_CODAT: Final = """\
codat_api_key = "{key}"
codat_instance = {instance}
"""

_CUSTOMER: Final = """
[accounts.{account}.customers.{name}]
name = {display_name}
contact = "{contact}"
tenant = "{tenant}"
environment = "{environment}"
company = {company}
"""
