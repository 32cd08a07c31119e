"""The frame of the portal's pages: the header with the instance picker, and the menu."""

from __future__ import annotations

from html import escape

from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.page_frame import document, hidden
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.portal.visit import (
    ACCOUNTING,
    API_KEYS,
    BANKING,
    HOME,
    SIGN_OUT,
    SWITCH,
    Visit,
)


def page(visit: Visit, title: str, body: str, *, status: int = 200, dialog: str = "") -> Answer:
    """A whole page for somebody who is signed in; `body` and `dialog` are HTML.

    While a dialog is open nothing behind it can be reached, with the keyboard either.
    """
    inert = " inert" if dialog else ""
    notice = _notice(visit) if visit.notice and not dialog else ""
    return document(
        title,
        f"""<div{inert}>
<a class="skip" href="#content">Skip to the content</a>
{_header(visit)}
<div class="frame">
{_menu(visit)}
<main id="content" tabindex="-1">
{notice}
{body}
</main>
</div>
</div>
{dialog}""",
        status,
        site="Rehearsal portal",
        what="portal",
    )


def page_alone(title: str, body: str, *, status: int = 200) -> Answer:
    """A whole page for somebody who is not signed in; `body` is HTML."""
    return document(
        title,
        f"""<main class="alone"><div class="card">
<h1>{escape(title)}</h1>
{body}
</div></main>""",
        status,
        site="Rehearsal portal",
        what="portal",
    )


def message_page(visit: Visit | None, title: str, text: str, *, status: int) -> Answer:
    """A page that only says why there is nothing else."""
    notice = f'<p class="said bad" role="alert">{escape(text)}</p>'
    home = f'<p><a href="{HOME}">Go to the start page</a></p>'
    if visit is None:
        return page_alone(title, notice + home, status=status)
    return page(visit, title, f"<h1>{escape(title)}</h1>\n{notice}{home}", status=status)


def switch(name: str, *, checked: bool, disabled: bool = False) -> str:
    """The button that enables and disables an integration; a form goes around it."""
    off = " disabled" if disabled else ""
    return f"""<button type="submit" role="switch" aria-checked="{"true" if checked else "false"}"
 aria-label="Enable {escape(name)}" name="enabled" value="{"no" if checked else "yes"}"{off}>
<span></span></button><span aria-hidden="true">{"On" if checked else "Off"}</span>"""


def current(here: bool) -> str:
    """What marks a link that leads to where one is."""
    return ' aria-current="page"' if here else ""


def _header(visit: Visit) -> str:
    options = "".join(
        f'<option value="{escape(key)}"{" selected" if key == visit.instance.id else ""}>'
        f"{escape(world.INSTANCES[key].name)}</option>"
        for key, _ in visit.user.roles
    )
    token = {"form_token": visit.session.form_token}
    return f"""<header class="bar">
<a class="name" href="{HOME}">Portal</a>
<form method="post" action="{SWITCH}">
{hidden({**token, "next": visit.path})}
<label for="instance">Instance</label>
<select id="instance" name="instance" autocomplete="off">{options}</select>
<button type="submit">Switch</button>
</form>
<div class="who">{escape(visit.user.name)}<br><span>{escape(visit.role)}</span></div>
<form method="post" action="{SIGN_OUT}">
{hidden(token)}
<button type="submit">Sign out</button>
</form>
</header>"""


def _menu(visit: Visit) -> str:
    def link(path: str, text: str) -> str:
        here = path == visit.path or (path != HOME and visit.path.startswith(f"{path}/"))
        return f'<a href="{path}"{current(here)}>{text}</a>'

    return f"""<nav class="menu" aria-label="Portal">
{link(HOME, "Start")}
<h2>Settings: Integrations</h2>
{link(ACCOUNTING, "Accounting")}
{link(BANKING, "Banking")}
<h2>Developers</h2>
{link(API_KEYS, "API keys")}
</nav>"""


def _notice(visit: Visit) -> str:
    kind, role = ("bad", "alert") if visit.notice.get("problem") else ("good", "status")
    return f'<p class="said {kind}" role="{role}">{escape(visit.notice["text"])}</p>'
