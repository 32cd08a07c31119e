"""A customer in Codat: the company, found by its tag and told from another's, and its link.

The tag says under which key of the customers' file the company was made. Whose key that is now, the
file may have changed: a list that was sorted anew gives every key to somebody else. So the
company's name is compared with the customer's, and where they differ a person is asked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from bcrunbook.accounts import Account, Customer
from bcrunbook.core.confirmations import latest_confirmation
from bcrunbook.core.step import Change, HandOff, HandOffButton, Observation, Row
from bcrunbook.errors import FixInput
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Ledger
from bcrunbook.order import LINK_CUSTOMER, ref
from bcrunbook.services.codat.client import BUSINESS_CENTRAL_PLATFORM, Codat
from bcrunbook.services.codat.models import Company, Connection, Integration
from bcrunbook.services.codat.overview import Overview, overview_of
from bcrunbook.steps.codat_portal import NAME
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.installation.poll import LINKED, PENDING, UNLINKED
from bcrunbook.steps.retired import retired

TAG: Final = "bcrunbook-customer"
READING: Final = (LINKED, PENDING)
"""How a connection stands through which Codat reads, or may come to read."""
SAME_COMPANY: Final = "same_company"

_COMPANY: Final = "Company in Codat"
_CUSTOMER: Final = "Customer"
_DROPPED: Final = re.compile(r"[^A-Za-z0-9\s\-'&@.,?!]")
# What Unicode does not take apart into an ASCII letter and its marks.
_SPELT: Final = str.maketrans(
    {
        **{"ß": "ss", "ẞ": "SS", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Þ": "Th", "þ": "th"},
        **{"Ø": "O", "ø": "o", "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "Ð": "D", "ð": "d"},
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        **dict.fromkeys("\N{EN DASH}\N{EM DASH}\N{NON-BREAKING HYPHEN}", "-"),
        **dict.fromkeys("\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}", "'"),
    }
)


def tag_of(account: Account, customer: Customer) -> str:
    """The tag's value by which a customer's company is found again."""
    return f"{tags_of(account)}{customer.name}"


def tags_of(account: Account) -> str:
    """What the tag's values of all the account's customers begin with."""
    return f"{account.name}."


def codat_name(customer: Customer) -> str:
    """A customer's name as Codat will have it (contract C7.5 and C7.6).

    Codat keeps ASCII letters only and drops all else silently. So a letter with a mark is sent
    without it, and a customer of whose name too little would be left goes by the key.
    """
    name = customer.display_name
    sent = _kept(_in_ascii(name))
    return sent if 2 * _letters(sent) >= max(_letters(name), 1) else customer.name


def _in_ascii(name: str) -> str:
    return unicodedata.normalize("NFKD", name.translate(_SPELT))


def _kept(name: str) -> str:
    """What Codat itself keeps of a name."""
    return " ".join(_DROPPED.sub("", name).split())


def _letters(name: str) -> int:
    return sum(one.isalnum() for one in name)


def description_of(customer: Customer) -> str:
    """The customer's whole name, for a company whose name cannot hold it; else empty."""
    return "" if codat_name(customer) == customer.display_name else customer.display_name


async def overview_of_customers(codat: Codat, account: Account) -> Overview:
    """What one look shows of all the account's customers.

    Raises:
        RunbookError: Codat cannot be asked.
    """
    return await overview_of(codat, BUSINESS_CENTRAL_PLATFORM, TAG, tags_of(account))


async def find_company(
    codat: Codat, account: Account, customer: Customer, overview: Overview | None = None
) -> tuple[Company | None, int]:
    """The oldest company that bears the customer's tag, and how many more do.

    What an overview leaves out may be new to it: then Codat is asked for this one.
    """
    tag = tag_of(account, customer)
    listed = overview.companies.get(tag, ()) if overview is not None else ()
    found = listed or await codat.companies({TAG: tag})
    ordered = sorted(found, key=lambda one: one.created or datetime.max.replace(tzinfo=UTC))
    return (ordered[0], len(ordered) - 1) if ordered else (None, 0)


