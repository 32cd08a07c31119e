"""Settings > Integrations: what Codat offers, what is set up, and the toggles.

Source: Codat docs: "Set up the Dynamics 365 Business Central integration" (Set up, later Manage;
the toggle in the list), portal roles, and which integrations are premium on which plan.
"""

from __future__ import annotations

from html import escape
from typing import Final

from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.integrations import settings_of
from bcrunbook.rehearsal.codat.page_frame import hidden, see_other
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.portal.enabling import not_in_plan, set_from_form
from bcrunbook.rehearsal.portal.errors import Refused
from bcrunbook.rehearsal.portal.layout import current, page, switch
from bcrunbook.rehearsal.portal.visit import ACCOUNTING, BANKING, Visit, cannot_manage, manage_path

PREMIUM: Final = ' <span class="premium">Premium</span>'


def of_type(source_type: str) -> list[world.Platform]:
    """The integrations of one tab, by name."""
    found = (one for one in world.PLATFORMS.values() if one.source_type == source_type)
    return sorted(found, key=lambda one: one.name)


def show_accounting(visit: Visit) -> Answer:
    """The accounting integrations, with what the role and the plan allow."""
    notice = "" if visit.may_manage else f'<p class="said">{escape(cannot_manage(visit))}</p>'
    premium = (
        ""
        if visit.instance.premium
        else f'<p class="said">{escape(not_in_plan(visit.instance))}</p>'
    )
    rows = "".join(_row(visit, platform) for platform in of_type("Accounting"))
    action = '<th scope="col" class="end">Settings</th>' if visit.may_manage else ""
    return page(
        visit,
        "Accounting integrations",
        f"""{_top(visit, "Accounting")}
{notice}{premium}
<div class="card sheet">
<table>
<thead><tr><th scope="col">Integration</th><th scope="col">Keys</th>
<th scope="col">Enabled</th>{action}</tr></thead>
<tbody>{rows}</tbody>
</table>
</div>""",
    )


def toggle(visit: Visit) -> Answer:
    """Act on a toggle of the list."""
    platform = world.PLATFORMS.get(visit.form.get("platform", ""))
    if platform is None or platform.source_type != "Accounting":
        raise Refused(404, "Not found", "There is no such integration.")
    set_from_form(visit, platform, ACCOUNTING)
    return see_other(ACCOUNTING)


def show_banking(visit: Visit) -> Answer:
    """The banking integrations, by name only."""
    rows = "".join(
        f'<tr><th scope="row">{escape(platform.name)}</th></tr>' for platform in of_type("Banking")
    )
    return page(
        visit,
        "Banking integrations",
        f"""{_top(visit, "Banking")}
<div class="card sheet">
<table><thead><tr><th scope="col">Integration</th></tr></thead><tbody>{rows}</tbody></table>
</div>
<p class="small">Setting up banking integrations is not part of the rehearsal.</p>""",
    )


def _top(visit: Visit, shown: str) -> str:
    tabs = "".join(
        f'<li><a href="{path}"{current(name == shown)}>{name}</a></li>'
        for name, path in (("Accounting", ACCOUNTING), ("Banking", BANKING))
    )
    return f"""<p class="trail">{escape(visit.instance.name)}</p>
<h1>Integrations</h1>
<nav aria-label="Kinds of integrations"><ul class="tabs">{tabs}</ul></nav>"""


def _row(visit: Visit, platform: world.Platform) -> str:
    if platform.premium and not visit.instance.premium:
        columns = 3 if visit.may_manage else 2
        cells = f'<td class="end" colspan="{columns}">Contact your account manager</td>'
    else:
        cells = _cells(visit, platform)
    return f"""<tr><th scope="row">{escape(platform.name)}{PREMIUM if platform.premium else ""}</th>
{cells}</tr>
"""


def _cells(visit: Visit, platform: world.Platform) -> str:
    settings = settings_of(visit.cloud, visit.instance, platform)
    is_ready = settings.is_set_up or not platform.needs_keys
    keys = "Saved" if settings.is_set_up else "Not needed" if is_ready else "Not set up"
    if not visit.may_manage:
        return f"<td>{keys}</td><td>{'On' if settings.enabled else 'Off'}</td>"
    action = ""
    if platform.needs_keys:
        verb = "Manage" if settings.is_set_up else "Set up"
        action = (
            f'<a class="button" href="{manage_path(platform)}" '
            f'aria-label="{verb} {escape(platform.name)}">{verb}</a>'
        )
    return f"""<td class="brief">{keys}</td>
<td><form class="toggle" method="post" action="{ACCOUNTING}">
{hidden({**visit.carried, "platform": platform.key})}
{switch(platform.name, checked=settings.enabled, disabled=not is_ready)}</form></td>
<td class="end">{action}</td>"""
