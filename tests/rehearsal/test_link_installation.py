"""From the choice of a company to a connection that is Linked, and what happens to it later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bcrunbook.rehearsal import launch
from bcrunbook.rehearsal.people import UnexpectedPage
from tests.rehearsal.codat_support import SANDBOX
from tests.rehearsal.linking import (
    SITES_ADMIN,
    Scene,
    scene_at,
    set_scene,
    until,
)
from tests.rehearsal.support import Graph, client_of, eventually, hidden_fields, user_token
from tests.support.clock import pass_time
from tests.support.conformance import read_codat_description


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A cloud of its own; each test links an environment that no other test does."""
    with scene_at(tmp_path_factory.mktemp("installing"), skips=True) as made:
        yield made


def test_the_whole_way(scene: Scene) -> None:
    """The page shows the installation, the connection is Linked after it, and data is fetched.

    contract C8.5, C9.1, C11.1 and C11.10
    """
    link = scene.linkable()
    ended = scene.customer().link(link.url, environment="Normal", company="CRONUS UK Ltd.")
    assert "Normal (company CRONUS UK Ltd.)" in ended
    linked = link.linked()
    assert "dataConnectionErrors" not in linked
    pulls = link.settled()
    assert {one["status"] for one in pulls} == {"Complete"} and len(pulls) > 20
    assert link.read()["lastSync"] == max(one["completed"] for one in pulls)
    page = scene.page(link)
    assert "successfully installed" in page.text and 'http-equiv="refresh"' not in page.text
    assert f'href="https://app.millrace.example/linked/{link.company}"' in page.text


def test_fetch_errors_while_it_is_being_installed(scene: Scene) -> None:
    """Linked before the extension is there: the first sync fails, and a later pull does not.

    contract C9.11, C9.15, C11.8, C11.10 and C12.8
    """
    link = scene.linkable()
    scene.customer().link(link.url, environment="FetchErrors")
    link.linked()
    pulls = link.settled()
    assert {(one["status"], one["isErrored"], one["isCompleted"]) for one in pulls} == {
        ("FetchError", True, False)
    }
    assert all(one["errorMessage"] and one["statusDescription"] for one in pulls)
    assert "lastSync" not in link.read()
    path = f"/companies/{link.company}"
    status = link.codat("GET", f"{path}/dataStatus").json()["company"]
    assert status["currentStatus"] == "FetchError" and "lastSuccessfulSync" not in status
    failed = f"{path}/data/history?page=1&query=status%3DFetchError%26%26isErrored%3Dtrue"
    assert link.codat("GET", failed).json()["totalResults"] == len(pulls)
    for answer in (
        link.codat("GET", f"{path}/data/history"),
        link.codat("GET", f"{path}/dataStatus"),
        link.codat("GET", link.path),
    ):
        read_codat_description().check_answer(answer)

    until(lambda: "successfully installed" in scene.page(link).text)
    done = link.pull()
    assert done["status"] == "Complete" and done["completed"] == link.read()["lastSync"]
    status = link.codat("GET", f"{path}/dataStatus").json()["company"]
    assert status["latestSuccessfulSyncId"] == status["latestSyncId"] == done["id"]
    # Everything may be asked for again, as nothing is on its way.
    assert link.codat("POST", f"{path}/data/all").status_code == 204
    assert {one["status"] for one in link.settled()[: len(pulls)]} == {"Complete"}


def test_an_installation_that_never_ends(scene: Scene) -> None:
    """The connection is Linked, the page goes on loading itself, and nothing can be fetched.

    contract C11.7
    """
    link = scene.linkable()
    scene.customer().link(link.url, environment="NeverFinishes")
    link.linked()
    page = scene.page(link)
    assert "being installed" in page.text and 'http-equiv="refresh"' in page.text
    link.settled()
    assert link.pull()["status"] == "FetchError"