def company_seen(company: Company, customer: Customer) -> Observation:
    """What the ledger remembers of a customer's company, and of who the customer was."""
    data = {"name": company.name, "customer": customer.display_name}
    return Observation(FactKind.COMPANY, company.id, data)


async def difference(
    context: Context, codat: Codat, customer: Customer, company: Company | None
) -> str:
    """Why the company with a customer's tag may be another's; empty when it is this one's.

    The tag says under which key it was made. Whose key that is now, a file may have changed: a
    list that was sorted anew gives every key to somebody else.
    """
    ledger = context.ledger
    if company is None:
        return await _made_before(context, codat, customer)
    # Somebody may have made it with the name as people write it, of which Codat kept a part.
    if any(
        _same(company.name, name) for name in (codat_name(customer), _kept(customer.display_name))
    ):
        return ""
    confirmation = latest_confirmation(
        ledger, Scope(context.identity, LINK_CUSTOMER, customer.name), SAME_COMPANY
    )
    if confirmation is not None and confirmation.subject == company.id:
        values = confirmation.data["values"]
        if (values.get(_CUSTOMER), values.get(_COMPANY)) == (customer.display_name, company.name):
            return ""
    return (
        f'The company that bears the tag of {customer.name} is called "{company.name}", and'
        f" {customer.name} is {customer.display_name}. Are they the same?"
    )


def renamed(ledger: Ledger, account: Account) -> list[str]:
    """Customers whose key was another customer's when the company was made, a sentence each."""
    known = ledger.facts(Scope(account.identity, LINK_CUSTOMER), FactKind.COMPANY)
    then = {
        str(fact.customer): str(fact.data["customer"])
        for fact in known
        if fact.instance == account.identity.instance
    }
    return [
        f"Is this intended? {account.name}/{name} was {then[name]} when the company in Codat was"
        f" made, and is {customer.display_name} in the file."
        for name, customer in account.customers.items()
        if name in then and then[name] != customer.display_name
    ]


async def _made_before(context: Context, codat: Codat, customer: Customer) -> str:
    """Whether a company of this customer's name was made for a key that is gone from the file."""
    account, identity = context.account, context.identity
    for fact in context.ledger.elsewhere(
        LINK_CUSTOMER, FactKind.COMPANY, cloud=identity.cloud, customer=customer.display_name
    ):
        if fact.instance != identity.instance:
            continue
        is_mine = (fact.account, fact.customer) == (account.name, customer.name)
        is_kept = is_mine or context.workspace.has(fact.account, fact.customer or "")
        # Somebody may have deleted it since, as the advice says.
        if not is_kept and await codat.company(fact.subject) is not None:
            return (
                f"{customer.display_name} has a company in this instance already, made as"
                f" {fact.account}/{fact.customer} ({fact.subject}). A second one is not made: give"
                f" the customer its key back, or delete that company in the Codat Portal."
            )
    return ""


