"""What others do in a rehearsal by a service's API, where it has no pages for it.

An administrator at a customer's removes the application from their tenant, or an extension from an
environment; Codat syncs by its schedule, which the rehearsal's does not have.
"""

from __future__ import annotations

import base64
import json
import ssl
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from bcrunbook.rehearsal.description import RehearsalDescription
from bcrunbook.rehearsal.first_party_apps import AZURE_POWERSHELL_APP_ID
from bcrunbook.rehearsal.people.browser import SECONDS, UnexpectedPage

GRAPH: Final = "https://graph.microsoft.com"
BUSINESS_CENTRAL: Final = "https://api.businesscentral.dynamics.com"
CODAT: Final = "https://api.codat.io"
_ADMIN: Final = f"{BUSINESS_CENTRAL}/admin/v2.29/applications/BusinessCentral/environments"
_PAGE: Final = 100


class Outside:
    """Whoever is not this program.

    Args:
        description: the running rehearsal cloud.
    """

    def __init__(self, description: RehearsalDescription) -> None:
        self._description = description
        context = ssl.create_default_context(cafile=description.ca)
        self._opener = build_opener(
            ProxyHandler({"https": description.proxy}), HTTPSHandler(context=context)
        )

    def remove_application(self, upn: str, client_id: str) -> None:
        """An administrator removes an application from their tenant, and its consents with it.

        Args:
            upn: the administrator's sign-in name.
            client_id: the application's.

        Raises:
            UnexpectedPage: it was refused.
        """
        token = self._token(upn, GRAPH, self._description.clients["bootstrap"])
        self._call("DELETE", f"{GRAPH}/v1.0/servicePrincipals(appId='{client_id}')", token)

    def uninstall(self, upn: str, environment: str, publisher: str) -> None:
        """An administrator uninstalls a publisher's app in an environment.

        Args:
            upn: the administrator's sign-in name.
            environment: the environment's name.
            publisher: the app's publisher.

        Raises:
            UnexpectedPage: it was refused, or there is none.
        """
        token = self._token(upn, BUSINESS_CENTRAL, AZURE_POWERSHELL_APP_ID)
        apps = f"{_ADMIN}/{quote(environment)}/apps"
        there = self._call("GET", apps, token)["value"]
        found = next((one["id"] for one in there if one["publisher"] == publisher), None)
        if found is None:
            raise UnexpectedPage(f"{environment} has no app of {publisher}")
        self._call("POST", f"{apps}/{found}/uninstall", token, {})

    def sync(self, instance: str, data_type: str) -> int:
        """Codat syncs a data type of every Linked connection of an instance, as by its schedule.

        Args:
            instance: the instance's name.
            data_type: the data type.

        Returns:
            How many there were.

        Raises:
            UnexpectedPage: it was refused.
        """
        key = next(
            one["api_key"]
            for one in self._description.codat["instances"]
            if one["name"] == instance
        )
        header = f"Basic {base64.b64encode(key.encode()).decode()}"
        listed = self._call("GET", f"{CODAT}/companies?page=1&pageSize={_PAGE}", header)
        linked = [
            (company["id"], connection["id"])
            for company in listed["results"]
            for connection in company["dataConnections"]
            if connection["status"] == "Linked"
        ]
        for company, connection in linked:
            queue = f"{CODAT}/companies/{company}/data/queue/{data_type}"
            self._call("POST", f"{queue}?connectionId={connection}", header)
        return len(linked)

    def _token(self, upn: str, resource: str, client: str) -> str:
        domain = upn.rpartition("@")[2]
        tenant = next(one for one in self._description.tenants if one["domain"] == domain)
        user = next(one for one in tenant["users"] if one["upn"] == upn)
        form = {
            "grant_type": "password",
            "client_id": client,
            "username": upn,
            "password": user["password"],
            "scope": f"{resource}/.default",
        }
        address = f"https://login.microsoftonline.com/{tenant['id']}/oauth2/v2.0/token"
        answer = self._send(Request(address, urlencode(form).encode(), method="POST"))
        return f"Bearer {answer['access_token']}"

    def _call(self, method: str, address: str, authorization: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        return self._send(Request(address, content, headers, method=method))  # noqa: S310  (https)

    def _send(self, request: Request) -> Any:
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                content = answer.read()
        except HTTPError as refusal:
            what = f"{request.method} {request.full_url.partition('?')[0]}"
            raise UnexpectedPage(f"{what} was answered with {refusal.code}") from None
        return json.loads(content) if content else None
