"""Is this the tenant that is meant? Asked before anything is planned."""

from __future__ import annotations

from bcrunbook.errors import AskAdministrator, FixInput
from bcrunbook.services.graph.models import Organization
from bcrunbook.services.wire import Seen
from bcrunbook.signin import Token
from bcrunbook.steps.context import Context


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
            section="start_here#which-tenant",
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
            section="start_here#which-tenant",
        )
    if token.tenant.lower() != found.id.lower() and token.tenant.lower() not in domains:
        raise FixInput(
            f"The token was issued by tenant {token.tenant}, Microsoft Graph answers for"
            f" {found.id}. Nothing was written.",
            where=where,
            next="sign in to the right tenant, or correct tenant in accounts.toml",
            section="start_here#which-tenant",
        )
    context.ledger.note_tenant(account.identity, found.id)
    context.guard.admit(found.id, *domains)
    return found
