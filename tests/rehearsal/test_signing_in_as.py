"""The sign-in pages offer the rehearsal's people, who sign in with one click."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.support import hidden_fields, person, submit

GRAPH = "https://graph.microsoft.com/User.Read"


def authorize(rehearsal: RehearsalDescription, authority: str) -> str:
    """Where a browser begins to sign in to the program."""
    query = httpx.QueryParams(
        client_id=rehearsal.clients["bootstrap"],
        redirect_uri="http://localhost",
        response_type="code",
        scope=GRAPH,
    )
    path = f"login.microsoftonline.com/{authority}/oauth2/v2.0/authorize"
    return f"{rehearsal.pages}/{path}?{query}"


def offers(page: httpx.Response) -> dict[str, dict[str, str]]:
    """The people on a page, by user name, with what their buttons send."""
    buttons = re.findall(
        r'<button type="submit" name="(\w+)" value="([^"]+)">(.*?)</button>', page.text, re.DOTALL
    )
    return {
        unescape(re.sub("<[^>]+>", "", text)).split()[2]: {name: unescape(value)}
        for name, value, text in buttons
        if "<strong>" in text
    }


def pressed(
    browser: httpx.Client, rehearsal: RehearsalDescription, page: httpx.Response, upn: str
) -> httpx.Response:
    """Press somebody's button."""
    return submit(browser, rehearsal.pages, page, **offers(page)[upn])


def test_a_tenants_people_are_offered_and_sign_in_with_one_click(
    rehearsal: RehearsalDescription, browser: httpx.Client
) -> None:
    """All of them, those too who will be refused elsewhere; the code that comes is theirs."""
    admin: dict[str, Any] = person(rehearsal, "Global Administrator")
    page = browser.get(authorize(rehearsal, admin["tenant"]))
    (tenant,) = (one for one in rehearsal.tenants if one["id"] == admin["tenant"])
    assert set(offers(page)) == {one["upn"] for one in tenant["users"]}
    answer = pressed(browser, rehearsal, page, admin["upn"])
    assert answer.status_code == 302
    assert "code=" in answer.headers["Location"]


def test_everybodys_sign_in_offers_everybody_once(
    rehearsal: RehearsalDescription, browser: httpx.Client
) -> None:
    """At the shared endpoint each person is at home once, under their organisation's name."""
    page = browser.get(authorize(rehearsal, "common"))
    assert page.text.count("<summary>") == len(rehearsal.tenants)
    people = [one for tenant in rehearsal.tenants for one in tenant["users"]]
    members = {one["upn"] for one in people if "Guest User" not in one["roles"]}
    assert set(offers(page)) == members


def test_an_offer_that_the_page_did_not_make_signs_nobody_in(
    rehearsal: RehearsalDescription, browser: httpx.Client
) -> None:
    """It asks again, as for a ticket that is over."""
    admin = person(rehearsal, "Global Administrator")
    other = person(rehearsal, "Application Developer")
    page = browser.get(authorize(rehearsal, admin["tenant"]))
    theirs = offers(page)[other["upn"]]["ticket"]
    forged = theirs.replace(other["upn"], admin["upn"])
    for ticket in (forged, f"{admin['tenant']}/{admin['upn']}/00", "//", f"{forged}/x"):
        answer = submit(browser, rehearsal.pages, page, ticket=ticket)
        assert answer.status_code == 200
        assert "<h1>Sign in</h1>" in answer.text


def test_the_portal_offers_its_people_with_what_they_may(
    rehearsal: RehearsalDescription, browser: httpx.Client
) -> None:
    """An Analyst signs in as well, and then finds nothing to click: that is for practising."""
    users = {one["email"]: set(one["roles"].values()) for one in rehearsal.codat["users"]}
    browser.cookies.clear()
    analyst = next(email for email, roles in users.items() if roles == {"Analyst"})
    page = browser.get(f"{rehearsal.codat['portal']}/sign-in")
    assert set(offers(page)) == set(users)
    assert "Analyst: may look, not change" in page.text
    answer = pressed(browser, rehearsal, page, analyst)
    assert answer.status_code == 303
    accounting = f"{rehearsal.codat['portal']}/settings/integrations/accounting"
    listed = browser.get(accounting).text
    assert analyst.partition("@")[0].split(".")[0].capitalize() in listed
    assert "Set up" not in listed


def test_the_portal_takes_nobody_from_another_sites_form(
    rehearsal: RehearsalDescription, browser: httpx.Client
) -> None:
    """Without the form's token a button signs nobody in."""
    browser.cookies.clear()
    page = browser.get(f"{rehearsal.codat['portal']}/sign-in")
    fields = {**hidden_fields(page.text), "form_token": "x"}
    person_of = next(iter(offers(page).values()))
    answer = browser.post(f"{rehearsal.codat['portal']}/sign-in", data={**fields, **person_of})
    assert answer.status_code == 403
