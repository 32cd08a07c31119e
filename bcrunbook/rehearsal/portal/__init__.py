"""The stand-in for the Codat Portal: web pages on which a person sets an integration up.

They lie below `/app.codat.io` of the pages server, at the paths that the real portal has (Codat
docs, "Set up the Dynamics 365 Business Central integration", and the links between their pages).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.page_frame import see_other
from bcrunbook.rehearsal.messages import Answer, Call, Handler
from bcrunbook.rehearsal.portal import session, sign_in
from bcrunbook.rehearsal.portal.errors import Refused
from bcrunbook.rehearsal.portal.layout import message_page
from bcrunbook.rehearsal.portal.routes import ENTRANCE, ROUTER, Served
from bcrunbook.rehearsal.portal.session import PATH, Session
from bcrunbook.rehearsal.portal.visit import HOME, Visit
from bcrunbook.rehearsal.routing import Match

HOST: Final = world.PORTAL_HOST


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of the portal's pages, which lie below `/app.codat.io` of the pages server."""

    def handle(call: Call) -> Answer:
        parts = call.path.rstrip("/").removeprefix(PATH).split("/")[1:]
        known = session.find(cloud, call)
        entrance = ENTRANCE.find(parts)
        if entrance is not None:
            method = "POST" if call.method == "POST" else "GET"
            return entrance.handlers[method](cloud, call, known)
        if known is None or not known.email:
            return sign_in.ask(call)
        visit = _visit(cloud, call, known)
        try:
            return _served(visit, ROUTER.find(parts))
        except Refused as refusal:
            return message_page(visit, refusal.title, refusal.text, status=refusal.status)

    return handle


def _visit(cloud: RehearsalCloud, call: Call, known: Session) -> Visit:
    """The visit; a notice left for this page is the visit's and will not be shown again."""
    user, instance = world.PORTAL_USERS[known.email], world.INSTANCES[known.instance]
    notice = known.notice
    if call.method != "GET" or notice.get("path") != call.path.rstrip("/"):
        return Visit(cloud, call, known, user, instance)
    without_notice = replace(known, notice={})
    session.keep(cloud, without_notice)
    return Visit(cloud, call, without_notice, user, instance, notice)


def _served(visit: Visit, match: Match[Served] | None) -> Answer:
    if match is None:
        raise Refused(404, "Not found", "There is no such page in the rehearsal's portal.")
    params = match.params.values()
    if visit.call.method in ("GET", "HEAD"):
        page = match.handler("GET")
        return see_other(HOME) if page is None else page.serve(visit, *params)
    act = match.handler(visit.call.method)
    if act is None:
        raise Refused(405, "Not possible", "This page only shows something.")
    if not session.is_from_form(visit.session, visit.form):
        raise Refused(403, "Not accepted", sign_in.OUT_OF_DATE)
    if not act.anywhere and visit.form.get("shown_for") != visit.instance.id:
        # The choice is the session's: a form left open in another tab shows another instance.
        raise Refused(
            409,
            "Another instance",
            f"You have switched to {visit.instance.name} since this form was shown. "
            "Nothing was changed.",
        )
    return act.serve(visit, *params)
