"""The customer's side: from a connection's link address to a connection that is Linked, or not.

The Sandbox links when its address is opened. For Business Central the customer is told who asks,
signs in to Microsoft, chooses a company, and waits while the extension App Link is installed.
What went wrong is added to the errors of the connection, which otherwise stays as it was.

    start      who asks, and Continue
    microsoft  to the sign-in and back with a code
    choice     the companies, and the begin of the installation
    window     how far the installation is, and the end
    attempt    what is kept of one connection meanwhile
    visits     tokens of one step each

Source: Codat docs, "Connections" (dataConnectionErrors) and the Business Central set-up page. How
Codat words these pages is undocumented.
"""

from __future__ import annotations

from urllib.parse import unquote

from bcrunbook.rehearsal import entra
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat.link.attempt import Attempt
from bcrunbook.rehearsal.codat.link.pages import message_page
from bcrunbook.rehearsal.codat.link.routes import CALLBACK, ROUTER
from bcrunbook.rehearsal.codat.world import CALLBACK_HOST
from bcrunbook.rehearsal.messages import Answer, Call, Handler


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of the hosts that a customer's browser comes by."""
    sign_in = entra.handler(cloud)

    def handle(call: Call) -> Answer:
        method = "GET" if call.method == "HEAD" else call.method
        try:
            if call.host == CALLBACK_HOST:
                # To the letter: a redirect address is compared as a whole.
                back = CALLBACK.find(call.path.removeprefix("/").split("/"))
                if back is None:
                    return _not_found()
                come_back = back.handler(method)
                return _not_allowed() if come_back is None else come_back(cloud, call, sign_in)
            match = ROUTER.find([unquote(part) for part in call.path.strip("/").split("/")])
            if match is None:
                return _not_found()
            attempt = Attempt(cloud, match.params["company"], match.params["connection"])
            page = match.handler(method)
            return _not_allowed() if page is None else page(attempt, call)
        except LookupError:
            return _not_found()

    return handle


def _not_allowed() -> Answer:
    return message_page(
        "Not possible", "This address is not used like that.", status=405, problem=True
    )


def _not_found() -> Answer:
    text = "There is no such link, or it has been used. Open the link again."
    return message_page("Not found", text, status=404, problem=True)
