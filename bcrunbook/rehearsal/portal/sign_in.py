"""Signing in and out, and the choice of an instance."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from html import escape
from typing import Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.page_frame import hidden, see_other
from bcrunbook.rehearsal.messages import Answer, Call, with_query
from bcrunbook.rehearsal.portal import session
from bcrunbook.rehearsal.portal.errors import Refused
from bcrunbook.rehearsal.portal.layout import message_page, page_alone
from bcrunbook.rehearsal.portal.session import PATH, Session
from bcrunbook.rehearsal.portal.visit import HOME, SIGN_IN, Visit

OWN_PAGE: Final = re.compile(rf"{re.escape(PATH)}(/[\w-]+)*(\?[\w=&.~%+-]*)?", re.ASCII)
OUT_OF_DATE: Final = (
    "This form is out of date or was not sent from this portal. Nothing was changed. "
    "Open the page again."
)


def own_page(path: str) -> str:
    """A page to go on to, if it is one of the portal's; the start page if it is anything else."""
    return path if OWN_PAGE.fullmatch(path) else HOME


def ask(call: Call) -> Answer:
    """Send somebody to the sign-in page, to come back to the page they asked for."""
    if own_page(call.path) == HOME:
        return see_other(SIGN_IN)
    asked = f"{call.path}?{call.query}" if call.query and call.method != "POST" else call.path
    return see_other(with_query(SIGN_IN, {"next": asked}))


def show(cloud: RehearsalCloud, call: Call, known: Session | None) -> Answer:
    """The sign-in page."""
    asked = own_page(call.params.get("next", ""))
    if known is not None and known.email:
        return see_other(asked)
    current = known or session.start(cloud)
    return _form(current, asked).with_headers(session.cookie(cloud, current))


def check(cloud: RehearsalCloud, call: Call, known: Session | None) -> Answer:
    """Sign somebody in whose password is right."""
    form = call.form
    if known is None or not session.is_from_form(known, form):
        return message_page(None, "Not accepted", OUT_OF_DATE, status=403)
    asked = own_page(form.get("next", ""))
    email = form.get("email", "").strip()
    user = world.PORTAL_USERS.get(form.get("person", "") or email.lower())
    if user is None or not (
        form.get("person") or _is_password(cloud, user, form.get("password", ""))
    ):
        return _form(known, asked, email, "The e-mail address or the password is wrong.")
    session.end(cloud, known)
    return see_other(asked).with_headers(session.cookie(cloud, session.start(cloud, user)))


def leave(visit: Visit) -> Answer:
    """Sign out."""
    session.end(visit.cloud, visit.session)
    return see_other(SIGN_IN)


def switch_instance(visit: Visit) -> Answer:
    """Choose another instance, among those that the person has a role in."""
    chosen = visit.form.get("instance", "")
    if visit.user.role_in(chosen) is None:
        raise Refused(403, "Not your instance", "You have no role in that instance.")
    session.keep(visit.cloud, replace(visit.session, instance=chosen, notice={}))
    return see_other(own_page(visit.form.get("next", "")))


def _is_password(cloud: RehearsalCloud, user: world.PortalUser, given: str) -> bool:
    password = cloud.secret(world.portal_password_name(user.email))
    return secrets.compare_digest(given.encode(), password.encode())


def _form(current: Session, asked: str, email: str = "", problem: str = "") -> Answer:
    options = "".join(f'<option value="{escape(one)}"></option>' for one in world.PORTAL_USERS)
    alert = f'<p class="said bad" role="alert">{escape(problem)}</p>' if problem else ""
    return page_alone(
        "Sign in to the portal",
        f"""{alert}
<form method="post" action="{SIGN_IN}">
{hidden({"form_token": current.form_token, "next": asked})}
<div class="field">
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" list="people" autocomplete="username"
 value="{escape(email)}" required autofocus>
<datalist id="people">{options}</datalist>
</div>
<div class="field">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
</div>
<p class="small">Names and passwords are in rehearsal.json.</p>
<div class="row"><button class="main" type="submit">Sign in</button></div>
</form>
{_people(current, asked)}""",
    )


def _people(current: Session, asked: str) -> str:
    """A button for each of the rehearsal's people, as HTML: no real page has them."""
    buttons = "".join(
        f'<button type="submit" name="person" value="{escape(user.email)}">'
        f"<strong>{escape(user.name)}</strong> <span>{escape(user.email)}</span> "
        f"<span>{escape(_says(user))}</span></button>"
        for user in world.PORTAL_USERS.values()
    )
    return f"""<section class="people" aria-labelledby="offered">
<h2 id="offered">Or sign in as somebody of the rehearsal</h2>
<p class="small">One click, without a password. Some will be refused: that is for practising.</p>
<form method="post" action="{SIGN_IN}">
{hidden({"form_token": current.form_token, "next": asked})}
{buttons}
</form>
</section>"""


def _says(user: world.PortalUser) -> str:
    names = ", ".join(world.INSTANCES[instance].name for instance, _ in user.roles)
    role = user.roles[0][1]
    may = (
        "may save keys and enable" if role in world.MANAGE_INTEGRATIONS else "may look, not change"
    )
    return f"{role}: {may}. In {names}."
