"""A customer is retired: Codat reads nothing of theirs any more, and they are told what is left.

The connection is cut where it is linked, and removed where nobody has linked it yet, so that an old
link cannot link it afterwards. The company and what was read through it stay in Codat, unless
somebody asks for the company to be deleted, which nothing takes back.

Only a company that this ledger has made is touched; another one is when it is named by its id.
What is left in the customer's own tenant, App Link and our application, only they can remove.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from bcrunbook.accounts import Account, Customer
from bcrunbook.core.confirmations import as_confirmed
from bcrunbook.core.hand_off import refused
from bcrunbook.core.step import (
    AccountStep,
    Change,
    Comparison,
    Finding,
    Findings,
    HandOff,
    HandOffButton,
    Observation,
    Row,
)
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Fact, Ledger
from bcrunbook.order import LINK_CUSTOMER, RETIRE_CUSTOMER, START_HERE
from bcrunbook.services.codat.errors import ACCOUNT_MANAGER
from bcrunbook.services.codat.models import Company, Connection
from bcrunbook.steps.application import remembered_client_id
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import Lane, StepDescription
from bcrunbook.steps.link_customer.codat_customer import (
    READING,
    TAG,
    business_central_of,
    codat_of,
    customer_of,
    difference,
    tag_of,
)
from bcrunbook.steps.link_customer.installation.poll import LINKED, PENDING
from bcrunbook.steps.link_customer.step import MAKE_COMPANY
from bcrunbook.steps.retire_request import RetireRequest
from bcrunbook.steps.retired import note_begun, retirement_seen, said_since

UNLINK: Final = "unlink"
REMOVE_CONNECTION: Final = "remove_connection"
DELETE_COMPANY: Final = "delete_company"
TELL: Final = "app_link"
"""The keys of what is done: cut, removed, deleted, and told to the customer."""


@dataclass(frozen=True)
class RetiringCompany:
    """A company in Codat that bears the customer's tag.

    Args:
        company: the company.
        connections: its connections to Business Central.
        others: its connections to anything else, which the program has not made.
        is_ours: whether this ledger has made it, or somebody names it.
    """

    company: Company
    connections: tuple[Connection, ...]
    others: tuple[Connection, ...]
    is_ours: bool

    @property
    def open(self) -> tuple[Connection, ...]:
        """The connections through which Codat reads, or may come to read."""
        return tuple(one for one in self.connections if one.status in READING)


@dataclass(frozen=True)
class RetireCustomerFindings(Findings):
    """What the step saw.

    Args:
        account: the account.
        customer: the customer.
        asked: what somebody asks for besides.
        companies: the companies that bear the customer's tag.
        whose: why they may be another customer's; empty when they are this one's.
        client_id: our application, as the customer's administrators see it.
        was_linked: whether the customer has ever linked, as far as this ledger or Codat knows.
        told: what somebody said last about what is left at the customer's; None when nobody has.
        seen: what is noted once nothing reads any more.
    """

    account: Account
    customer: Customer
    asked: RetireRequest
    companies: tuple[RetiringCompany, ...]
    whose: str
    client_id: str
    was_linked: bool
    told: Fact | None
    seen: Observation

    @property
    def is_over(self) -> bool:
        """Whether nothing is left for the program."""
        return not self.whose and not any(
            one.open or (one.is_ours and self.asked.deletes_company) for one in self.companies
        )

    @property
    def observations(self) -> tuple[Observation, ...]:
        """That the customer is retired, as soon as nothing reads any more."""
        return (self.seen,) if self.is_over else ()

    def rows(self) -> tuple[Finding, ...]:
        """The companies and their connections, and what becomes of data, bill and App Link."""
        source = f"Codat API, companies tagged {TAG}"
        if not self.companies:
            none = Finding("Company in Codat", "", "none", source, Comparison.NOTE, self.whose)
            return (none, self._told_row())
        return (
            *(row for one in self.companies for row in self._company_rows(one, source)),
            self._data_row(),
            Finding(
                "Bill",
                "",
                "not known",
                "no public page of Codat's",
                Comparison.NOTE,
                f"Whether a company that reads nothing costs anything, {ACCOUNT_MANAGER} tells."
                " Companies of a test instance are not billed.",
            ),
            self._told_row(),
        )

    def _company_rows(self, one: RetiringCompany, source: str) -> Iterable[Finding]:
        goes = self.asked.deletes_company
        yield Finding(
            "Company in Codat",
            "deleted" if goes else "",
            f"{one.company.name} ({one.company.id})"
            + ("" if one.is_ours else ": this ledger has not made it"),
            source,
            Comparison.DIFFERS if self.whose or goes or not one.is_ours else Comparison.NOTE,
            self.whose,
            is_yet_to_come=goes and not self.whose and one.is_ours,
        )
        for connection in one.connections:
            is_open = connection.status in READING
            yield Finding(
                "Connection",
                "cut" if is_open else "",
                connection.status,
                "Codat API, connections",
                Comparison.DIFFERS if is_open else Comparison.OK,
                is_yet_to_come=is_open,
            )

    def _data_row(self) -> Finding:
        source = "Codat documentation, on connections and companies"
        if self.asked.deletes_company:
            return Finding(
                "Data that were read",
                "deleted with the company",
                "in Codat",
                source,
                Comparison.NOTE,
                "Nothing takes that back. Copy before what you have to keep.",
            )
        return Finding(
            "Data that were read",
            "",
            "stay readable in Codat",
            source,
            Comparison.NOTE,
            f"They go with the company: bcrunbook retire {self.account.name} --customer"
            f" {self.customer.name} --delete-company. How long Codat keeps them otherwise, its"
            " support tells.",
        )

    def _told_row(self) -> Finding:
        if self.told is not None:
            actual, verdict = as_confirmed("told", self.told), Comparison.OK
        elif self.was_linked:
            actual, verdict = "not told yet", Comparison.DIFFERS
        else:
            actual, verdict = "never linked: nothing is left there", Comparison.OK
        return Finding(
            "What is left at the customer's",
            "told to them" if self.was_linked else "",
            actual,
            "said by a person",
            verdict,
            is_yet_to_come=self.was_linked and self.told is None,
        )


class RetireCustomer(AccountStep):
    """Cuts the customer's connection, deletes the company if asked, and has the customer told."""

    id: ClassVar[str] = RETIRE_CUSTOMER
    title: ClassVar[str] = "Retire a customer"
    needs: ClassVar[tuple[str, ...]] = (START_HERE,)
    is_per_customer: ClassVar[bool] = True
    is_about_codat: ClassVar[bool] = True
    description: ClassVar[StepDescription] = StepDescription(usual="1 min", lane=Lane.CUSTOMER)

    async def examine(self, context: Context) -> RetireCustomerFindings:
        """The companies that bear the customer's tag, and what this ledger knows of them."""
        customer, codat, ledger = customer_of(context), codat_of(context), context.ledger
        found = await codat.companies({TAG: tag_of(context.account, customer)})
        linking = Scope(context.identity, LINK_CUSTOMER, customer.name)
        mine = Scope(context.identity, self.id, customer.name)
        made = _made_here(ledger, linking)
        # Where the answer was lost the ledger has no id; then the one that is there is it.
        is_noted = ledger.latest(linking, FactKind.APPLIED, MAKE_COMPANY) is not None
        companies = []
        for one in found:
            connections = await codat.connections(one.id)
            ours = await business_central_of(codat, connections)
            is_made = one.id in made or (is_noted and not made and len(found) == 1)
            companies.append(
                RetiringCompany(
                    one,
                    ours,
                    tuple(other for other in connections if other not in ours),
                    is_made or context.retire.names(one.id),
                )
            )
        named = [await difference(context, codat, customer, one) for one in found or (None,)]
        statuses = {other.status for one in companies for other in one.connections}
        return RetireCustomerFindings(
            account=context.account,
            customer=customer,
            asked=context.retire,
            companies=tuple(companies),
            whose=next(filter(None, named), ""),
            client_id=remembered_client_id(context),
            was_linked=bool(statuses - {PENDING})
            or ledger.latest(linking, FactKind.EXTENSION) is not None,
            told=said_since(ledger, mine, TELL),
            seen=retirement_seen(ledger, mine, found[0].id if found else ""),
        )

    def plan(self, findings: RetireCustomerFindings) -> tuple[Change, ...]:
        """Cut or remove the connections, delete the company if asked, then tell the customer."""
        if findings.whose:
            return (_say_which(findings),)
        changes: list[Change] = []
        for one in findings.companies:
            if not one.is_ours:
                changes += [_not_ours(findings, one)] if one.open else []
                continue
            if findings.asked.deletes_company:
                changes.append(_deletion(findings, one))
                continue
            changes += [_end_of(connection) for connection in one.open]
        if findings.was_linked and findings.told is None:
            changes.append(_tell(findings))
        return tuple(changes)

    async def apply(
        self, context: Context, findings: RetireCustomerFindings, change: Change
    ) -> bool:
        """Cut or remove a connection, or delete a company; what is about to end is noted first."""
        customer, codat = customer_of(context), codat_of(context)
        for one in findings.companies:
            ids = (one.company.id, *(other.id for other in one.connections))
            if change.subject not in ids:
                continue
            note_begun(context.ledger, Scope(context.identity, self.id, customer.name))
            if change.key == UNLINK:
                await codat.unlink(one.company.id, change.subject)
            elif change.key == REMOVE_CONNECTION:
                await codat.delete_connection(one.company.id, change.subject)
            else:
                await codat.delete_company(one.company.id)
        return True

    def hand_off(
        self, findings: RetireCustomerFindings, change: Change, error: RunbookError
    ) -> Change:
        """What Codat refuses would not go by hand either: the key, or the plan, is in the way."""
        return refused(change, error)


