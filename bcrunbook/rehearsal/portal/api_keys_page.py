"""Developers > API keys: for those who may read them (Codat docs, portal roles).

A key is never printed: a program finds the keys in rehearsal.json, next to the passwords.
"""

from __future__ import annotations

from html import escape

from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.portal.errors import Refused
from bcrunbook.rehearsal.portal.layout import page
from bcrunbook.rehearsal.portal.visit import Visit


def show(visit: Visit) -> Answer:
    """Say where the keys of the instance are."""
    if not visit.may_manage:
        raise Refused(
            403,
            "Not for your role",
            f"Your role in {visit.instance.name} is {visit.role}, which cannot read API keys.",
        )
    return page(
        visit,
        "API keys",
        f"""<h1>API keys</h1>
<div class="card">
<p>The API key of <strong>{escape(visit.instance.name)}</strong> is in rehearsal.json, under
<code>codat</code>, <code>instances</code>. It is not shown here.</p>
<p class="small">Each instance has keys of its own.</p>
</div>""",
    )