def test_a_refused_installation(scene: Scene) -> None:
    """Without the licence or the permission set the connection stays waiting, and says so.

    contract B10.4, C11.11, C12.7 and C12.11
    """
    link = scene.linkable()
    ended = scene.customer().link(link.url, environment="LicenceMissing")
    assert ended.startswith("Not connected") and "EXTEN. MGT. - ADMIN" in ended
    found = link.read()
    (error,) = found["dataConnectionErrors"]
    assert "EXTEN. MGT. - ADMIN" in error["errorMessage"] and error["status"] == "Active"
    assert found["status"] == "PendingAuth" and link.pulls() == []


def test_somebody_who_may_not(scene: Scene) -> None:
    """A member needs an administrator's consent, and may still not install.

    contract C11.2, C11.3 and C12.6
    """
    link = scene.linkable()
    member = scene.customer("cal.webb@brackenfield-bakery.example")
    ended = member.link(link.url, environment="Production")
    assert "AADSTS90094" in ended
    baker = scene.customer("ines.moura@brackenfield-bakery.example")
    assert "approved" in baker.consent(scene.client_id)
    ended = member.link(link.url, environment="Production")
    assert "cal.webb@" in ended and "EXTEN. MGT. - ADMIN" in ended
    assert len(link.read()["dataConnectionErrors"]) == 2
    # The same connection, by somebody who may.
    assert "being installed" in baker.link(
        link.url, environment="Production", company="Brackenfield Bakery Ltd"
    )
    assert {one["status"] for one in link.linked()["dataConnectionErrors"]} == {"Resolved"}
    with pytest.raises(UnexpectedPage, match="Nowhere"):
        baker.link(scene.linkable().url, environment="Nowhere")
    with pytest.raises(UnexpectedPage, match="no button"):
        baker.close(scene.linkable().url)


def test_an_organisation_without_business_central(scene: Scene) -> None:
    """An accountant's own organisation has no environment to connect."""
    link = scene.linkable()
    accountant = scene.customer("mira.petrov@quill-ledger.example")
    ended = accountant.link(link.url, environment="Production")
    assert "no Business Central environment" in ended
    assert link.read()["status"] == "PendingAuth"


def test_pages_that_are_loaded_again_start_nothing_twice(scene: Scene) -> None:
    """The form is good once, whoever sends it, and the first sync happens once."""
    link = scene.linkable()
    http = httpx.Client(base_url=scene.description.pages, trust_env=False, follow_redirects=True)
    with http:
        start = link.url.removeprefix("https:/")
        page = http.get(start)
        page = http.post(start, data=hidden_fields(page.text))
        typed = {"username": SITES_ADMIN, "password": password_of(scene, SITES_ADMIN)}
        page = http.post(action(page), data={**hidden_fields(page.text), **typed})
        page = http.post(action(page), data={**hidden_fields(page.text), "decision": "accept"})
        again = http.get(str(page.url))
        assert again.text == page.text
        form = {**hidden_fields(page.text), "company": "nothing"}
        assert http.post(action(page), data=form).status_code == 400
        other = scene.linkable().url.removeprefix("https:/").replace("start", "company")
        assert http.post(other, data=form).status_code == 404
        form["company"] = "Site-0004/0"
        installing = http.post(action(page), data=form)
        assert installing.url.path.endswith("/installation")
        assert http.post(action(page), data=form).url == installing.url
        assert http.get(str(page.url)).status_code == 404
        first = link.settled()
        assert http.post(action(page), data=form).url == installing.url
        assert link.settled() == first
        assert http.get(start.replace("start", "close")).status_code == 405
        assert http.put(start).status_code == 405


def test_leaving_early_and_going_on(tmp_path: Path) -> None:
    """Whoever leaves before it is Linked has to open the link again, and goes on from there.

    contract C8.4, C11.9 and C12.7
    """
    with (
        launch(tmp_path, skips=True, lags="worst") as description,
        client_of(description) as http,
    ):
        scene = set_scene(description, http)
        scene.save()
        link = scene.linkable()
        scene.customer().link(link.url, environment="Slow")
        assert "Open the link again" in scene.customer().close(link.url)
        assert link.read()["status"] == "PendingAuth"
    with launch(tmp_path, skips=True) as description, client_of(description) as http:
        # The installation itself goes on, and after an hour it is long done.
        pass_time(description, 3600)
        scene = replace(scene, description=description, http=http, codat=link.codat)
        link.codat.http = http
        assert "Not finished" in scene.page(link).text
        assert link.read()["status"] == "PendingAuth" and link.pulls() == []
        ended = scene.customer().link(link.url, environment="Slow")
        assert "successfully installed" in ended
        assert link.read()["status"] == "Linked"
        assert {one["status"] for one in link.settled()} == {"Complete"}
        # Closing the window of a connection that is Linked changes nothing.
        assert "connected already" in scene.http.post(link.url.replace("start", "close")).text
        assert link.read()["status"] == "Linked"


