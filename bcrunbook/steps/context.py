"""Everything that a step needs, opened once and closed together."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from bcrunbook.accounts import Account, Customer, Identity, Workspace, load
from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.errors import FixInput
from bcrunbook.job_options import job_options
from bcrunbook.ledger.lease import Lease
from bcrunbook.ledger.store import Ledger
from bcrunbook.order import ENDING, RESTORE_ACCOUNT
from bcrunbook.secrets import SecretStore
from bcrunbook.services.businesscentral.client import BusinessCentral
from bcrunbook.services.businesscentral.tenant_view import TenantView
from bcrunbook.services.codat.client import Codat
from bcrunbook.services.codat.connection_cache import ConnectionCache
from bcrunbook.services.codat.overview import Overview
from bcrunbook.services.graph.client import Graph
from bcrunbook.signin import SignIn
from bcrunbook.steps.guard import WriteGuard
from bcrunbook.steps.required import not_yet
from bcrunbook.steps.retire_request import RetireRequest
from bcrunbook.steps.retired import retired

if TYPE_CHECKING:
    from bcrunbook.http.client import Http
    from bcrunbook.steps.client_secret.replacement import Replacement


@dataclass(frozen=True)
class Context:
    """What a step works with, for one account. Without an API key there is no `codat`.

    `customer` is the one that the run is about; None for the steps of the account itself.
    `replace` is the secret that somebody asks to be replaced; None where nobody asks.
    `overview` is what one look showed of all customers, for whoever looks at many of them; None
    where each is asked for.
    `retire` is what somebody asks for when the account or the customer is retired.
    `setup_steps` are the ids of the steps that set an account up.
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
    setup_steps: tuple[str, ...]
    customer: Customer | None = None
    connection_cache: ConnectionCache | None = None
    replace: Replacement | None = None
    overview: Overview | None = None
    retire: RetireRequest = field(default_factory=RetireRequest)
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

    @property
    def pace(self) -> Pace:
        """How fast waiting goes in this account's cloud."""
        return self.cloud.pace

    @property
    def is_followed_elsewhere(self) -> bool:
        """Whether a coordinator stays with what is under way."""
        return job_options().is_followed_elsewhere

    def held(self, lease: Lease) -> AbstractContextManager[None]:
        """Writes may go out in the block, for as long as the lease is not lost."""
        return self.guard.held(lease)

    def check_required(self, step: str) -> None:
        """Refuse to write for an account before the one it requires has passed, or when it is over.

        That one has to have passed the same step in setting up; for what comes after that, all.
        What ends an account waits for nobody.

        Raises:
            FixInput: it has not, or the account or the customer is retired; says how to go on.
        """
        if step in ENDING:
            return
        over = retired(self.ledger, self.identity, self.customer_name or "")
        if over is not None:
            raise over.refusal
        steps = (step,) if step in self.setup_steps else self.setup_steps
        refused = not_yet(self.ledger, self.workspace, self.account, steps)
        if refused is not None:
            raise FixInput(refused.what, where=refused.where, why=refused.why, next=refused.next)

    def check_unasked(self, step: str) -> None:
        """Refuse to retire production, or a customer of it, unless its name was typed.

        Raises:
            FixInput: it was not, or another one was; says how.
        """
        account, typed = self.account, self.retire.name
        if step not in ENDING or step == RESTORE_ACCOUNT:
            return
        if typed == account.name or not (account.is_production or typed):
            return
        whom = f" --customer {self.customer.name}" if self.customer is not None else ""
        raise FixInput(
            f'"{account.name}" is retired only when its name is typed. Nothing was written.',
            where=f'account "{account.name}"',
            why=f'"{typed}" was typed' if typed else "it is for production",
            next="look at the plan; if it is what you want, give the name as well: bcrunbook retire"
            f" {account.name}{whom} --name {account.name} --mode apply",
        )

    def check_still_meant(self) -> None:
        """Refuse what was planned for another meaning of the names: a person took their time.

        Raises:
            FixInput: accounts.toml means something else by them now.
        """
        account, customer = self.account, self.customer
        now = load(self.workspace.root)
        other = now.accounts.get(account.name)
        kept = other is not None and (other.identity, other.application, other.client_id) == (
            account.identity,
            account.application,
            account.client_id,
        )
        if kept and customer is not None:
            assert other is not None
            kept = other.customers.get(customer.name) == customer
        if not kept:
            raise FixInput(
                "accounts.toml has changed since this was planned. Nothing was written.",
                where=f'account "{account.name}"'
                + (f', customer "{customer.name}"' if customer else ""),
                why=f"what was planned is for {account.identity}"
                + (f", {customer.display_name}" if customer else "")
                + (f"; the file says {other.identity} now" if other else "; it is gone now"),
                next="run the notebook's cells again, from the first",
            )

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

    def age(self, at: datetime) -> float:
        """Seconds of the cloud's time since a moment."""
        return self.cloud.pace.age(at.timestamp())

    def age_noted(self, at: datetime) -> float:
        """The same since the ledger noted something, which may have been on another machine."""
        return self.cloud.pace.age(at.timestamp() - self.ledger.ahead)
