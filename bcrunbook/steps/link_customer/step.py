"""A customer's Business Central is linked, and App Link's installation is followed.

The program makes the company and the connection in Codat, once: the company is found again by its
tag, never by its name. The customer links; that takes a person at their side. What happens then is
watched, as `installation` beside this module tells. The link's address may work only once, so it
is never a part of what is found, planned or kept: `bcrunbook link` fetches it at the last moment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from bcrunbook import aadsts
from bcrunbook.core.hand_off import refused
from bcrunbook.core.step import Change, HandOff, HandOffButton, OnFollow, Row
from bcrunbook.errors import ReportBug, RunbookError
from bcrunbook.ledger.scope import Scope
from bcrunbook.notice.preflight import PREFLIGHT
from bcrunbook.order import ENABLE_INTEGRATION, LINK_CUSTOMER, ref
from bcrunbook.services.codat.client import BUSINESS_CENTRAL_PLATFORM
from bcrunbook.steps import codat_portal
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import Lane, StepDescription
from bcrunbook.steps.link_customer.codat_customer import (
    TAG,
    codat_name,
    codat_of,
    company_seen,
    customer_of,
    description_of,
    difference,
    find_company,
    find_connection,
    require_own,
    same_company,
    tag_of,
)
from bcrunbook.steps.link_customer.findings import CustomerFindings, advice_on
from bcrunbook.steps.link_customer.installation.log import WatchLog
from bcrunbook.steps.link_customer.installation.look import Poller
from bcrunbook.steps.link_customer.installation.memory import recall
from bcrunbook.steps.link_customer.installation.poll import LINKED, Poll
from bcrunbook.steps.link_customer.installation.verdict import Verdict, judge
from bcrunbook.steps.link_customer.installation.watch import Watch
from bcrunbook.steps.retired import retired
from bcrunbook.steps.standing import look_at_switches, reactivate

MAKE_COMPANY: Final = "company"
MAKE_CONNECTION: Final = "connection"
LINK: Final = "link"


class LinkCustomer:
    """Company and connection by the program, the link by the customer, the rest by waiting."""

    id: ClassVar[str] = LINK_CUSTOMER
    title: ClassVar[str] = "Link a customer"
    needs: ClassVar[tuple[str, ...]] = (ENABLE_INTEGRATION,)
    is_per_customer: ClassVar[bool] = True
    is_about_codat: ClassVar[bool] = True
    description: ClassVar[StepDescription] = StepDescription(
        # Ten of the customer's, and what Codat says of the installation (contract C11.7).
        usual="20 to 30 min",
        lane=Lane.CUSTOMER,
    )

    async def examine(self, context: Context) -> CustomerFindings:
        """Codat's company and connection, and one look at the installation. Writes nothing.

        Raises:
            FixInput: the customer is retired, and nobody is to be asked to link.
        """
        customer, codat, seen = customer_of(context), codat_of(context), context.overview
        over = retired(context.ledger, context.identity, customer.name)
        if over is not None:
            raise over.refusal
        integration = (
            seen.integration if seen else await codat.integration(BUSINESS_CENTRAL_PLATFORM)
        )
        company, twins = await find_company(codat, context.account, customer, seen)
        whose = await difference(context, codat, customer, company)
        connection = None
        if company is not None and not whose:
            connection = await find_connection(codat, company, seen)
        poll = judgement = memory = None
        remembered_as = ""
        watched: tuple[Poll, ...] = ()
        open_since = None
        if company is not None and connection is not None:
            poller = Poller(context, codat, company.id, connection.id)
            log = WatchLog(context, connection.id)
            poll = await poller.look(lambda: log.elapsed, connection)
            remembered_as = poller.remembered_as
            if remembered_as:
                memory = recall(context, remembered_as)
            judgement = judge([*log.polls, poll], memory)
            if judgement.verdict is Verdict.CONFIRMING and (carried := log.carried_on(poll)):
                judgement = judge(carried, memory)
            watched = tuple(log.polls or log.before)
            open_since = log.began
        findings = CustomerFindings(
            account=context.account,
            customer=customer,
            enabled=integration is not None and integration.enabled,
            company=company,
            twins=twins,
            connection=connection,
            poll=poll,
            judgement=judgement,
            memory=memory,
            remembered_as=remembered_as,
            watched=watched,
            open_since=open_since,
            whose=whose,
        )
        if findings.has_to_link and _may_look(context, findings):
            return findings.with_switches(await look_at_switches(context))
        return findings

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
        name, whole = codat_name(customer), description_of(customer)
        products = ", ".join(findings.account.codat_products)
        if findings.company is None:
            changes.append(
                Change(
                    MAKE_COMPANY,
                    f"make the company {name} in Codat",
                    (
                        Row("Name", "", name),
                        *([Row("Description", "", whole)] if whole else []),
                        *([Row("Products", "", products)] if products else []),
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
                    (Row("Platform", "", codat_portal.NAME, f"key: {BUSINESS_CENTRAL_PLATFORM}"),),
                    action="create",
                )
            )
        if findings.off is not None:
            # A link would end in a refusal. Who has to link again shows when it is on.
            changes.append(reactivate(findings.account, findings.off))
        elif findings.has_to_link:
            changes.append(_link_change(findings))
        return tuple(changes)

    async def apply(self, context: Context, findings: CustomerFindings, change: Change) -> bool:
        """Make the company or the connection, unless a look just before shows it."""
        customer, codat = customer_of(context), codat_of(context)
        company, _ = await find_company(codat, context.account, customer)
        await require_own(context, codat, customer, company)
        if change.key == MAKE_COMPANY:
            if company is None:
                company = await codat.create_company(
                    codat_name(customer),
                    tags={TAG: tag_of(context.account, customer)},
                    description=description_of(customer),
                    products=context.account.codat_products,
                )
                seen = company_seen(company, customer)
                context.ledger.record(
                    Scope(context.identity, self.id, customer.name),
                    seen.kind,
                    seen.subject,
                    "done",
                    seen.data,
                )
            return True
        if change.key != MAKE_CONNECTION:
            raise ReportBug(
                f'{ref(self.id).capitalize()} does not know the change "{change.key}".',
                where=self.id,
            )
        if company is None:
            return False
        if await find_connection(codat, company) is None:
            await codat.create_connection(company.id, BUSINESS_CENTRAL_PLATFORM)
        return True

    def hand_off(self, findings: CustomerFindings, change: Change, error: RunbookError) -> Change:
        """Nothing that Codat refuses here would go by hand: its plan, or the key, is in the way."""
        return refused(change, error)

    async def follow(
        self, context: Context, findings: CustomerFindings, on_progress: OnFollow
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
        remembered_as = watch.remembered_as or findings.remembered_as
        return replace(
            findings,
            poll=watch.polls[-1],
            judgement=judgement,
            memory=recall(context, remembered_as) if remembered_as else findings.memory,
            remembered_as=remembered_as,
            watched=tuple(watch.polls),
            open_since=None,
        )


def _may_look(context: Context, findings: CustomerFindings) -> bool:
    """Whether our application is looked at before somebody is sent a link.

    An application's sign-in asks nobody. A person's may, so it does only where a refusal says that
    the application is switched off.
    """
    error = findings.poll.active_error if findings.poll is not None else None
    says_so = error is not None and aadsts.is_switched_off(error.text)
    return context.sign_in.is_application or says_so


def _enable_first() -> Change:
    return Change(
        "enable",
        f"enable Business Central in the Codat Portal first ({ref(ENABLE_INTEGRATION)})",
        by="person",
        hand_off=HandOff(
            who="somebody with the role Developer or Administrator in the Codat Portal",
            actions=(f"Do {ref(ENABLE_INTEGRATION)}, then run this step again.",),
        ),
    )


def _link_change(findings: CustomerFindings) -> Change:
    account, customer = findings.account, findings.customer
    judgement = findings.judgement
    error = findings.poll.active_error if findings.poll else None
    last_time = f"Last time: {error.text} {advice_on(error.text)}".strip() if error else ""
    write = f"bcrunbook notice {account.name} {customer.name}"
    get = f"bcrunbook link {account.name} {customer.name}"
    is_linkable = findings.connection is not None
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
            found=last_time,
            needs=tuple(f"{one.title}. {one.detail}" for one in PREFLIGHT if one.when == "before"),
            actions=(
                f"Write to the customer what to have ready ({write}): read the draft, and send it.",
                f"Get the link ({get}) when the customer is ready, and send it. It may work only"
                " once, and for a day.",
                "The customer opens it on a computer, signs in to Microsoft, approves, chooses"
                " environment and company, and keeps the window open for 10 to 20 minutes.",
                "Run this step again: it follows the installation.",
            ),
            values=(("Contact", customer.contact),),
            looks_like="The window says that App Link was installed, and the connection reads"
            f" {LINKED}.",
            slips=tuple(f"{one.title}. {one.detail}" for one in PREFLIGHT if one.when != "before"),
            is_watched=is_linkable,
            has_customer_link=is_linkable,
            buttons=(
                HandOffButton(0, "write_notice", "Write the mail", instead=write),
                HandOffButton(1, "copy_link", "Copy the customer's link", instead=get),
            )
            if is_linkable
            else (),
            waiting=f"Waiting for {customer.display_name} to link Business Central"
            + (" again" if again else ""),
        ),
    )
