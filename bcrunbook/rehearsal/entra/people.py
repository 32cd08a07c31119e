"""The people whom a sign-in page of the rehearsal offers, and what each may do, in words.

No real page does this. It is for who rehearses by hand and has nobody's password at hand; those
who will be refused are offered too, as refusals are there to be rehearsed.
"""

from __future__ import annotations

from html import escape
from typing import Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.entra import tickets
from bcrunbook.rehearsal.entra.authority import Authority

_MAY: Final = {
    world.GLOBAL_ADMINISTRATOR: "may register applications and approve for the whole organisation",
    world.PRIVILEGED_ROLE_ADMINISTRATOR: "may approve for the whole organisation",
    world.APPLICATION_ADMINISTRATOR: "may register applications and approve",
    world.CLOUD_APPLICATION_ADMINISTRATOR: "may register applications and approve",
    world.APPLICATION_DEVELOPER: "may register applications, not approve for the organisation",
    world.MEMBER: "may not approve for the organisation",
    world.GUEST: "may not approve for the organisation",
}


def people_of(authority: Authority) -> dict[world.Tenant, tuple[world.User, ...]]:
    """Who can sign in at an authority, by organisation: guests only where they are guests."""
    if authority.consumers:
        return {}
    if authority.tenant is not None:
        return {authority.tenant: authority.tenant.users}
    return {
        tenant: tuple(user for user in tenant.users if not user.guest)
        for tenant in world.TENANTS.values()
    }


def offered(authority: Authority, action: str, fields: str) -> str:
    """A form with a button for each of them, as HTML; empty where nobody can sign in.

    Args:
        authority: where somebody signs in.
        action: where the form goes.
        fields: the hidden fields that carry the request on, as HTML.
    """
    found = people_of(authority)
    if not found:
        return ""
    is_open = " open" if len(found) == 1 else ""
    groups = "".join(
        f"<details{is_open}><summary>{escape(tenant.name)}</summary>"
        f"{''.join(map(_button, users))}</details>"
        for tenant, users in found.items()
    )
    return f"""<section class="people" aria-labelledby="offered">
<h2 id="offered">Or sign in as somebody of the rehearsal</h2>
<p class="small">One click, without a password. Some will be refused: that is for practising.</p>
<form method="post" action="{escape(action)}">
{fields}
{groups}
</form>
</section>"""


def _button(user: world.User) -> str:
    return (
        f'<button type="submit" name="ticket" value="{escape(tickets.offer(user))}">'
        f"<strong>{escape(user.name)}</strong> <span>{escape(user.upn)}</span> "
        f"<span>{escape(_says(user))}</span></button>"
    )


def _says(user: world.User) -> str:
    roles = "; ".join(f"{role}: {_MAY[role]}" for role in user.roles)
    if user.may_install:
        return f"{roles}. May install App Link."
    if user.permission_sets:
        return f"{roles}. Works in Business Central, may not install App Link."
    return f"{roles}. No licence for Business Central."
