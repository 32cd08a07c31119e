"""Step 6: a customer's Business Central is linked, and App Link's installation is followed.

The program makes the company and the connection in Codat, once: the company is found again by its
tag, never by its name. The customer links; that takes a person at their side. What happens then is
watched, as `installation` beside this module tells. The link's address may work only once, so it
is never a part of what is found, planned or kept: `bcrunbook link` fetches it at the last moment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from bcrunbook import aadsts
from bcrunbook.accounts import Account, Customer
from bcrunbook.core.hand_off import refused
from bcrunbook.core.step import (
    Change,
    Comparison,
    Finding,
    Findings,
    HandOff,
    Observation,
    Row,
    Sighting,
)
from bcrunbook.errors import FixInput, ReportBug, RunbookError
from bcrunbook.notice.preflight import PREFLIGHT
from bcrunbook.services.codat.client import BUSINESS_CENTRAL_PLATFORM, Codat
from bcrunbook.services.codat.models import Company, Connection
from bcrunbook.steps.company import (
    TAG,
    codat_name,
    company_seen,
    difference,
    find_company,
    require_own,
    same_company,
    tag_of,
)
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.installation.log import ENDED, WatchLog
from bcrunbook.steps.link_customer.installation.look import Poller
from bcrunbook.steps.link_customer.installation.memory import (
    EXTENSION,
    LastKnownExtension,
    remembered,
)
from bcrunbook.steps.link_customer.installation.poll import LINKED, Poll
from bcrunbook.steps.link_customer.installation.verdict import (
    Judgement,
    Verdict,
    judge,
    timeline,
)
from bcrunbook.steps.link_customer.installation.watch import Watch

MAKE_COMPANY = "company"
MAKE_CONNECTION = "connection"
LINK = "link"

_ADVICE = {
    Verdict.NOT_LINKED: "Send the customer the link, and run this step again once they have begun.",
    Verdict.LINK_FAILED: "Clear the cause, then the customer opens the link again.",
    Verdict.RELINK: "The customer opens the link again; the connection stays the same.",
    Verdict.CUT: "Somebody unlinked it in Codat. The customer opens the link again.",
    Verdict.NOT_ALLOWED: "Whoever linked lacks permissions in Business Central: somebody with more"
    " links again, or an administrator there assigns them permission sets.",
    Verdict.INSTALLING: "Wait: 10 to 20 minutes are usual, and fetch errors belong to it.",
    Verdict.SUSPECT: "Wait: such reports have been wrong. Nothing is started a second time.",
    Verdict.HIDDEN: "Wait: an upgrade of the environment, or a busy service, passes by itself.",
    Verdict.CONFIRMING: "Wait for the next look.",
    Verdict.NOT_FINISHED: "The window was closed early: the customer opens the link again.",
    Verdict.OLDER: "The environment was restored or copied, or an older version was put in by"
    " hand: the customer links again, which installs the newest.",
    Verdict.UNINSTALLED: "The customer links again, which installs it.",
    Verdict.UNPUBLISHED: "The customer links again, which installs it.",
    Verdict.UNCONFIRMED: "Run this step again later. If it stays so, ask the customer what the"
    " window said, and look at the connection's timeline in the Codat Portal.",
}


@dataclass(frozen=True)
class CustomerFindings(Findings):
    """What step 6 saw.

    Args:
        account: the account.
        customer: the customer.
        enabled: whether the integration is enabled in Codat.
        company: Codat's company that bears the customer's tag.
        twins: how many more bear it.
        whose: why the company may be another customer's; empty when it is this one's.
        connection: its connection to Business Central; None without one.
        poll: the last look; None without a connection.
        judgement: what the looks of the current watch say together.
        memory: what is known of the extension from earlier runs.
        place: under what the extension is remembered; empty when it was not seen.
        watched: the polls of the watch under way, or of the last one.
        open_since: when the watch began that no verdict has ended yet; None without one.
    """

    account: Account
    customer: Customer
    enabled: bool
    company: Company | None
    twins: int
    connection: Connection | None
    poll: Poll | None
    judgement: Judgement | None
    memory: LastKnownExtension | None
    place: str
    watched: tuple[Poll, ...] = ()
    open_since: datetime | None = None
    whose: str = ""

    @property
    def timeline(self) -> tuple[Sighting, ...]:
        """The looks of the watch under way, or of the last one."""
        return timeline(self.watched, self.memory)

    @property
    def under_way(self) -> str:
        """What takes its time and is watched."""
        if self.judgement is None or self.whose:
            return ""
        if self.judgement.is_under_way or self.judgement.verdict is Verdict.UNCONFIRMED:
            return f"App Link: {self.judgement.verdict.value} ({self.judgement.because})"
        return ""

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The extension, where it was seen installed; the end of a watch that this look settles.

        A run that was killed between two looks leaves a watch open, which the next one's first look
        may settle.
        """
        if self.whose:
            return ()
        found = []
        if self.company is not None:
            found.append(company_seen(self.company, self.customer))
        if self.poll is not None and self.poll.installed is not None and self.place:
            known = remembered(self.memory, self.poll.installed, self.poll.at)
            found.append(Observation(EXTENSION, self.place, known.as_dict()))
        if self.open_since is not None and not self.under_way:
            assert self.judgement is not None and self.connection is not None
            data = {
                "verdict": self.judgement.verdict.value,
                "because": self.judgement.because,
                "began": self.open_since.isoformat(),
            }
            found.append(Observation(ENDED, self.connection.id, data))
        return tuple(found)

    def rows(self) -> tuple[Finding, ...]:
        """Integration, company, connection with its errors, extension, data, verdict."""
        return (
            _integration_row(self.enabled),
            self._company_row(),
            *self._connection_rows(),
            *self._extension_rows(),
        )

    def _company_row(self) -> Finding:
        source = f"Codat API, companies tagged {TAG}"
        wanted = "one company"
        if self.company is None:
            return Finding(
                "Company in Codat", wanted, "none", source, Comparison.DIFFERS, self.whose
            )
        if self.whose:
            wanted = codat_name(self.customer.display_name)
            actual = self.company.name
            return Finding(
                "Company in Codat", wanted, actual, source, Comparison.DIFFERS, self.whose
            )
        if self.twins:
            advice = "Somebody tagged several. The oldest is used; remove the tag from the others."
            actual = f"{self.company.name}, and {self.twins} more with the same tag"
            return Finding("Company in Codat", wanted, actual, source, Comparison.NOTE, advice)
        return Finding("Company in Codat", wanted, self.company.name, source, Comparison.OK)

    def _connection_rows(self) -> tuple[Finding, ...]:
        source = "Codat API, connections"
        if self.connection is None or self.poll is None:
            return (Finding("Connection", LINKED, "none", source, Comparison.DIFFERS),)
        status = self.poll.connection
        verdict = Comparison.OK if status == LINKED else Comparison.DIFFERS
        rows = [Finding("Connection", LINKED, status, source, verdict)]
        rows += [
            Finding(
                "Error of the connection",
                "",
                one.text,
                "Codat API, dataConnectionErrors, verbatim",
                Comparison.NOTE,
                advice_on(one.text),
            )
            for one in self.poll.errors
            if one.is_active
        ]
        return tuple(rows)

    def _extension_rows(self) -> tuple[Finding, ...]:
        poll, judgement = self.poll, self.judgement
        if poll is None or judgement is None:
            return ()
        row = poll.installed
        where = poll.environment.partition(":")[0] or "Business Central"
        if poll.packages is None:
            reason = poll.unknown.get("extension", "") or "it may not be read"
            extension = Finding(
                "App Link", "installed", "unknown", reason, Comparison.UNKNOWN, _READING
            )
        else:
            extension = Finding(
                "App Link",
                "installed",
                f"installed, version {row.version_text}" if row else "not installed",
                f"Business Central, extensions of {where}",
                Comparison.OK if row else Comparison.DIFFERS,
            )
        data = Finding(
            "Sync of the company",
            "Complete",
            poll.data or "none yet",
            "Codat API, dataStatus",
            Comparison.OK if poll.data == "Complete" else Comparison.NOTE,
        )
        verdict = Comparison.OK if judgement.is_good else Comparison.DIFFERS
        if self.under_way:
            verdict = Comparison.NOTE
        told = Finding(
            "Verdict",
            Verdict.INSTALLED.value,
            f"{judgement.verdict.value}: {judgement.because}",
            "all of the above",
            verdict,
            _ADVICE.get(judgement.verdict, ""),
        )
        return (extension, data, told)


