"""A customer's company in Codat: found by its tag, and told from another customer's.

The tag says under which key of the customers' file the company was made. Whose key that is now, the
file may have changed: a list that was sorted anew gives every key to somebody else. So the
company's name is compared with the customer's, and where they differ a person is asked.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bcrunbook.accounts import Account, Customer
from bcrunbook.core.confirmations import latest_confirmation
from bcrunbook.core.step import Change, HandOff, Observation, Row
from bcrunbook.errors import FixInput
from bcrunbook.ledger.store import Ledger
from bcrunbook.services.codat.client import Codat
from bcrunbook.services.codat.models import Company
from bcrunbook.steps.context import Context

TAG = "bcrunbook-customer"
SAME_COMPANY = "same_company"
COMPANY = "company"

_STEP = "link_customer"
_COMPANY, _CUSTOMER = "Company in Codat", "Customer"
_DROPPED = re.compile(r"[^\w\s\-'&@.,?!]|_")


def tag_of(account: Account, customer: Customer) -> str:
    """The tag's value by which a customer's company is found again."""
    return f"{account.name}.{customer.name}"


def codat_name(name: str) -> str:
    """A name as Codat keeps it: other characters are dropped silently (contract C7.6)."""
    return " ".join(_DROPPED.sub("", name).split()) or "Customer"


async def find_company(
    codat: Codat, account: Account, customer: Customer
) -> tuple[Company | None, int]:
    """The oldest company that bears the customer's tag, and how many more do."""
    found = await codat.companies({TAG: tag_of(account, customer)})
    ordered = sorted(found, key=lambda one: one.created or datetime.max.replace(tzinfo=UTC))
    return (ordered[0], len(ordered) - 1) if ordered else (None, 0)


def company_seen(company: Company, customer: Customer) -> Observation:
    """What the ledger remembers of a customer's company, and of who the customer was."""
    data = {"name": company.name, "customer": customer.display_name}
    return Observation(COMPANY, company.id, data)


async def difference(
    context: Context, codat: Codat, customer: Customer, company: Company | None
) -> str:
    """Why the company with a customer's tag may be another's; empty when it is this one's.

    The tag says under which key it was made. Whose key that is now, a file may have changed: a
    list that was sorted anew gives every key to somebody else.
    """
    ledger, wanted = context.ledger, codat_name(customer.display_name)
    if company is None:
        return await _made_before(context, codat, customer)
    if _same(codat_name(company.name), wanted):
        return ""
    word = latest_confirmation(ledger, context.identity, _STEP, SAME_COMPANY, customer.name)
    if word is not None and word.subject == company.id:
        values = word.data["values"]
        if (values.get(_CUSTOMER), values.get(_COMPANY)) == (customer.display_name, company.name):
            return ""
    return (
        f'The company that bears the tag of {customer.name} is called "{company.name}", and'
        f" {customer.name} is {customer.display_name}. Are they the same?"
    )


def renamed(ledger: Ledger, account: Account) -> list[str]:
    """Customers whose key was another customer's when the company was made, a sentence each."""
    known = ledger.facts(account.identity, _STEP, COMPANY)
    then = {
        str(fact.customer): str(fact.data["customer"])
        for fact in known
        if fact.instance == account.identity.instance
    }
    return [
        f"Is it meant? {account.name}/{name} was {then[name]} when the company in Codat was made,"
        f" and is {customer.display_name} in the file."
        for name, customer in account.customers.items()
        if name in then and then[name] != customer.display_name
    ]


async def _made_before(context: Context, codat: Codat, customer: Customer) -> str:
    """Whether a company of this customer's name was made for a key that is gone from the file."""
    account, identity = context.account, context.identity
    for fact in context.ledger.elsewhere(_STEP, COMPANY, cloud=identity.cloud):
        if fact.instance != identity.instance or fact.data["customer"] != customer.display_name:
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
    return Change(
        SAME_COMPANY,
        f"say whether {company.name} is {customer.display_name}",
        (Row("Company in Codat", company.name, codat_name(customer.display_name)),),
        by="person",
        subject=company.id,
        hand_off=HandOff(
            who="whoever keeps the customers' file",
            found=why,
            actions=(
                "If the keys of the customers' file were mixed up (sorted anew, a row taken out):"
                " give each customer the key back that it had, and run this step again.",
                f"If it is the same company under another name: bcrunbook confirm {account.name}"
                f" {_STEP} --customer {customer.name} --by YOUR-NAME (or the button in"
                " the notebook). Codat keeps the name that it has.",
                f"If {customer.name} is another customer now: give it a key of its own; a company"
                " of its own is made then.",
            ),
            values=((_COMPANY, company.name), (_CUSTOMER, customer.display_name)),
            confirmation=f"{company.name} in Codat is {customer.display_name}",
        ),
    )
