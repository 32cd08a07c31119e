"""Finding the account's application again, and telling it from somebody else's.

Shared by the step that registers it and the steps after it. It is found by the client id that
accounts.toml names, by the one that this ledger saw it get in this tenant, or by our marker. The
marker says which account's name it was registered under, not whose: another workspace may have an
account of the same name. So what was found by the marker alone has to bear the name that this
account gives it; otherwise a person is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bcrunbook.accounts import Account
from bcrunbook.core.step import Observation
from bcrunbook.errors import AskAdministrator, FixInput
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.order import REGISTER_APPLICATION, ref_with_id
from bcrunbook.services.graph.models import Application
from bcrunbook.services.graph.reads import (
    Read,
    application_named,
    application_with_client_id,
    organization,
)
from bcrunbook.services.wire import Seen
from bcrunbook.steps.context import Context
from bcrunbook.steps.tenant import check_tenant


def remembered_client_id(context: Context) -> str:
    """The client id that this ledger saw the account's application get; empty when it did not."""
    fact = context.ledger.latest(
        Scope(context.identity, REGISTER_APPLICATION), FactKind.APPLICATION
    )
    return fact.subject if fact else ""


@dataclass(frozen=True)
class Lookup:
    """How the account's application is looked for.

    Args:
        account: the account.
        known: the client id that accounts.toml names, or that the ledger remembers; may be empty.
        name_then: the name under which this ledger last saw that application; empty when never.
    """

    account: Account
    known: str
    name_then: str

    @property
    def reads(self) -> list[Read[Any]]:
        """What to read: by our marker, and by client id where one is known."""
        by_marker = application_named(self.account.unique_name)
        return [by_marker, application_with_client_id(self.known)] if self.known else [by_marker]

    def found(self, seen: list[Seen[Application]]) -> Seen[Application]:
        """The application among what was read.

        Args:
            seen: what `reads` showed, in their order.

        Raises:
            FixInput: two applications claim the account.
        """
        by_marker, by_id = seen[0], seen[1] if self.known else Seen(None)
        marked, named = by_marker.value, by_id.value
        if self.account.client_id:
            if marked and marked.app_id.lower() != self.known:
                raise _two_applications(self.account, self.known, marked, "named in accounts.toml")
            return by_marker if marked else by_id
        if marked and named and marked.app_id != named.app_id and self._is_marked(named):
            raise _two_applications(self.account, self.known, marked, "what this ledger knows")
        if marked is None and named is not None and self._is_marked(named):
            # Just made (the marker trails behind), or made where the marker was refused.
            return by_id
        return by_marker

    def _is_marked(self, app: Application) -> bool:
        return self.account.unique_name in (app.unique_name, *app.tags)

    def found_by(self, seen: list[Seen[Application]]) -> str:
        """How the application was found, in words."""
        if seen[0].value is not None:
            return "marker"
        return "client id in accounts.toml" if self.account.client_id else "client id in the ledger"

    def difference(self, app: Application) -> str:
        """Why an application may be somebody else's; empty when it is the account's own.

        One that accounts.toml names is taken as it is. One that this ledger knows may have been
        renamed elsewhere: by whoever means another name by it.
        """
        if app.display_name == self.account.application:
            return ""
        if app.app_id.lower() != self.known:
            return (
                f"it bears the marker {self.account.unique_name}, and this ledger does not know it"
            )
        if self.name_then not in ("", app.display_name):
            return f'it was called "{self.name_then}", and somebody has renamed it since'
        return ""


def lookup(context: Context) -> Lookup:
    """How to look for the account's application."""
    fact = context.ledger.latest(
        Scope(context.identity, REGISTER_APPLICATION), FactKind.APPLICATION
    )
    named = context.account.client_id
    is_same = fact is not None and named in (None, fact.subject)
    return Lookup(
        account=context.account,
        known=(named or (fact.subject if fact else "")).lower(),
        name_then=str(fact.data.get("name", "")) if fact is not None and is_same else "",
    )


def application_seen(app: Application) -> Observation:
    """What the ledger remembers of the application."""
    return Observation(
        FactKind.APPLICATION, app.app_id, {"object_id": app.id, "name": app.display_name}
    )


def remembered_principal(context: Context) -> str:
    """The object id of the account's own service principal, as last seen; empty when never."""
    fact = context.ledger.latest(
        Scope(context.identity, REGISTER_APPLICATION), FactKind.SERVICE_PRINCIPAL
    )
    return fact.subject if fact else ""


def remember(context: Context, kind: str, subject: str, data: dict[str, Any]) -> None:
    """Note an id that Microsoft Graph gave to something of this account."""
    context.ledger.record(
        Scope(context.identity, REGISTER_APPLICATION), kind, subject, "observed", data
    )


def require_application(how: Lookup, seen: list[Seen[Application]]) -> Application:
    """The account's application, for the steps after the one that registers it.

    Args:
        how: how it was looked for.
        seen: what its reads showed.

    Raises:
        FixInput: it is not there yet, or it may be somebody else's.
        AskAdministrator: it may not be looked at.
    """
    account, found = how.account, how.found(seen)
    if found.value is not None:
        require_own(how, found.value)
        return found.value
    require_seen(account, found)
    raise FixInput(
        "The application is not registered yet.",
        where=f'account "{account.name}"',
        next=f"run {ref_with_id(REGISTER_APPLICATION)} first",
        section="register_application",
    )


def require_seen(account: Account, *seen: Seen[Any]) -> None:
    """Refuse to go on where something may not be looked at: it is not absent.

    Args:
        account: whose application it is about.
        seen: what was looked for.

    Raises:
        AskAdministrator: one of them may not be looked at.
    """
    why = next((one.unknown for one in seen if one.unknown), "")
    if why:
        raise AskAdministrator(
            "The application may not be looked at.",
            where=f'account "{account.name}"',
            why=why,
            next="grant Application.Read.All, or run this step as somebody who may",
            who="an administrator of the tenant",
        )


def require_own(how: Lookup, app: Application) -> None:
    """Refuse to go on with an application that may be somebody else's.

    Raises:
        FixInput: names both.
    """
    if why := how.difference(app):
        raise FixInput(
            f'The application {app.app_id} is called "{app.display_name}", and this account\'s'
            f' "{how.account.application}": {why}. Nothing was written.',
            where=f'account "{how.account.name}", application',
            next=f"run {ref_with_id(REGISTER_APPLICATION)}: it asks whose it is",
            section="register_application",
        )


async def own_application(context: Context) -> Application:
    """The account's application, read now, in the account's tenant.

    Raises:
        FixInput: another tenant, none there yet, or it may be somebody else's.
        AskAdministrator: it may not be looked at.
    """
    how = lookup(context)
    tenant, *seen = await context.graph.look(organization(), *how.reads)
    check_tenant(context, await context.sign_in.graph(), tenant)
    return require_application(how, seen)


def _two_applications(account: Account, known: str, marked: Application, how: str) -> FixInput:
    return FixInput(
        f"Two applications claim this account: {known} is {how}, {marked.app_id}"
        f' ("{marked.display_name}") bears the marker {account.unique_name}.',
        where=f'account "{account.name}", client_id',
        next="keep one: write its client id into accounts.toml as client_id, and delete the"
        " application you do not want",
    )