_READING = (
    "Not needed: Codat's own sync tells as well. It can be read where the customer's tenant allows"
    " this account's sign-in to."
)


class LinkCustomer:
    """Step 6."""

    id: ClassVar[str] = "link_customer"
    title: ClassVar[str] = "Link a customer"
    needs: ClassVar[tuple[str, ...]] = ("enable_integration",)
    is_per_customer: ClassVar[bool] = True
    is_about_codat: ClassVar[bool] = True

    async def examine(self, context: Context) -> CustomerFindings:
        """Codat's company and connection, and one look at the installation. Writes nothing."""
        customer, codat = _customer(context), codat_of(context)
        integration = await codat.integration(BUSINESS_CENTRAL_PLATFORM)
        company, twins = await find_company(codat, context.account, customer)
        whose = await difference(context, codat, customer, company)
        connection = await find_connection(codat, company) if company and not whose else None
        poll = judgement = memory = None
        place = ""
        watched: tuple[Poll, ...] = ()
        open_since = None
        if company is not None and connection is not None:
            looker = Poller(context, codat, company.id, connection.id)
            log = WatchLog(context, connection.id)
            poll = await looker.look(lambda: log.elapsed, connection)
            if looker.place is not None and looker.place.environment:
                place = looker.place.name
                memory = recall(context, place)
            judgement = judge([*log.polls, poll], memory)
            if judgement.verdict is Verdict.CONFIRMING and (carried := log.carried_on(poll)):
                judgement = judge(carried, memory)
            watched = tuple(log.polls or log.before)
            open_since = log.began
        return CustomerFindings(
            account=context.account,
            customer=customer,
            enabled=integration is not None and integration.enabled,
            company=company,
            twins=twins,
            connection=connection,
            poll=poll,
            judgement=judgement,
            memory=memory,
            place=place,
            watched=watched,
            open_since=open_since,
            whose=whose,
        )

    def plan(self, findings: CustomerFindings) -> tuple[Change, ...]:
        """The company, the connection, and the customer's part."""
        if not findings.enabled:
            return (_enable_first(),)
        if findings.whose:
            return (
                same_company(findings.account, findings.customer, findings.company, findings.whose),
            )
        changes: list[Change] = []
        customer = findings.customer
        name = codat_name(customer.display_name)
        if findings.company is None:
            changes.append(
                Change(
                    MAKE_COMPANY,
                    f"make the company {name} in Codat",
                    (
                        Row("Name", "", name),
                        Row(f"Tag {TAG}", "", tag_of(findings.account, customer)),
                    ),
                    action="create",
                )
            )
        if findings.connection is None:
            changes.append(
                Change(
                    MAKE_CONNECTION,
                    f"make {name}'s connection to Business Central",
                    (Row("Platform", "", BUSINESS_CENTRAL_PLATFORM),),
                    action="create",
                )
            )
        judgement = findings.judgement
        if judgement is None or not (judgement.is_good or findings.under_way):
            changes.append(_link_change(findings))
        return tuple(changes)

    async def apply(self, context: Context, findings: CustomerFindings, change: Change) -> bool:
        """Make the company or the connection, unless a look just before shows it."""
        customer, codat = _customer(context), codat_of(context)
        company, _ = await find_company(codat, context.account, customer)
        await require_own(context, codat, customer, company)
        if change.key == MAKE_COMPANY:
            if company is None:
                company = await codat.create_company(
                    codat_name(customer.display_name),
                    tags={TAG: tag_of(context.account, customer)},
                )
                seen = company_seen(company, customer)
                context.ledger.record(
                    context.identity,
                    self.id,
                    seen.kind,
                    seen.subject,
                    "done",
                    seen.data,
                    customer=customer.name,
                )
            return True
        if change.key != MAKE_CONNECTION:
            raise ReportBug(f'Step 6 does not know the change "{change.key}".', where=self.id)
        if company is None:
            return False
        if await find_connection(codat, company) is None:
            await codat.create_connection(company.id, BUSINESS_CENTRAL_PLATFORM)
        return True

    def hand_off(self, findings: CustomerFindings, change: Change, error: RunbookError) -> Change:
        """Nothing that Codat refuses here would go by hand: its plan, or the key, is in the way."""
        return refused(change, error)

    async def follow(
        self, context: Context, findings: CustomerFindings, on_progress: Callable[[str], None]
    ) -> CustomerFindings:
        """Watch the installation until it is settled or time is up."""
        assert findings.company is not None and findings.connection is not None
        assert findings.poll is not None
        watch = Watch(
            context,
            codat_of(context),
            findings.company.id,
            findings.connection.id,
            findings.memory,
            findings.poll,
            on_progress,
        )
        judgement = await watch.run()
        place = watch.place or findings.place
        return replace(
            findings,
            poll=watch.polls[-1],
            judgement=judgement,
            memory=recall(context, place) if place else findings.memory,
            place=place,
            watched=tuple(watch.polls),
            open_since=None,
        )