def _made_here(ledger: Ledger, linking: Scope) -> frozenset[str]:
    """The ids of the companies that this ledger has made for a customer."""
    facts = ledger.facts(linking, FactKind.COMPANY, basis="done")
    return frozenset(fact.subject for fact in facts)


def _end_of(connection: Connection) -> Change:
    """What becomes of a connection: only one that is Linked can be cut (contract C8.7)."""
    if connection.status == LINKED:
        return Change(
            UNLINK,
            "cut the connection to Business Central: Codat reads nothing any more",
            (Row("Connection", LINKED, "Unlinked"),),
            subject=connection.id,
            action="update",
        )
    return Change(
        REMOVE_CONNECTION,
        "remove the connection that nobody has linked: its link leads nowhere then",
        (Row("Connection", connection.status, ""),),
        subject=connection.id,
        action="delete",
    )


def _deletion(findings: RetireCustomerFindings, one: RetiringCompany) -> Change:
    """Delete a company with all that was read (contract C7.11), unless others link to it too."""
    company = one.company
    change = Change(
        DELETE_COMPANY,
        f"delete the company {company.name} in Codat, with all that was read of it, for good",
        (
            Row("Company", company.name, ""),
            Row("Connections", str(len(one.connections)), ""),
            Row("Data that were read", "in Codat", "deleted for good"),
        ),
        subject=company.id,
        action="delete",
    )
    others = [other for other in one.others if not findings.asked.names(other.id)]
    if not others:
        return change
    listed = ", ".join(f"{other.platform_name} ({other.id})" for other in others)
    ids = " --id ".join(other.id for other in others)
    account, customer = findings.account.name, findings.customer.name
    return replace(
        change,
        title=f"say whether {company.name} may be deleted: others have connected it too",
        by="person",
        hand_off=HandOff(
            who="whoever connected it",
            found=f"The company has connections that this program has not made: {listed}. They and"
            " what was read through them would go as well.",
            actions=(
                "Ask whoever uses them. If the company is to stay, only the connection to Business"
                f" Central is cut: bcrunbook retire {account} --customer {customer} --mode apply",
                f"If all of it may go: bcrunbook retire {account} --customer {customer}"
                f" --delete-company --id {ids} --mode apply",
            ),
        ),
    )


