"""To Microsoft and back: the customer signs in to the saved client id, and a code comes back.

The code is exchanged with the pair as it is saved then: here a wrong pair shows for the first time.

Source: Entra docs, "OAuth 2.0 authorization code flow"; Codat docs, the Business Central set-up
page (redirect address). What Codat says to a browser that brings an administrator's consent is
undocumented: a plain message here.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat.link import visits
from bcrunbook.rehearsal.codat.link.attempt import Attempt, Refused
from bcrunbook.rehearsal.codat.link.pages import message_page, see_other
from bcrunbook.rehearsal.codat.link.visits import Visit
from bcrunbook.rehearsal.codat.world import CALLBACK_HOST, LINK_HOST
from bcrunbook.rehearsal.entra.pages import LOGIN_HOST
from bcrunbook.rehearsal.keys import split_token
from bcrunbook.rehearsal.messages import Answer, Call, Handler, redirect, with_query

CALLBACK_PATH: Final = "/oauth/callback"
CALLBACK: Final = f"https://{CALLBACK_HOST}{CALLBACK_PATH}"
SIGN_IN: Final = "/common/oauth2/v2.0"
SCOPE: Final = "https://api.businesscentral.dynamics.com/.default offline_access"


def away(attempt: Attempt) -> Answer:
    """Send the customer to Microsoft."""
    return redirect(
        with_query(
            f"https://{LOGIN_HOST}{SIGN_IN}/authorize",
            {
                "client_id": attempt.settings.client_id,
                "redirect_uri": CALLBACK,
                "response_type": "code",
                "scope": SCOPE,
                "state": attempt.begin_visit(),
            },
        )
    )


def returned(cloud: RehearsalCloud, call: Call, sign_in: Handler) -> Answer:
    """The customer is back: exchange the code, and let them choose a company.

    Raises:
        LookupError: nobody is expected back like this.
    """
    fields = call.params
    if fields.get("admin_consent"):
        return _consented(fields)
    state = fields.get("state", "")
    visit = visits.find(cloud, state)
    if visit is None:
        raise LookupError("state")
    visits.end(cloud, state)
    attempt = Attempt(cloud, visit.company, visit.connection)
    try:
        known = _exchange(attempt, visit, fields, sign_in)
    except Refused as problem:
        return attempt.fail(problem)
    path = f"/companies/{visit.company}/connections/{visit.connection}/company"
    token = visits.begin(cloud, known)
    return see_other(with_query(f"https://{LINK_HOST}{path}", {"visit": token}))


def _exchange(attempt: Attempt, visit: Visit, fields: dict[str, str], sign_in: Handler) -> Visit:
    """Turn the code into tokens with the saved pair, as it is now; answers who it is."""
    if "code" not in fields:
        error = fields.get("error", "")
        status_code = "403" if error == "access_denied" else "400"
        raise Refused(status_code, error, fields.get("error_description", ""))
    settings = attempt.settings
    form = {
        "grant_type": "authorization_code",
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
        "code": fields["code"],
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
    }
    answer = sign_in(Call("POST", LOGIN_HOST, f"{SIGN_IN}/token", body=urlencode(form).encode()))
    body = json.loads(answer.body)
    if answer.status != 200:
        raise Refused(str(answer.status), body["error"], body["error_description"])
    _, claims, _, _ = split_token(body["access_token"])
    return replace(visit, tenant=claims["tid"], user=claims["oid"], client_id=settings.client_id)


def _consented(fields: dict[str, str]) -> Answer:
    if "error" in fields:
        text = fields.get("error_description", "")
        return message_page("Consent was not given", text, status=400, problem=True)
    return message_page(
        "Consent was given",
        "Your organization has approved the application. Whoever was asked to link can do it now.",
    )
