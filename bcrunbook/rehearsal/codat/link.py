"""The customer's side: from a connection's link address to a connection that is Linked, or not.

The Sandbox links when its address is opened. Business Central sends the customer to Microsoft with
the client id that was saved, and exchanges the code that comes back with the saved secret: here a
wrong pair shows for the first time. What went wrong is added to the errors of the connection, which
otherwise stays as it was. How Codat words these errors and pages is undocumented.

Source: Codat docs, "Connections" (dataConnectionErrors) and the Business Central set-up page
(redirect address); Entra docs, "OAuth 2.0 authorization code flow".
"""

from __future__ import annotations

import json
import secrets
from urllib.parse import unquote, urlencode

from bcrunbook.rehearsal import entra
from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import Cloud
from bcrunbook.rehearsal.codat import CALLBACK_HOST, LINK_HOST, data, world
from bcrunbook.rehearsal.codat.integrations import settings_of
from bcrunbook.rehearsal.codat.platforms import is_enabled
from bcrunbook.rehearsal.codat.records import (
    CONNECTION,
    LINKED,
    connections_of,
    owner_of,
    put_connection,
)
from bcrunbook.rehearsal.entra.pages import message_page
from bcrunbook.rehearsal.messages import Answer, Call, Handler, redirect, with_query
from bcrunbook.rehearsal.state import GLOBAL, Document

ATTEMPT = "codatLinkAttempt"
"""The kind of record that holds what a sign-in is for, by its `state`."""

ATTEMPT_SECONDS = 3600
ACCOUNTING = "Accounting"
CALLBACK_PATH = "/oauth/callback"
CALLBACK = f"https://{CALLBACK_HOST}{CALLBACK_PATH}"
SIGN_IN = "/common/oauth2/v2.0"
SCOPE = "https://api.businesscentral.dynamics.com/.default offline_access"


class _Refused(Exception):
    """An attempt to link failed; the texts are those of the connection's error."""

    def __init__(self, status_code: str, status_text: str, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.status_text = status_text
        self.message = message


class _Attempt:
    """One connection that somebody tries to link."""

    def __init__(self, cloud: Cloud, company: str, connection: str) -> None:
        owner = owner_of(cloud, company)
        document = cloud.store.latest(CONNECTION, company, connection)
        if owner is None or document is None:
            raise LookupError(connection)
        self.cloud = cloud
        self.instance = owner
        self.company = company
        self.connection = connection
        self.document: Document = document
        self.platform = world.PLATFORMS[document["platform"]]

    def succeed(self) -> Answer:
        """The connection is Linked, its errors are over, and the first sync starts.

        A company has one active accounting connection (Codat's description, Connection); how a
        second one is refused is undocumented.
        """
        if self.platform.source_type == ACCOUNTING and self._has_another():
            return self.fail(
                _Refused("409", "Conflict", "Another accounting connection is linked.")
            )
        now = timestamp(self.cloud.clock.now())
        errors = [
            {**error, "status": "Resolved", "resolvedOnUtc": now}
            if error["status"] == "Active"
            else error
            for error in self.document["errors"]
        ]
        self._put({**self.document, "status": LINKED, "errors": errors})
        data.fetch(self.cloud, self.instance, self.company, self.connection, self.document)
        return message_page("Connected", f"{self.platform.name} is connected.")

    def fail(self, problem: _Refused) -> Answer:
        """The connection stays as it is, with one error more."""
        error = {
            "statusCode": problem.status_code,
            "statusText": problem.status_text,
            "errorMessage": problem.message,
            "erroredOnUtc": timestamp(self.cloud.clock.now()),
            "status": "Active",
        }
        self._put({**self.document, "errors": [*self.document["errors"], error]})
        text = f"{self.platform.name} could not be connected. {problem.message}"
        return message_page("Not connected", text, status=400, problem=True)

    def _has_another(self) -> bool:
        return any(
            document["status"] == LINKED
            and world.PLATFORMS[document["platform"]].source_type == ACCOUNTING
            for connection, document in connections_of(self.cloud, self.company)
            if connection != self.connection
        )

    def _put(self, document: Document) -> None:
        put_connection(self.cloud, self.instance, self.company, self.connection, document)


def handler(cloud: Cloud) -> Handler:
    """The handler of the hosts that a customer's browser comes by."""
    sign_in = entra.handler(cloud)

    def handle(call: Call) -> Answer:
        if call.method != "GET":
            return message_page("Not allowed", "Open this page with GET.", status=405, problem=True)
        if call.host == CALLBACK_HOST and call.path == CALLBACK_PATH:
            return _returned(cloud, call, sign_in)
        match [unquote(part) for part in call.path.strip("/").split("/")]:
            case ["companies", company, "connections", connection, "start"] if (
                call.host == LINK_HOST
            ):
                return _started(cloud, company, connection)
        return _not_found()

    return handle


def _started(cloud: Cloud, company: str, connection: str) -> Answer:
    try:
        attempt = _Attempt(cloud, company, connection)
    except LookupError:
        return _not_found()
    platform, instance = attempt.platform, attempt.instance
    settings = settings_of(cloud, instance, platform)
    if not is_enabled(cloud, instance, platform):
        return attempt.fail(_Refused("403", "Not enabled.", f"{platform.name} is not enabled."))
    if not platform.needs_keys:
        return attempt.succeed()
    if platform.key != world.BUSINESS_CENTRAL:
        return attempt.fail(_Refused("501", "Not supported.", "Not supported."))
    if not settings.is_set_up:
        return attempt.fail(_Refused("403", "Not set up.", f"{platform.name} has no credentials."))
    state = secrets.token_urlsafe(24)
    cloud.store.put(
        ATTEMPT,
        GLOBAL,
        state,
        {"company": company, "connection": connection, "at": cloud.clock.now()},
    )
    return redirect(
        with_query(
            f"https://{entra.HOST}{SIGN_IN}/authorize",
            {
                "client_id": settings.client_id,
                "redirect_uri": CALLBACK,
                "response_type": "code",
                "scope": SCOPE,
                "state": state,
            },
        )
    )


def _returned(cloud: Cloud, call: Call, sign_in: Handler) -> Answer:
    fields = call.params
    state = fields.get("state", "")
    kept = cloud.store.latest(ATTEMPT, GLOBAL, state)
    if kept is None or cloud.clock.now() - kept["at"] > ATTEMPT_SECONDS:
        return _not_found()
    cloud.store.put(ATTEMPT, GLOBAL, state, None)
    try:
        attempt = _Attempt(cloud, kept["company"], kept["connection"])
    except LookupError:
        return _not_found()
    try:
        _exchange(attempt, fields, sign_in)
    except _Refused as problem:
        return attempt.fail(problem)
    return attempt.succeed()


def _exchange(attempt: _Attempt, fields: dict[str, str], sign_in: Handler) -> None:
    """Turn the code into tokens with the saved pair, as it is now."""
    if "code" not in fields:
        error = fields.get("error", "")
        status_code = "403" if error == "access_denied" else "400"
        raise _Refused(status_code, error, fields.get("error_description", ""))
    settings = settings_of(attempt.cloud, attempt.instance, attempt.platform)
    form = {
        "grant_type": "authorization_code",
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
        "code": fields["code"],
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
    }
    answer = sign_in(Call("POST", entra.HOST, f"{SIGN_IN}/token", body=urlencode(form).encode()))
    if answer.status != 200:
        body = json.loads(answer.body)
        raise _Refused(str(answer.status), body["error"], body["error_description"])


def _not_found() -> Answer:
    return message_page("Not found", "There is no such link.", status=404, problem=True)