@pytest.mark.parametrize(
    ("environment", "state"),
    [("LaterUninstalled", "uninstalled"), ("LaterUnpublished", "unpublished")],
)
def test_an_extension_that_is_removed_later(scene: Scene, environment: str, state: str) -> None:
    """After the removal nothing can be fetched any more; what was fetched stays.

    contract C11.15 and C11.16
    """
    link = scene.linkable()
    scene.customer().link(link.url, environment=environment)
    assert {one["status"] for one in link.settled()} == {"Complete"}
    until(lambda: state in scene.page(link).text)
    synced = link.read()["lastSync"]
    assert link.pull()["status"] == "FetchError"
    found = link.read()
    assert (found["status"], found["lastSync"]) == ("Linked", synced)
    path = f"/companies/{link.company}/dataStatus"
    status = link.codat("GET", path).json()["company"]
    assert status["currentStatus"] == "FetchError" and status["lastSuccessfulSync"]


def test_a_consent_that_is_withdrawn(scene: Scene) -> None:
    """Without the principal in the customer's directory there is no access; linking again helps.

    contract C8.6, C9.12, C11.17 and C12.9
    """
    upn = "owen.pryce@tidewater-joinery.example"
    link = scene.linkable()
    scene.customer(upn).link(link.url, environment="Production")
    link.linked()
    # Linked comes before the extension here: without this wait the sync below may fail for that.
    until(lambda: "successfully installed" in scene.page(link).text)
    tenant = next(one for one in scene.description.tenants if upn.endswith(one["domain"]))
    user = {"tenant": tenant["id"], "upn": upn, "password": password_of(scene, upn)}
    graph = Graph(scene.http, user_token(scene.http, scene.description, user))
    one = f"/servicePrincipals(appId='{scene.client_id}')"
    eventually(lambda: graph("DELETE", one), until=204)
    found = link.read()
    assert found["status"] == "Deauthorized"
    (error,) = found["dataConnectionErrors"]
    assert error["status"] == "Active" and "AADSTS65001" in error["errorMessage"]
    assert link.pull()["status"] == "AuthError"
    read_codat_description().check_answer(link.codat("GET", link.path))
    assert link.read()["dataConnectionErrors"] == [error]
    scene.customer(upn).link(link.url, environment="Production")
    assert link.linked()["dataConnectionErrors"][0]["status"] == "Resolved"
    # The first sync after it succeeds: nothing is left of the time without consent.
    link.settled()
    status = link.codat("GET", f"/companies/{link.company}/dataStatus").json()["company"]
    assert status["currentStatus"] == "Complete"


def test_one_accounting_connection_only(scene: Scene) -> None:
    """A company whose other accounting connection is Linked cannot link a second one.

    contract C8.10 and C8.11
    """
    company, _ = scene.codat.linked()
    link = scene.linkable(company=company)
    ended = scene.customer(SITES_ADMIN).link(link.url, environment="Site-0008")
    assert "Another accounting connection is linked" in ended
    assert link.read()["status"] == "PendingAuth"
    waiting = scene.linkable()
    scene.customer(SITES_ADMIN).link(waiting.url, environment="Site-0012")
    sandbox = scene.linkable(SANDBOX, waiting.company)
    assert scene.http.get(sandbox.url).status_code == 400


def test_unlinking_while_linking_again(scene: Scene) -> None:
    """Unlinked means unlinked, also when somebody is on the way to link it anew (contract C8.7)."""
    link = scene.linkable()
    scene.customer(SITES_ADMIN).link(link.url, environment="Site-0016")
    link.linked()
    assert link.codat("PATCH", link.path, {"status": "Unlinked"}).json()["status"] == "Unlinked"
    assert link.codat("POST", f"/companies/{link.company}/data/all").status_code == 400
    scene.customer(SITES_ADMIN).link(link.url, environment="Site-0016")
    link.linked()


