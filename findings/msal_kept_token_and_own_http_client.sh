#!/usr/bin/env bash
# MSAL Python 1.39.0 with an HTTP client of one's own: a kept token that is good for a day does not
# bridge an outage of the token endpoint, unless the client happens to raise what `requests` raises.
#
# Entra may answer a token request with `refresh_in`: from then on MSAL asks for a new token at each
# call, although the kept one is good for much longer, and should go on with the kept one if that
# fails. It does so when the endpoint refuses in JSON with a status below 500, and when the client
# (`http_client`, a documented argument) raises requests.exceptions.RequestException. With any other
# exception, such as the ones of another HTTP library, and with a 5xx, the call fails.
#
# Seen on 2026-11-28, CPython 3.11:
#   400 in JSON: kept token
#   requests.exceptions.ConnectionError: kept token
#   ConnectionError: ConnectionError
#   503: MsalServiceError
#
# Fails when any of the lines differs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet msal==1.39.0 2>/dev/null
cat > outage.py <<'PY'
import json
import time

import msal
import requests

BASE = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555"


class Answer:
    def __init__(self, status, body):
        self.status_code, self.text, self.headers = status, json.dumps(body), {}

    def raise_for_status(self):
        if self.status_code >= 400:
            raise RuntimeError(f"status {self.status_code}")


class Client:
    """An HTTP client as MSAL takes one; what the token endpoint does is set from outside."""

    def __init__(self):
        self.then = lambda: Answer(
            200,
            {"access_token": "kept", "token_type": "Bearer", "expires_in": 86399, "refresh_in": 1},
        )

    def get(self, url, **_):
        return Answer(
            200,
            {
                "tenant_discovery_endpoint": f"{BASE}/v2.0/.well-known/openid-configuration",
                "authorization_endpoint": f"{BASE}/oauth2/v2.0/authorize",
                "token_endpoint": f"{BASE}/oauth2/v2.0/token",
                "issuer": f"{BASE}/v2.0",
                "metadata": [],
            },
        )

    def post(self, url, **_):
        return self.then()

    def close(self):
        pass


def raising(error):
    def then():
        raise error

    return then


outages = {
    "400 in JSON": lambda: Answer(400, {"error": "invalid_request"}),
    "requests.exceptions.ConnectionError": raising(requests.exceptions.ConnectionError("gone")),
    "ConnectionError": raising(ConnectionError("gone")),
    "503": lambda: Answer(503, {}),
}
for name, outage in outages.items():
    client = Client()
    app = msal.ConfidentialClientApplication(
        "client", client_credential="secret", authority=BASE, http_client=client
    )
    app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    time.sleep(1.1)
    client.then = outage
    try:
        answer = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
        told = "kept token" if answer.get("access_token") == "kept" else f"{answer}"
    except Exception as error:
        told = type(error).__name__
    print(f"{name}: {told}")
PY
venv/bin/python outage.py | tee said.txt
diff said.txt - <<'SEEN'
400 in JSON: kept token
requests.exceptions.ConnectionError: kept token
ConnectionError: ConnectionError
503: MsalServiceError
SEEN