def _not_ours(findings: RetireCustomerFindings, one: RetiringCompany) -> Change:
    """A company with the customer's tag that this ledger has not made."""
    account, customer = findings.account.name, findings.customer.name
    return Change(
        "whose_company",
        f"say whether the company {one.company.name} may be cut off: this ledger has not made it",
        by="person",
        subject=one.company.id,
        action="update",
        hand_off=HandOff(
            who="whoever made it: a colleague with a ledger of their own, or somebody in the"
            " Codat Portal",
            actions=(
                "Find out who made it, and whether they still need it.",
                f"If it may go: bcrunbook retire {account} --customer {customer} --id"
                f" {one.company.id} --mode apply",
            ),
            values=(("Company in Codat", one.company.id),),
        ),
    )


def _say_which(findings: RetireCustomerFindings) -> Change:
    """The company may be another customer's: nobody's is cut off by a list that was mixed up."""
    account, customer = findings.account.name, findings.customer.name
    asks = f"bcrunbook run {account} {LINK_CUSTOMER} --customer {customer}"
    return Change(
        "which_company",
        f"say which company in Codat is {findings.customer.display_name}",
        by="person",
        hand_off=HandOff(
            who="whoever keeps the customers' file",
            found=findings.whose,
            actions=(
                f"Give the command {asks}: its card tells how to say so.",
                "Then run this step again.",
            ),
        ),
    )


def _tell(findings: RetireCustomerFindings) -> Change:
    """What is left at the customer's, for them: nobody else may remove it (contract B10.3)."""
    account, customer = findings.account, findings.customer
    say_so = (
        f"bcrunbook confirm {account.name} {RETIRE_CUSTOMER} --customer {customer.name}"
        " --by YOUR-NAME"
    )
    kept = (
        "What Codat had read of them is deleted."
        if findings.asked.deletes_company
        else "What Codat has read of them until today stays there."
    )
    application = f"{account.application} ({findings.client_id or 'its client id is not known'})"
    return Change(
        TELL,
        f"tell {customer.display_name} how to remove what is left in their Business Central",
        (Row("App Link", "installed", "removed, by them"),),
        by="person",
        subject=customer.name,
        hand_off=HandOff(
            who="whoever is in touch with the customer",
            actions=(
                "Write to the customer: Business Central is not read any more. They may remove two"
                f" things, which only they can. {kept}",
                "In Business Central, the page Extension Management: App Link by Codat, Uninstall."
                " It takes the permission set EXTEN. MGT. - ADMIN. It offers to"
                " delete the extension's own data too.",
                "In Microsoft Entra, Enterprise applications: an administrator of theirs deletes"
                f" {application}. Their consent ends with it.",
                f"Say that it is told ({say_so}).",
            ),
            values=(("Contact", customer.contact),),
            confirmation=f"{customer.display_name} was told how to remove App Link",
            buttons=(HandOffButton(3, "confirm", instead=say_so),),
        ),
    )