def test_a_renamed_environment(scene: Scene) -> None:
    """A new name on the way does no harm, and is the one that is offered next."""
    link = scene.linkable()
    scene.customer().link(link.url, environment="Renamed")
    assert {one["status"] for one in link.settled()} == {"Complete"}
    assert "Renamed-renamed" in scene.page(link).text
    second = scene.linkable()
    ended = scene.customer().link(second.url, environment="Renamed-renamed")
    assert "successfully installed" in ended
    assert second.read()["status"] == "Linked"


def test_a_redirect_address_within_the_rehearsal(scene: Scene) -> None:
    """It is followed and filled in; one that leads out is only offered, and nothing else is.

    contract C8.23 and C8.24
    """
    link = scene.linkable()
    profile = scene.codat("GET", "/profile").json()
    try:
        names = (
            *("clientId", "companyId", "connectionId", "integrationId", "sourceId", "platform"),
            *("platformName", "sourceType", "statusCode", "statusText", "errorMessage"),
            *("data.company.companyName", "COMPANYID"),
        )
        here = f"{scene.description.pages}/?{'&'.join(f'{one}={{{one}}}' for one in names)}"
        scene.codat("PUT", "/profile", {**profile, "redirectUrl": here})
        scene.customer(SITES_ADMIN).link(link.url, environment="Site-0020")
        done = until(lambda: moved(scene.page(link)))
        query = httpx.URL(done).params
        settings = scene.codat("GET", "/profile/syncSettings").json()
        assert query["clientId"] == settings["clientId"]
        assert (query["companyId"], query["statusCode"]) == (link.company, "200")
        assert query["connectionId"] == link.path.rpartition("/")[2]
        integration = scene.codat("GET", "/integrations/trji").json()
        for name in ("integrationId", "sourceId", "sourceType"):
            assert query[name] == integration[name]
        assert (query["platform"], query["platformName"]) == ("trji", integration["name"])
        assert (query["statusText"], query["errorMessage"]) == ("", "")
        assert query["data.company.companyName"] == "CRONUS UK Ltd."
        assert query["COMPANYID"] == "{COMPANYID}"
        hostile = 'javascript:alert("{companyId}")'
        scene.codat("PUT", "/profile", {**profile, "redirectUrl": hostile})
        page = scene.page(link)
        assert "successfully installed" in page.text and "javascript" not in page.text
    finally:
        scene.codat("PUT", "/profile", profile)


def test_names_are_escaped(scene: Scene) -> None:
    """What an instance calls itself is text on the pages, whatever it is."""
    profile = scene.codat("GET", "/profile").json()
    try:
        scene.codat("PUT", "/profile", {**profile, "name": "<b>M & S</b>"})
        page = scene.http.get(scene.linkable().url)
        assert "&lt;b&gt;M &amp; S&lt;/b&gt;" in page.text and "<b>M" not in page.text
    finally:
        scene.codat("PUT", "/profile", profile)


def test_nothing_secret_is_in_the_log(scene: Scene) -> None:
    """Codes and tokens of a visit are in addresses, and no address is logged with them."""
    scene.customer(SITES_ADMIN).link(scene.linkable().url, environment="Site-0024")
    log = Path(scene.description.requests).read_text("utf-8")
    assert "oauth/callback" in log
    assert not re.search(r"code=|state=|visit=", log)


def moved(answer: httpx.Response) -> str:
    """Where a page sends the browser; nothing where it does not."""
    return str(answer.headers.get("location", ""))


def action(page: httpx.Response) -> str:
    """Where the form of a page goes."""
    found = re.search(r'<form method="post" action="([^"]*)"', page.text)
    assert found, page.text
    return str(page.url.join(found[1]))


def password_of(scene: Scene, upn: str) -> str:
    """A person's password."""
    users = [user for tenant in scene.description.tenants for user in tenant["users"]]
    return str(next(user["password"] for user in users if user["upn"] == upn))