async def require_own(
    context: Context, codat: Codat, customer: Customer, company: Company | None
) -> None:
    """Refuse to go on with a company that may be another customer's.

    Raises:
        FixInput: names both.
    """
    if why := await difference(context, codat, customer, company):
        raise FixInput(
            f"{why} Nothing was written, and no link is given out.",
            where=f'account "{context.account.name}", customer "{customer.name}"',
            next=f"bcrunbook run {context.account.name} link_customer --customer {customer.name}:"
            " it asks which it is",
        )


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def same_company(account: Account, customer: Customer, company: Company | None, why: str) -> Change:
    """The question whether the company that was found is this customer's, under another name."""
    if company is None:
        return Change(
            SAME_COMPANY,
            f"say which key {customer.display_name} has",
            by="person",
            hand_off=HandOff(
                who="whoever keeps the customers' file",
                found=why,
                actions=("Mend the customers' file, then run this step again.",),
            ),
        )
    say_so = (
        f"bcrunbook confirm {account.name} {LINK_CUSTOMER} --customer {customer.name}"
        " --by YOUR-NAME; then run again"
    )
    return Change(
        SAME_COMPANY,
        f"say whether {company.name} is {customer.display_name}",
        (Row("Company in Codat", company.name, codat_name(customer)),),
        by="person",
        subject=company.id,
        hand_off=HandOff(
            who="whoever keeps the customers' file",
            found=why,
            actions=(
                "If the keys of the customers' file were mixed up (sorted anew, a row taken out):"
                " give each customer the key back that it had, and run this step again.",
                f"If {customer.name} is another customer now: give it a key of its own; a company"
                " of its own is made then.",
                f"If it is the same company under another name: say so ({say_so}). Codat keeps the"
                " name that it has.",
            ),
            buttons=(HandOffButton(2, "confirm", instead=say_so),),
            values=((_COMPANY, company.name), (_CUSTOMER, customer.display_name)),
            confirmation=f"{company.name} in Codat is {customer.display_name}",
        ),
    )


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


def customer_of(context: Context) -> Customer:
    """The customer that the run is about.

    Raises:
        FixInput: none was named.
    """
    if context.customer is None:
        raise FixInput(
            f"{ref(LINK_CUSTOMER).capitalize()} is about a customer, and none was named.",
            where="parameter customer",
            next=f"give one of the account's customers: bcrunbook run {context.account.name}"
            f" {LINK_CUSTOMER} --customer NAME",
        )
    return context.customer


async def find_connection(
    codat: Codat, company: Company, overview: Overview | None = None
) -> Connection | None:
    """The company's connection to Business Central, if any.

    A Linked one comes first, then the newest that nobody has unlinked. Where an answer leaves out
    the integration's key, its name or its id tells which it is (contract C8.3): one that was
    overlooked would be made again in each run. What an overview shows of it, nobody asks for.
    """
    if overview is not None and company.data_connections:
        ours = to_business_central(company.data_connections, overview.integration)
    else:
        ours = await business_central_of(codat, await codat.connections(company.id))
    return max(
        ours,
        key=lambda one: (one.status == LINKED, one.status != UNLINKED, one.created),
        default=None,
    )


async def business_central_of(
    codat: Codat, connections: Sequence[Connection]
) -> tuple[Connection, ...]:
    """Those of a company's connections that lead to Business Central.

    Args:
        codat: asked which integration that is, where an answer leaves out the key.
        connections: the company's connections.
    """
    integration = None
    if any(not one.integration_key and not _is_named(one) for one in connections):
        integration = await codat.integration(BUSINESS_CENTRAL_PLATFORM)
    return to_business_central(connections, integration)


def to_business_central(
    connections: Sequence[Connection], integration: Integration | None
) -> tuple[Connection, ...]:
    """The same, where the integration was read.

    Args:
        connections: the company's connections.
        integration: Business Central's; None where the instance does not know it.
    """
    ours = integration.integration_id if integration is not None else ""

    def is_ours(one: Connection) -> bool:
        if one.integration_key:
            return one.integration_key == BUSINESS_CENTRAL_PLATFORM
        return _is_named(one) or (bool(ours) and _same(one.integration_id, ours))

    return tuple(filter(is_ours, connections))


def _is_named(connection: Connection) -> bool:
    return _same(connection.platform_name, NAME)


async def fetch_link(context: Context) -> str:
    """The customer's link as Codat has it now.

    It may work only once and for a day (contract C8.13): it is fetched when it is
    needed, shown or sent, and never kept.

    Raises:
        FixInput: the connection is not made yet, the company may be another customer's, or the
            customer is retired.
    """
    customer, codat = customer_of(context), codat_of(context)
    over = retired(context.ledger, context.identity, customer.name)
    if over is not None:
        raise over.refusal
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