def advice_on(text: str) -> str:
    """What to do about an error of a connection.

    What the table of Entra's codes knows of a link is said (contract C12.4, C12.5 and
    C12.6); where our own pair of keys is at fault, it is step 4 that mends it.
    """
    advice = aadsts.linking_advice_in(text)
    if advice is not None:
        return (
            f"{advice.meaning[0].upper()}{advice.meaning[1:]}. Next, {advice.who}: {advice.next}."
        )
    if "EXTEN. MGT" in text.upper():
        return (
            "Whoever links needs a licence (Essentials or Premium) and the permission set EXTEN."
            " MGT. - ADMIN; an administrator of their Business Central assigns it."
        )
    return ""


def codat_of(context: Context) -> Codat:
    """The account's client of Codat.

    Raises:
        FixInput: the account has no API key.
    """
    if context.codat is None:
        raise FixInput(
            "This account has no Codat API key, and a customer cannot be linked without one.",
            where=f'account "{context.account.name}", codat_api_key',
            next="make a key in the Codat Portal (Developers, API keys), keep it as a secret, and"
            " name the reference in accounts.toml",
        )
    return context.codat


async def fetch_link(context: Context) -> str:
    """The customer's link as Codat has it now.

    It may work only once and for a day (contract C8.13): it is fetched when it is
    needed, shown or sent, and never kept.

    Raises:
        FixInput: step 6 has not made the connection yet, or the company may be another customer's.
    """
    customer, codat = _customer(context), codat_of(context)
    company, _ = await find_company(codat, context.account, customer)
    await require_own(context, codat, customer, company)
    connection = await find_connection(codat, company) if company else None
    if connection is None:
        raise FixInput(
            f"{customer.display_name} has no connection in Codat yet.",
            where=f'account "{context.account.name}", customer "{customer.name}"',
            next=f"bcrunbook run {context.account.name} --customer {customer.name}"
            + (" --mode apply" if context.cloud.is_live else ""),
        )
    return connection.link_url


