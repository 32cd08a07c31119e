"""An independent client of the rehearsal cloud, without any of the program's own code."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import httpx

from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.signin import DeviceCode
from tests.support.clock import pass_time

MakeClient = Callable[..., "IndependentClient"]


class IndependentClient:
    """Microsoft Graph as the batch identity sees it, without any of the program's own code."""

    def __init__(self, cloud: RehearsalDescription, tenant: str | None = None) -> None:
        context = ssl.create_default_context(cafile=cloud.ca)
        self.http = httpx.Client(proxy=cloud.proxy, verify=context, timeout=20)
        self.cloud = cloud
        tenant = tenant or cloud.accounts["trial"]["tenant"]
        self.login = f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
        self.token = self.ask_token(
            cloud.batch_identity["client_id"], cloud.batch_identity["client_secret"]
        )["access_token"]

    def ask_token(self, client_id: str, secret: str) -> dict[str, Any]:
        """The token endpoint's answer to an id and a secret."""
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "scope": "https://graph.microsoft.com/.default",
        }
        return dict(self.http.post(self.login, data=form).json())

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One call, whatever its status: what was written before has spread, and so has this."""
        pass_time(self.cloud)
        answer = self.http.request(
            method,
            f"https://graph.microsoft.com/v1.0{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            json=body,
        )
        if method != "GET":
            pass_time(self.cloud)
        return answer

    def applications(self, name: str) -> list[dict[str, Any]]:
        """The applications tagged for an account."""
        path = f"/applications?$filter=tags/any(t:t eq 'bcrunbook-{name}')"
        return list(self.call("GET", path).json()["value"])

    def application(self, name: str) -> dict[str, Any]:
        """The account's one application."""
        (app,) = self.applications(name)
        return app

    def add_password(self, name: str, description: str, **times: str) -> dict[str, Any]:
        """Make a secret by hand, as somebody else would.

        Args:
            name: the account whose application gets it.
            description: its description.
            times: `startDateTime` and `endDateTime`, as Microsoft Graph takes them.
        """
        body = {"displayName": description, **times}
        path = f"/applications/{self.application(name)['id']}/addPassword"
        made: dict[str, Any] = self.call("POST", path, {"passwordCredential": body}).json()
        return made

    def grants(self, app_id: str) -> list[dict[str, Any]]:
        """The tenant-wide grants that an application holds."""
        own = self.call("GET", f"/servicePrincipals(appId='{app_id}')").json()["id"]
        return list(
            self.call("GET", f"/oauth2PermissionGrants?$filter=clientId eq '{own}'").json()["value"]
        )


class _Forms(HTMLParser):
    """The first form of a page: where it goes, and what its fields hold already."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = attributes.get("action") or "."
        if tag == "input" and attributes.get("name") and attributes.get("type") != "checkbox":
            self.fields[attributes["name"]] = attributes.get("value", "")


def browse(url: str, **answers: str) -> httpx.Response:
    """Go through the pages behind `url` as a person would, filling in every form.

    Args:
        url: where to begin.
        answers: what to type, by field name; `decision` is the button of a consent page.
    """
    with httpx.Client(follow_redirects=True, timeout=20) as browser:
        page = browser.get(url)
        for _ in range(8):
            form = _Forms()
            form.feed(page.text)
            if not form.action:
                break
            typed = {name: answers.get(name, held) for name, held in form.fields.items()}
            if 'name="decision"' in page.text:
                typed["decision"] = answers.get("decision", "accept")
            try:
                page = browser.post(str(page.url.join(form.action)), data=typed)
            except httpx.ConnectError:
                break  # sent back to a page outside this machine, as in real life
        return page


class Typist:
    """A person at a device code sign-in: opens the page and types, in a thread."""

    def __init__(self, upn: str, password: str) -> None:
        self.upn = upn
        self.password = password
        self.asked = 0

    def show_device_code(self, code: DeviceCode) -> None:
        """Type the code, the name and the password."""
        self.asked += 1
        answers = {"otc": code.code, "username": self.upn, "password": self.password}
        threading.Thread(target=browse, args=(code.url,), kwargs=answers, daemon=True).start()

    def say_browser_opens(self) -> None:
        """Nothing to do: the browser itself is played by the test."""
        self.asked += 1


def person_of(cloud: RehearsalDescription, login: str, kind: str = "trial") -> Typist:
    """One of the people of a rehearsal's tenant, by the beginning of their name."""
    tenant = cloud.accounts[kind]["tenant"]
    for one in cloud.tenants:
        for user in one["users"]:
            if one["id"] == tenant and user["upn"].startswith(login):
                return Typist(user["upn"], user["password"])
    raise LookupError(login)
