"""The page on which the customer chooses a company, and what follows from the choice.

The company decides on the environment, into which the extension App Link is then installed.

Source: Codat docs, "Set up the Dynamics 365 Business Central integration" (choosing a company, with
its environment); Microsoft docs, "Manage extensions" (who may install one). How Codat words a
refused installation is undocumented.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import installation
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import linking
from bcrunbook.rehearsal.codat.link import visits
from bcrunbook.rehearsal.codat.link.attempt import Attempt, Refused
from bcrunbook.rehearsal.codat.link.pages import button, hidden, notice, page, see_other
from bcrunbook.rehearsal.codat.linking import Destination
from bcrunbook.rehearsal.messages import Answer, Call


@dataclass(frozen=True)
class _Offer:
    """A company to choose, its environment by its first name, and the label for both."""

    environment: str
    company: str
    label: str


def show(attempt: Attempt, call: Call) -> Answer:
    """Show the companies of the person's organisation.

    Raises:
        LookupError: the visit is unknown, over, or another connection's.
    """
    token = call.params.get("visit", "")
    visit = attempt.visit(token)
    offered = _offered(attempt.cloud, visit.tenant)
    if not offered:
        tenant = world.TENANTS[visit.tenant]
        visits.end(attempt.cloud, token)
        return attempt.fail(
            Refused("404", "NotFound", f"{tenant.name} has no Business Central environment.")
        )
    return _form(token, offered)


def choose(attempt: Attempt, call: Call) -> Answer:
    """Take the choice and begin the installation; a choice that was sent before changes nothing.

    Raises:
        LookupError: the visit is another connection's.
    """
    token = call.form.get("visit", "")
    if visits.find(attempt.cloud, token) is None and linking.destination_of(attempt.document):
        return see_other("installation")
    visit = attempt.visit(token)
    offered = _offered(attempt.cloud, visit.tenant)
    chosen = offered.get(call.form.get("company", ""))
    if chosen is None:
        return _form(token, offered, problem="Choose one of the companies.")
    visits.end(attempt.cloud, token)
    return install(
        attempt,
        Destination(visit.tenant, chosen.environment, chosen.company, visit.user, visit.client_id),
    )


def install(attempt: Attempt, destination: Destination) -> Answer:
    """Begin an installation, or go on with one that is under way or done."""
    cloud = attempt.cloud
    try:
        attempt.demand_only_one()
        _demand_permission(cloud, destination)
        installation.begin(cloud, destination.tenant, destination.environment)
        progress = linking.progress_of(cloud, destination)
        if progress is None or progress.state == linking.REFUSED:
            raise _not_permitted(cloud, destination)
    except Refused as problem:
        return attempt.fail(problem)
    attempt.go_on(destination, progress)
    return see_other("installation")


def _offered(cloud: RehearsalCloud, tenant: str) -> dict[str, _Offer]:
    """What there is to choose, by the value that stands for it in the form."""
    offered = {}
    for environment in world.environments_of(tenant):
        name = installation.current_name(cloud, environment)
        for number, company in enumerate(environment.companies):
            label = f"{name} ({environment.type.lower()}): {company}"
            offered[f"{environment.name}/{number}"] = _Offer(environment.name, company, label)
    return offered


def _form(token: str, offered: dict[str, _Offer], *, problem: str = "") -> Answer:
    options = "".join(
        f'<option value="{escape(value)}">{escape(offer.label)}</option>'
        for value, offer in offered.items()
    )
    alert = notice(problem, problem=True) if problem else ""
    fields = f"""{hidden({"visit": token})}
<div class="field">
<label for="company">Company</label>
<select id="company" name="company" autocomplete="off">{options}</select>
</div>
<p class="small">The extension App Link by Codat will be installed in that environment.</p>"""
    body = f"""{alert}
<p>Which company do you want to connect? Its environment is named before it.</p>
{button("company", "Connect", fields)}"""
    return page("Choose a company", body, status=400 if problem else 200)


def _demand_permission(cloud: RehearsalCloud, destination: Destination) -> None:
    """Refuse who may not install an extension: a licence and a permission set are needed."""
    if not world.users_by_oid()[destination.tenant, destination.user].may_install:
        raise _not_permitted(cloud, destination)


def _not_permitted(cloud: RehearsalCloud, destination: Destination) -> Refused:
    user = world.users_by_oid()[destination.tenant, destination.user]
    name = linking.name_of(cloud, destination)
    return Refused(
        "403",
        "Forbidden",
        f"App Link could not be installed in {name}: {user.upn} needs a Business Central licence "
        f"and the permission set {world.EXTENSION_ADMIN}.",
    )
