"""The first page of the pages server: what there is, and the tenants."""

from __future__ import annotations

from html import escape

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.entra.pages import page
from bcrunbook.rehearsal.messages import Answer


def show() -> Answer:
    """What somebody finds who opens the address alone."""
    rows = "".join(
        f"<li><strong>{escape(tenant.name)}</strong><br>"
        f'<span class="small">{escape(tenant.domain)}, {escape(tenant.id)}</span></li>'
        for tenant in world.TENANTS.values()
    )
    return page(
        "Rehearsal cloud",
        f"""<p>Sign-in, consent and other pages of the rehearsal are served here.</p>
<p><a href="/devicelogin">Enter a device code</a></p>
<p><a href="/app.codat.io">Codat Portal</a></p>
<h2>Tenants</h2>
<ul>{rows}</ul>
<p class="small">Names and passwords are in rehearsal.json.</p>""",
    )
