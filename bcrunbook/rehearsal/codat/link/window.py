"""The window that is open while the extension is installed, and what it says at the end.

Source: Codat docs, "Set up the Dynamics 365 Business Central integration": 10 to 20 minutes, the
page reloads, a message tells when it is done. That a window closed early leaves the connection
waiting is an inference; here the button says that it is closed, as nothing else could.
"""

from __future__ import annotations

from html import escape
from typing import Final
from urllib.parse import quote

from bcrunbook.rehearsal.codat import linking
from bcrunbook.rehearsal.codat.link.attempt import Attempt
from bcrunbook.rehearsal.codat.link.pages import button, message_page, notice, page, see_other
from bcrunbook.rehearsal.codat.linking import Destination
from bcrunbook.rehearsal.codat.settings import is_url, profile_of
from bcrunbook.rehearsal.messages import Answer, Call, redirect

REFRESH_SECONDS: Final = 15
"""How often the page loads itself again, in seconds of the rehearsal clock."""


def show(attempt: Attempt, _: Call) -> Answer:
    """Show how far the installation is."""
    destination = linking.destination_of(attempt.document)
    progress = linking.progress_of(attempt.cloud, destination) if destination else None
    if destination is None or progress is None:
        return see_other("start")
    if not attempt.is_linked and not linking.is_coming(attempt.document):
        return _not_finished(attempt)
    environment = _environment_name(attempt, destination)
    if progress.state in ("uninstalled", "unpublished"):
        text = f"App Link is no longer installed in {environment}: it was {progress.state}."
        return message_page("App Link was removed", text, problem=True)
    if progress.state == linking.INSTALLED and attempt.is_linked:
        return _done(attempt, environment)
    return _waiting(attempt, environment)


def close(attempt: Attempt, _: Call) -> Answer:
    """The customer leaves; if the connection is not Linked by now, it stays as it is."""
    if attempt.is_linked:
        return message_page(
            "Connected",
            f"{attempt.platform.name} is connected already. You can close this window.",
        )
    attempt.leave()
    return _not_finished(attempt)


def _waiting(attempt: Attempt, environment: str) -> Answer:
    pace = attempt.cloud.clock.shortened(REFRESH_SECONDS)
    return page(
        "App Link by Codat is being installed",
        f"""{notice(f"The extension is being installed in {environment}.")}
<p><progress aria-label="Installation"></progress></p>
<p>This may take 10 to 20 minutes. Keep this window open: it loads itself again and says when the
installation is done.</p>
{button("close", "Close this window", main=False)}""",
        refresh=pace,
    )


def _done(attempt: Attempt, environment: str) -> Answer:
    """Done; a redirect address inside the rehearsal is followed, any other one only offered."""
    address = _redirect_of(attempt)
    if address.startswith(f"{attempt.cloud.pages}/"):
        return redirect(address)
    name = profile_of(attempt.cloud, attempt.instance)["name"]
    onward = (
        f'<p><a href="{escape(address)}">Go back to {escape(name)}</a></p>\n'
        '<p class="small">That address is not part of the rehearsal.</p>'
        if address
        else "<p>You can close this window.</p>"
    )
    text = (
        f"App Link was successfully installed in {environment}. "
        f"{attempt.platform.name} is connected."
    )
    return page("Connected", notice(text) + onward)


def _not_finished(attempt: Attempt) -> Answer:
    text = f"{attempt.platform.name} is not connected yet."
    if attempt.instance.has_one_time_links:
        return message_page("Not finished", f"{text} Ask for a new link to go on.", problem=True)
    return page(
        "Not finished",
        notice(f"{text} Open the link again to go on.", problem=True)
        + '<p><a href="start">Open the link again</a></p>',
    )


def _environment_name(attempt: Attempt, destination: Destination) -> str:
    return f"{linking.name_of(attempt.cloud, destination)} (company {destination.company})"


def _redirect_of(attempt: Attempt) -> str:
    """The profile's redirect address, filled in; empty where there is none to go to.

    Source: Codat docs, "Redirects" (reserved parameters, case-sensitive; 200 is done).
    """
    destination = linking.destination_of(attempt.document)
    values = {
        "clientId": attempt.instance.id,
        "companyId": attempt.company,
        "connectionId": attempt.connection,
        "integrationId": attempt.platform.integration_id,
        "sourceId": attempt.platform.source,
        "platform": attempt.platform.key,
        "platformName": attempt.platform.name,
        "sourceType": attempt.platform.source_type,
        "statusCode": "200",
        "statusText": "",
        "errorMessage": "",
        "data.company.companyName": destination.company if destination else "",
    }
    address = str(profile_of(attempt.cloud, attempt.instance)["redirectUrl"])
    for name, value in values.items():
        address = address.replace(f"{{{name}}}", quote(value, safe=""))
    return address if is_url(address) else ""
