"""Opens everything that a step needs, and closes it together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bcrunbook.accounts import Account, Customer, Workspace
from bcrunbook.cloud import Cloud, cloud_of
from bcrunbook.http.client import Http
from bcrunbook.job_options import job_options
from bcrunbook.journal.file import JournalFile, journal_in
from bcrunbook.journal.recorder import JournalRecorder
from bcrunbook.ledger.store import Ledger, open_ledger
from bcrunbook.secrets import Secret, VaultOpener, open_store, read
from bcrunbook.services.codat.client import REQUESTS, Codat
from bcrunbook.services.codat.connection_cache import ConnectionCache
from bcrunbook.services.graph.client import WRITES, Graph
from bcrunbook.services.rate_limit import SharedRateLimiter
from bcrunbook.signin import MsalApplications, Person, SignIn
from bcrunbook.steps import SETUP_STEPS
from bcrunbook.steps.client_secret.replacement import Replacement
from bcrunbook.steps.context import Context
from bcrunbook.steps.guard import WriteGuard
from bcrunbook.steps.instance import check_instance
from bcrunbook.steps.retire_request import RetireRequest


@asynccontextmanager
async def open_context(
    workspace: Workspace,
    account: Account,
    *,
    person: Person | None = None,
    customer: Customer | None = None,
    replace: Replacement | None = None,
    retire: RetireRequest | None = None,
) -> AsyncIterator[Context]:
    """Open what a step needs for `account`.

    Args:
        workspace: the loaded workspace.
        account: one of its accounts.
        person: who can answer a sign-in; None in a headless run.
        customer: the customer that the run is about.
        replace: the secret that somebody asks to be replaced; None where nobody asks.
        retire: what somebody asks for when it is retired; None where it is not.

    Raises:
        FixInput: the cloud, the ledger or the secret store cannot be used as configured.
    """
    root: Path = workspace.root
    cloud = cloud_of(workspace, account)
    with open_ledger(workspace.ledger_url, root) as ledger:
        async with Http(cloud, journal=_journal(workspace, cloud)) as http:
            sign_in = SignIn(
                account, http, root, person=person, applications=_applications(account)
            )
            guard = WriteGuard(account.name)
            codat = _codat(account, http, root, sign_in.vaults, ledger, guard)

            def writes(tenant: str) -> SharedRateLimiter:
                return SharedRateLimiter(
                    ledger, cloud, f"graph/{tenant}/applications", WRITES, prefetch=1
                )

            yield Context(
                workspace=workspace,
                account=account,
                cloud=cloud,
                http=http,
                sign_in=sign_in,
                graph=Graph(
                    http,
                    sign_in,
                    write_limiter=writes,
                    check_tenant=guard.check_tenant,
                    guard=guard.check,
                    sender=_sender(account),
                ),
                codat=codat,
                ledger=ledger,
                store=open_store(account.secret_store, root, vault=sign_in.vaults),
                guard=guard,
                setup_steps=tuple(step.id for step in SETUP_STEPS),
                customer=customer,
                connection_cache=ConnectionCache(codat, cloud.pace) if codat is not None else None,
                replace=replace,
                retire=retire or RetireRequest(),
            )


def _applications(account: Account) -> MsalApplications | None:
    """Those with which the job's notebooks have signed in so far; None where none are kept."""
    kept = job_options().kept
    if kept is None:
        return None
    made: MsalApplications = kept.setdefault(
        (account.identity, account.sign_in), MsalApplications()
    )
    return made


def _journal(workspace: Workspace, cloud: Cloud) -> JournalRecorder | None:
    if workspace.journal == "never" or (workspace.journal == "live" and not cloud.is_live):
        return None
    file = JournalFile(journal_in(job_options().folder, workspace.root))
    return JournalRecorder(file, cloud.kind)


def _codat(
    account: Account,
    http: Http,
    root: Path,
    vaults: VaultOpener,
    ledger: Ledger,
    guard: WriteGuard,
) -> Codat | None:
    reference = account.codat_api_key
    if reference is None:
        return None

    async def key() -> Secret:
        return await read(reference, root, vault=vaults)

    # An address has the limit, whichever instances it asks; so all of them share it.
    return Codat(
        http,
        key,
        SharedRateLimiter(ledger, http.cloud, "codat", REQUESTS),
        client=account.codat_client,
        check=lambda profile: check_instance(account, profile, ledger),
        guard=guard.check,
        sender=f"the Codat API key {reference}",
    )


def _sender(account: Account) -> str:
    """Who signs in where no person does, as it is noted with what was written.

    What the Azure CLI's token says of a person is not read: it is opaque.
    """
    match account.sign_in.method:
        case "browser" | "device_code":
            return ""
        case "az":
            return "whoever the Azure CLI is signed in as"
        case _:
            return f"the application {account.sign_in.client_id}"
