"""The stand-in for the Codat Portal: web pages on which a person sets an integration up.

They lie below `/app.codat.io` of the pages server, at the paths that the real portal has (Codat
docs, "Set up the Dynamics 365 Business Central integration", and the links between their pages).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.page_frame import see_other
from bcrunbook.rehearsal.messages import Answer, Call, Handler
from bcrunbook.rehearsal.portal import (
    api_keys_page,
    integrations_list,
    manage_page,
    session,
    sign_in,
    start_page,
)
from bcrunbook.rehearsal.portal.layout import message_page
from bcrunbook.rehearsal.portal.session import PATH, Session
from bcrunbook.rehearsal.portal.visit import (
    ACCOUNTING,
    API_KEYS,
    BANKING,
    HOME,
    SIGN_IN,
    SIGN_OUT,
    SWITCH,
    Page,
    Refused,
    Visit,
    manage_path,
)

HOST = world.PORTAL_HOST


@dataclass(frozen=True)
class Route:
    """A path: what shows it, what acts on a post to it.

    `anywhere`: the act does not depend on which instance the form was shown for.
    """

    show: Page | None = None
    act: Page | None = None
    anywhere: bool = False


ROUTES = {
    HOME: Route(start_page.show),
    ACCOUNTING: Route(integrations_list.show_accounting, integrations_list.toggle),
    BANKING: Route(integrations_list.show_banking),
    API_KEYS: Route(api_keys_page.show),
    SIGN_OUT: Route(act=sign_in.leave, anywhere=True),
    SWITCH: Route(act=sign_in.switch_instance, anywhere=True),
    f"{PATH}/settings/integrations": Route(lambda visit: see_other(ACCOUNTING)),
    **{
        manage_path(platform): Route(manage_page.shown(platform), manage_page.acted(platform))
        for platform in integrations_list.of_type("Accounting")
        if platform.needs_keys
    },
}


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of the portal's pages, which lie below `/app.codat.io` of the pages server."""

    def handle(call: Call) -> Answer:
        path = call.path.rstrip("/")
        known = session.find(cloud, call)
        if path == SIGN_IN:
            return sign_in.answer(cloud, call, known)
        if known is None or not known.email:
            return sign_in.ask(call)
        visit = _visit(cloud, call, known)
        try:
            return _served(visit, ROUTES.get(path))
        except Refused as refusal:
            return message_page(visit, refusal.title, refusal.text, status=refusal.status)

    return handle


def _visit(cloud: RehearsalCloud, call: Call, known: Session) -> Visit:
    """The visit; a notice left for this page is the visit's and will not be shown again."""
    user, instance = world.PORTAL_USERS[known.email], world.INSTANCES[known.instance]
    notice = known.notice
    if call.method != "GET" or notice.get("path") != call.path.rstrip("/"):
        return Visit(cloud, call, known, user, instance)
    told = replace(known, notice={})
    session.keep(cloud, told)
    return Visit(cloud, call, told, user, instance, notice)


def _served(visit: Visit, route: Route | None) -> Answer:
    if route is None:
        raise Refused(404, "Not found", "There is no such page in the rehearsal's portal.")
    if visit.call.method in ("GET", "HEAD"):
        if route.show is None:
            return see_other(HOME)
        return route.show(visit)
    if visit.call.method != "POST" or route.act is None:
        raise Refused(405, "Not possible", "This page only shows something.")
    if not session.is_from_form(visit.session, visit.form):
        raise Refused(403, "Not accepted", sign_in.OUT_OF_DATE)
    if not route.anywhere and visit.form.get("shown_for") != visit.instance.id:
        # The choice is the session's: a form left open in another tab shows another instance.
        raise Refused(
            409,
            "Another instance",
            f"You have switched to {visit.instance.name} since this form was shown. "
            "Nothing was changed.",
        )
    return route.act(visit)
