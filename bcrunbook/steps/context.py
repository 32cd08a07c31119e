"""Everything that a step needs, opened once and closed together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bcrunbook.accounts import Account, Customer, Identity, Workspace
from bcrunbook.cloud import Cloud, cloud_of
from bcrunbook.errors import AskAdministrator, FixInput
from bcrunbook.http import Http
from bcrunbook.ledger import Ledger, open_ledger
from bcrunbook.secrets import Secret, SecretStore, VaultOpener, open_store, read
from bcrunbook.services.businesscentral import BusinessCentral
from bcrunbook.services.codat import REQUESTS, Codat
from bcrunbook.services.graph import WRITES, Graph
from bcrunbook.services.graph_models import Organization
from bcrunbook.services.turns import SharedTurns
from bcrunbook.services.wire import Seen
from bcrunbook.signin import Person, SignIn, Token
from bcrunbook.steps.guard import WriteGuard
from bcrunbook.steps.installation.roster import Roster
from bcrunbook.steps.installation.tenant import TenantView
from bcrunbook.steps.instance import check_instance


@dataclass(frozen=True)
class Context:
    """What a step works with, for one account. Without an API key there is no `codat`.

    `customer` is the one that the run is about; None for the steps of the account itself.
    """

    workspace: Workspace
    account: Account
    cloud: Cloud
    http: Http
    sign_in: SignIn
    graph: Graph
    codat: Codat | None
    ledger: Ledger
    store: SecretStore
    guard: WriteGuard
    customer: Customer | None = None
    roster: Roster | None = None
    tenants: dict[str, TenantView] = field(default_factory=dict)
    """The customers' tenants that were looked at, shared by all customers of the account."""

    @property
    def identity(self) -> Identity:
        """Whom the ledger's facts are about."""
        return self.account.identity

    @property
    def customer_name(self) -> str | None:
        """The customer as the ledger names it."""
        return self.customer.name if self.customer is not None else None

    def tenant(self, tenant: str) -> TenantView:
        """A tenant with Business Central, which may be a customer's.

        Args:
            tenant: the tenant's id or domain.
        """
        if tenant not in self.tenants:
            token = partial(self.sign_in.business_central, tenant)
            service = BusinessCentral(self.http, token, tenant)
            self.tenants[tenant] = TenantView(service, self.cloud.pace)
        return self.tenants[tenant]

    def age(self, seconds: float) -> float:
        """Wall seconds as seconds of the cloud's time."""
        return seconds * self.cloud.pace.speed


@asynccontextmanager
async def open_context(
    workspace: Workspace,
    account: Account,
    *,
    person: Person | None = None,
    customer: Customer | None = None,
) -> AsyncIterator[Context]:
    """Open what a step needs for `account`.

    Args:
        workspace: the loaded workspace.
        account: one of its accounts.
        person: who can answer a sign-in; None in a headless run.
        customer: the customer that the run is about.

    Raises:
        FixInput: the cloud, the ledger or the secret store cannot be used as configured.
    """
    root: Path = workspace.root
    cloud = cloud_of(workspace, account)
    with open_ledger(workspace.ledger_url, root) as ledger:
        async with Http(cloud) as http:
            sign_in = SignIn(account, http, root, person=person)
            guard = WriteGuard(account.name)
            codat = _codat(account, http, root, sign_in.vaults, ledger, guard)

            def writes(tenant: str) -> SharedTurns:
                return SharedTurns(ledger, cloud, f"graph/{tenant}/applications", WRITES, hoard=1)

            yield Context(
                workspace=workspace,
                account=account,
                cloud=cloud,
                http=http,
                sign_in=sign_in,
                graph=Graph(
                    http,
                    sign_in,
                    turns=writes,
                    check_tenant=guard.check_tenant,
                    guard=guard.check,
                ),
                codat=codat,
                ledger=ledger,
                store=open_store(account.secret_store, root, vault=sign_in.vaults),
                guard=guard,
                customer=customer,
                roster=Roster(codat, cloud.pace) if codat is not None else None,
            )


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
        SharedTurns(ledger, http.cloud, "codat", REQUESTS),
        check=lambda profile: check_instance(account, profile, ledger),
        guard=guard.check,
    )


def check_tenant(context: Context, token: Token, organization: Seen[Organization]) -> Organization:
    """Refuse to go on unless token, organization and configuration name the same tenant.

    Every examination calls it, and Microsoft Graph's client writes to no other tenant than the one
    that was found here.

    Raises:
        FixInput: they differ, or the name of the tenant led to another one before.
        AskAdministrator: the tenant may not be looked at, so nothing can be compared.
    """
    account = context.account
    where = f'account "{account.name}", tenant = "{account.tenant}"'
    if organization.value is None:
        raise AskAdministrator(
            "Which tenant this is cannot be checked, so nothing is written.",
            where=where,
            why=organization.unknown or "the tenant's organization object is not there",
            next="allow User.Read (a person) or Organization.Read.All (an application) to be used",
            who="an administrator of the tenant",
            section="00_start_here#which-tenant",
        )
    found = organization.value
    domains = {domain.name.lower() for domain in found.verified_domains}
    wanted = account.tenant.lower()
    if wanted != found.id.lower() and wanted not in domains:
        raise FixInput(
            f'This sign-in is for the tenant "{found.display_name}" ({found.id}), and the account'
            " belongs to another one. Nothing was written.",
            where=where,
            why="the wrong directory was chosen at sign-in, or accounts.toml names the wrong one",
            next="sign in to the right tenant, or correct tenant in accounts.toml",
            section="00_start_here#which-tenant",
        )
    if token.tenant.lower() != found.id.lower() and token.tenant.lower() not in domains:
        raise FixInput(
            f"The token was issued by tenant {token.tenant}, Microsoft Graph answers for"
            f" {found.id}. Nothing was written.",
            where=where,
            next="sign in to the right tenant, or correct tenant in accounts.toml",
            section="00_start_here#which-tenant",
        )
    context.ledger.note_tenant(account.identity, found.id)
    context.guard.admit(found.id, *domains)
    return found
