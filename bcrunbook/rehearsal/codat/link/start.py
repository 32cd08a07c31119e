"""The page behind a connection's link: who asks, and that a platform will be connected.

Source: Codat docs, "Connections" (one-time passwords). What a link says that has been used is
undocumented.
"""

from __future__ import annotations

from html import escape

from bcrunbook.rehearsal.codat import linking, one_time, world
from bcrunbook.rehearsal.codat.link import choice, microsoft
from bcrunbook.rehearsal.codat.link.attempt import Attempt, Refused
from bcrunbook.rehearsal.codat.link.pages import button, hidden, message_page, page
from bcrunbook.rehearsal.codat.platforms import is_enabled
from bcrunbook.rehearsal.codat.settings import profile_of
from bcrunbook.rehearsal.messages import Answer, Call


def show(attempt: Attempt, call: Call) -> Answer:
    """Ask whether to go on; the Sandbox, which needs nobody's consent, is linked at once."""
    platform = attempt.platform
    password = call.params.get("otp", "")
    if not one_time.take(attempt.cloud, attempt.instance, attempt.connection, password):
        text = "This link has been used, or is older than a day. Ask for a new one."
        return message_page("This link does not work any more", text, status=403, problem=True)
    try:
        _demand_possible(attempt)
        if not platform.needs_keys:
            attempt.demand_only_one()
            attempt.succeed()
            return message_page("Connected", f"{platform.name} is connected.")
    except Refused as problem:
        return attempt.fail(problem)
    name = escape(profile_of(attempt.cloud, attempt.instance)["name"])
    return page(
        f"Connect {platform.name}",
        f"""<p><strong>{name}</strong> asks for access to your accounting data. It will be read from
{escape(platform.name)}.</p>
<p>You sign in to Microsoft, choose a company, and wait while an extension is installed in your
environment.</p>
{button("start", "Continue", hidden({"visit": attempt.begin_visit()}))}""",
    )


def go_on(attempt: Attempt, call: Call) -> Answer:
    """Go to Microsoft, or to where the customer has left an installation.

    Raises:
        LookupError: the page with the button was not opened, or long ago.
    """
    attempt.visit(call.form.get("visit", ""))
    try:
        _demand_possible(attempt)
    except Refused as problem:
        return attempt.fail(problem)
    destination = linking.destination_of(attempt.document)
    if destination and linking.is_unfinished(attempt.document):
        return choice.install(attempt, destination)
    return microsoft.away(attempt)


def _demand_possible(attempt: Attempt) -> None:
    platform = attempt.platform
    if not is_enabled(attempt.cloud, attempt.instance, platform):
        raise Refused("403", "Not enabled.", f"{platform.name} is not enabled.")
    if not platform.needs_keys:
        return
    if platform.key != world.BUSINESS_CENTRAL_PLATFORM:
        raise Refused("501", "Not supported.", "Not supported.")
    if not attempt.settings.is_set_up:
        raise Refused("403", "Not set up.", f"{platform.name} has no credentials.")
