"""The pages that people see: plain HTML that works without scripts, light and dark.

Every value from outside is escaped. Each page says that it is a rehearsal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call, html_answer

LOGIN_HOST: Final = "login.microsoftonline.com"
DEVICE_PATH: Final = "/devicelogin"

STYLE: Final = """
:root{color-scheme:light dark;--accent:#0b6a75;--on-accent:#fff;--paper:#fff;--ink:#1c2326;
--soft:#5a666b;--line:#c9d1d4;--ground:#eef2f3;--bad:#a3262a}
@media (prefers-color-scheme:dark){:root{--accent:#5cc3cf;--on-accent:#08272b;--paper:#1b2326;
--ink:#e9eef0;--soft:#a3b0b5;--line:#3c484d;--ground:#101618;--bad:#ff9c96}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);
color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:min(27rem,calc(100vw - 2rem));background:var(--paper);padding:2rem;
border:1px solid var(--line);border-radius:.5rem}
.mark{margin:0 0 1.25rem;color:var(--soft);font-size:.85rem}
.mark strong{color:var(--accent)}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 .75rem}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input:not([type=checkbox]){width:100%;padding:.55rem .6rem;font:inherit;color:inherit;
background:transparent;border:1px solid var(--soft);border-radius:.25rem}
.check{display:flex;gap:.5rem;font-weight:400}
input:focus-visible,button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.row{display:flex;gap:.75rem;justify-content:flex-end;margin-top:1.5rem}
button{font:inherit;padding:.5rem 1.25rem;border-radius:.25rem;cursor:pointer;
border:1px solid var(--accent);background:transparent;color:var(--accent)}
button.main{background:var(--accent);color:var(--on-accent)}
.problem{color:var(--bad)}
.small{color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}
ul{padding-left:1.2rem}
.people{margin-top:1.5rem;padding-top:1rem;border-top:1px solid var(--line)}
.people h2{font-size:1rem;margin:0}
.people .small{margin:.25rem 0 .75rem}
.people summary{padding:.3rem 0;cursor:pointer}
.people button{display:block;width:100%;margin:.4rem 0;padding:.5rem .75rem;text-align:left;
border-color:var(--line);color:var(--ink);overflow-wrap:anywhere}
.people button:hover{border-color:var(--accent)}
.people button span{display:block;color:var(--soft);font-size:.85rem;line-height:1.35}
"""


def browser_path(cloud: RehearsalCloud, call: Call) -> str:
    """Where a page's form goes: the address that the page came from, without its query."""
    if call.header("host") and cloud.pages.endswith(call.header("host")):
        return f"/{LOGIN_HOST}{call.path}" if call.path != DEVICE_PATH else call.path
    return call.path


def page(title: str, body: str, *, status: int = 200) -> Answer:
    """A whole page; `body` is HTML."""
    return html_answer(
        status,
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{escape(title)} - Rehearsal</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<p class="mark"><strong>Rehearsal</strong> This page is a local stand-in, not Microsoft.</p>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
""",
    )


def message_page(title: str, text: str, *, status: int = 200, problem: bool = False) -> Answer:
    """A page that only says something."""
    role = ' class="problem" role="alert"' if problem else ""
    return page(title, f"<p{role}>{escape(text)}</p>", status=status)


def hidden(values: Mapping[str, str]) -> str:
    """Hidden fields that carry the request from one page to the next."""
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in values.items()
    )


def sign_in_page(
    action: str,
    values: Mapping[str, str],
    application: str,
    *,
    people: str,
    hint: str = "",
    problem: str = "",
) -> Answer:
    """The page that asks who somebody is.

    Args:
        action: where its forms go.
        values: the request, which the forms carry on.
        application: to what somebody signs in.
        people: the people who are offered, as HTML.
        hint: the user name that is expected.
        problem: why it asks again.
    """
    names = sorted({user.upn for tenant in world.TENANTS.values() for user in tenant.users})
    options = "".join(f'<option value="{escape(name)}"></option>' for name in names)
    alert = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    return page(
        "Sign in",
        f"""<p>to continue to <strong>{escape(application)}</strong></p>
{alert}
<form method="post" action="{escape(action)}">
{hidden(values)}
<label for="username">User name</label>
<input id="username" name="username" type="email" list="people" autocomplete="username"
 value="{escape(hint)}" required autofocus>
<datalist id="people">{options}</datalist>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<p class="small">Names and passwords are in rehearsal.json.</p>
<div class="row">
<button class="main" type="submit">Sign in</button>
</div>
</form>
{people}""",
    )


def consent_page(
    action: str,
    values: Mapping[str, str],
    *,
    title: str,
    application: str,
    publisher: str,
    user: str,
    permissions: Iterable[tuple[str, str]],
    whole_organisation: bool = False,
) -> Answer:
    """The page that asks whether an application may have permissions."""
    items = "".join(
        f'<li>{escape(text)} <span class="small">{escape(value)}</span></li>'
        for text, value in permissions
    )
    check = (
        '<label class="check"><input type="checkbox" name="organization" value="1">'
        "Consent on behalf of your organization</label>"
        if whole_organisation
        else ""
    )
    return page(
        title,
        f"""<p class="small">{escape(user)}</p>
<p><strong>{escape(application)}</strong><br><span class="small">{escape(publisher)}</span></p>
<p>This application would like to:</p>
<ul>{items}</ul>
<form method="post" action="{escape(action)}">
{hidden(values)}
{check}
<div class="row">
<button type="submit" name="decision" value="cancel">Cancel</button>
<button class="main" type="submit" name="decision" value="accept">Accept</button>
</div>
</form>""",
    )


def form_post_page(target: str, values: Mapping[str, str]) -> Answer:
    """The page that makes the browser post the result to the client."""
    return page(
        "Signing in",
        f"""<form method="post" action="{escape(target)}" id="result">
{hidden(values)}
<p>If nothing happens, press the button.</p>
<div class="row"><button class="main" type="submit">Continue</button></div>
</form>
<script>document.getElementById("result").submit()</script>""",
    )