async def find_connection(codat: Codat, company: Company) -> Connection | None:
    """The company's connection to Business Central: a Linked one first, else the newest."""
    found = [
        one
        for one in await codat.connections(company.id)
        if one.integration_key == BUSINESS_CENTRAL_PLATFORM
    ]
    return max(found, key=lambda one: (one.status == LINKED, one.created), default=None)


def recall(context: Context, place: str) -> LastKnownExtension | None:
    """What is known of the extension in an environment."""
    fact = context.ledger.latest(
        context.identity,
        LinkCustomer.id,
        EXTENSION,
        subject=place,
        customer=context.customer_name,
    )
    return LastKnownExtension.from_dict(fact.data) if fact is not None else None


def _customer(context: Context) -> Customer:
    if context.customer is None:
        raise FixInput(
            "Step 6 is about a customer, and none was named.",
            where="parameter customer",
            next=f"give one of the account's customers: bcrunbook run {context.account.name}"
            " link_customer --customer NAME",
        )
    return context.customer


def _integration_row(enabled: bool) -> Finding:
    return Finding(
        "Business Central enabled",
        "enabled",
        "enabled" if enabled else "not enabled",
        "Codat API, integrations",
        Comparison.OK if enabled else Comparison.DIFFERS,
        "" if enabled else "Without it no customer can choose Business Central: that is step 5.",
    )


def _enable_first() -> Change:
    return Change(
        "enable",
        "enable Business Central in the Codat Portal first (step 5)",
        by="person",
        hand_off=HandOff(
            who="somebody with the role Developer or Administrator in the Codat Portal",
            actions=("Do step 5, then run this step again.",),
        ),
    )


def _link_change(findings: CustomerFindings) -> Change:
    account, customer = findings.account, findings.customer
    judgement = findings.judgement
    error = findings.poll.active_error if findings.poll else None
    told = (
        (f"Last time: {error.text} {advice_on(error.text)}".strip(),) if error is not None else ()
    )
    again = judgement is not None and judgement.verdict is not Verdict.NOT_LINKED
    title = f"{customer.display_name} links Business Central" + (" again" if again else "")
    return Change(
        LINK,
        title,
        (Row("Connection", judgement.verdict.value if judgement else "none", "linked"),),
        by="person",
        subject=findings.connection.id if findings.connection else "",
        hand_off=HandOff(
            who=f"{customer.display_name}: somebody with a Business Central licence and the"
            " permission set EXTEN. MGT. - ADMIN, and an Entra administrator of theirs at hand",
            actions=(
                *told,
                f"Get the link: bcrunbook link {account.name} {customer.name}. It may work only"
                " once and for a day, so fetch it when the customer is ready.",
                "The customer opens it on a computer, signs in to Microsoft, approves, chooses"
                " environment and company, and keeps the window open for 10 to 20 minutes.",
                "Run this step again: it follows the installation.",
            ),
            values=(("Contact", customer.contact),),
            looks_like="The window says that App Link was installed, and the connection reads"
            f" {LINKED}.",
            slips=tuple(f"{one.title}. {one.detail}" for one in PREFLIGHT),
            is_watched=findings.connection is not None,
            has_customer_link=findings.connection is not None,
        ),
    )
