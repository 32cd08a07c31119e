"""The portal's start page: the instances of who is signed in, and their role in each."""

from __future__ import annotations

from html import escape

from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.portal.layout import page
from bcrunbook.rehearsal.portal.visit import ACCOUNTING, Visit


def show(visit: Visit) -> Answer:
    """Say where somebody is and what they are there."""
    rows = "".join(_row(world.INSTANCES[key], role, visit) for key, role in visit.user.roles)
    return page(
        visit,
        "Start",
        f"""<h1>{escape(visit.instance.name)}</h1>
<div class="card sheet">
<table>
<thead><tr><th scope="col">Your instances</th><th scope="col">Plan</th>
<th scope="col">Your role</th></tr></thead>
<tbody>{rows}</tbody>
</table>
</div>
<p>Each instance has integrations, keys and companies of its own.
Choose the instance above before you set anything up.</p>
<p><a class="button" href="{ACCOUNTING}">Accounting integrations</a></p>""",
    )


def _row(instance: world.Instance, role: str, visit: Visit) -> str:
    chosen = ' <span class="small">(chosen)</span>' if instance == visit.instance else ""
    return (
        f'<tr><th scope="row">{escape(instance.name)}{chosen}</th>'
        f"<td>{escape(instance.plan)}</td><td>{escape(role)}</td></tr>"
    )
