"""The look of the pages that a customer sees: the portal's sheet of styles, without its menus.

Plain HTML that works without scripts. It is a design of its own, neither Codat's nor Microsoft's.
Every value from outside is escaped. Addresses are relative, so that the pages work under the real
host names and below the pages server alike.
"""

from __future__ import annotations

from html import escape
from typing import Final

from bcrunbook.rehearsal.codat.page_frame import document, hidden, see_other
from bcrunbook.rehearsal.messages import Answer

__all__ = ["button", "hidden", "message_page", "notice", "page", "see_other"]

OWN_STYLE: Final = """
optgroup,option{background:var(--paper);color:var(--ink)}
progress{width:100%;accent-color:var(--accent)}
.alone{max-width:31rem}
"""


def page(title: str, body: str, *, status: int = 200, refresh: int = 0) -> Answer:
    """A whole page; `body` is HTML.

    Args:
        title: the heading.
        body: what follows it.
        status: the answer's status.
        refresh: seconds after which the page loads itself again; 0 for one that stays.
    """
    again = f'<meta http-equiv="refresh" content="{refresh}">\n' if refresh else ""
    card = f"""<main class="alone"><div class="card">
<h1>{escape(title)}</h1>
{body}
</div></main>"""
    return document(title, card, status, site="Rehearsal", what="page", head=again, style=OWN_STYLE)


def notice(text: str, *, problem: bool = False) -> str:
    """A message that stands out, as HTML."""
    kind, role = ("bad", "alert") if problem else ("good", "status")
    return f'<p class="said {kind}" role="{role}">{escape(text)}</p>'


def message_page(title: str, text: str, *, status: int = 200, problem: bool = False) -> Answer:
    """A page that only says something."""
    return page(title, notice(text, problem=problem), status=status)


def button(action: str, text: str, fields: str = "", *, main: bool = True) -> str:
    """A form with one button, as HTML; `fields` is HTML that goes before it."""
    look = ' class="main"' if main else ""
    return f"""<form method="post" action="{escape(action)}">
{fields}
<div class="row"><button{look} type="submit">{escape(text)}</button></div>
</form>"""
