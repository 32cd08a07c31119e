"""Where recordings of Microsoft Graph show how it answers, the stand-in answers alike."""

from __future__ import annotations

import base64
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.codat_support import Codat
from tests.rehearsal.support import (
    Graph,
    eventually,
    person,
    signing_in,
    tenant_of,
    user_token,
    wait_for,
)

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
BUSINESS_CENTRAL_APP = "996def3d-b36c-4153-8607-a6fd3c01b89f"
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?Z")
URIS = ["https://one.example/a", "https://two.example/b", "https://three.example/c"]


def roles(*values: str) -> list[dict[str, Any]]:
    """Application roles of these values."""
    return [
        {
            "id": str(uuid.uuid4()),
            "value": value,
            "displayName": value,
            "description": value,
            "isEnabled": True,
            "allowedMemberTypes": ["User"],
        }
        for value in values
    ]


def needs(*app_ids: str) -> list[dict[str, Any]]:
    """Required permissions of these APIs."""
    access = [{"id": str(uuid.uuid4()), "type": "Scope"}]
    return [{"resourceAppId": app_id, "resourceAccess": access} for app_id in app_ids]


def work_application(graph: Graph, **properties: Any) -> dict[str, Any]:
    """A new application for one tenant, there to be read; as its creation was answered."""
    made = graph("POST", "/applications", {"displayName": "Recorded", **properties})
    assert made.status_code == 201, made.text
    eventually(lambda: graph("GET", f"/applications/{made.json()['id']}"))
    return dict(made.json())


def read(graph: Graph, app: dict[str, Any]) -> dict[str, Any]:
    """The application as a read prints it now."""
    return dict(graph("GET", f"/applications/{app['id']}").json())


# --- what an application is made with ---------------------------------------------------------


def test_without_an_audience_an_application_is_for_one_tenant(admin: Graph) -> None:
    """Neither audience nor token version is made up (contract G3.6)."""
    made = admin("POST", "/applications", {"displayName": "No audience"}).json()
    assert made["signInAudience"] == "AzureADMyOrg"
    assert made["api"]["requestedAccessTokenVersion"] is None


def test_properties_that_nobody_set_are_null(admin: Graph) -> None:
    """An application has these two keys all the same (contract G6.17)."""
    app = work_application(admin)
    for shown in (app, read(admin, app)):
        assert shown["certification"] is None and shown["defaultRedirectUri"] is None


def test_nested_objects_are_filled_up(admin: Graph) -> None:
    """Roles have an origin, and claims all their properties and kinds (contract G6.17)."""
    claims = {"idToken": [{"name": "auth_time", "essential": True}]}
    app = work_application(admin, appRoles=roles("Reader"), optionalClaims=claims)
    for shown in (app, read(admin, app)):
        assert [role["origin"] for role in shown["appRoles"]] == ["Application"]
        assert shown["optionalClaims"] == {
            "idToken": [
                {
                    "name": "auth_time",
                    "source": None,
                    "essential": True,
                    "additionalProperties": [],
                }
            ],
            "accessToken": [],
            "saml2Token": [],
        }


def test_an_organization_has_all_its_keys(admin: Graph) -> None:
    """Those that say nothing here are there as well (contract G6.17)."""
    (organization,) = admin("GET", "/organization").json()["value"]
    assert {
        "isMultipleDataLocationsForServicesEnabled",
        "directorySizeQuota",
        "onPremisesSyncStatus",
        "privacyProfile",
    } <= set(organization)


def test_roles_can_be_patched_onto_an_application_of_the_consumer_audience(admin: Graph) -> None:
    """The documentation rules them out; the service took them and read them back.

    contract G4.11
    """
    app = admin.application()
    where = f"/applications/{app['id']}"
    assert admin("PATCH", where, {"appRoles": roles("Reader")}).status_code == 204
    (role,) = wait_for(lambda: read(admin, app)["appRoles"])
    assert role["value"] == "Reader"


# --- order and dates --------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["web", "publicClient", "spa"])
def test_reads_turn_collections_round(admin: Graph, platform: str) -> None:
    """The answer to a creation keeps the order; every read after it does not (contract G5.10)."""
    given = {
        "appRoles": roles("First", "Second", "Third"),
        "requiredResourceAccess": needs(GRAPH_APP, BUSINESS_CENTRAL_APP),
        platform: {"redirectUris": URIS},
        "optionalClaims": {"idToken": [{"name": "email"}, {"name": "auth_time"}]},
    }
    app = work_application(admin, **given)
    listed = f"/applications?$filter=appId eq '{app['appId']}'"
    later = [
        read(admin, app),
        admin("GET", f"/applications(appId='{app['appId']}')").json(),
        admin("GET", listed).json()["value"][0],
    ]
    for shown, step in ((app, 1), *((one, -1) for one in later)):
        assert [role["value"] for role in shown["appRoles"]][::step] == ["First", "Second", "Third"]
        required = [entry["resourceAppId"] for entry in shown["requiredResourceAccess"]]
        assert required[::step] == [GRAPH_APP, BUSINESS_CENTRAL_APP]
        assert shown[platform]["redirectUris"][::step] == URIS
        assert [claim["name"] for claim in shown["optionalClaims"]["idToken"]] == [
            "email",
            "auth_time",
        ]


def test_a_deleted_application_is_read_the_same_way(admin: Graph) -> None:
    """Deleted items and what is restored of them are reads like any other.

    contract G5.10, G5.13 and G6.8
    """
    app = work_application(admin, web={"redirectUris": URIS})
    admin("DELETE", f"/applications/{app['id']}")
    binned = f"/directory/deletedItems/{app['id']}"
    item = eventually(lambda: admin("GET", binned)).json()
    found = admin("GET", "/directory/deletedItems/graph.application").json()["value"]
    (listed,) = (one for one in found if one["id"] == app["id"])
    restored = admin("POST", f"{binned}/restore").json()
    for shown in (item, listed, restored):
        assert shown["web"]["redirectUris"] == URIS[::-1]


def test_the_newest_secret_comes_first(admin: Graph) -> None:
    """Secrets are read back newest first (contract G5.10 and G7.5)."""
    app = work_application(admin)
    add = f"/applications/{app['id']}/addPassword"
    made = [admin("POST", add, {}).json()["keyId"] for _ in range(3)]
    wait_for(lambda: len(read(admin, app)["passwordCredentials"]) == 3)
    shown = [one["keyId"] for one in read(admin, app)["passwordCredentials"]]
    assert shown == made[::-1]


def test_the_application_id_is_the_first_name_of_a_principal(admin: Graph) -> None:
    """The URIs follow it (contract G5.11)."""
    uri = f"api://{uuid.uuid4()}"
    app = work_application(admin, identifierUris=[uri])
    principal = admin.principal(app["appId"])
    assert principal["servicePrincipalNames"] == [app["appId"], uri]


def test_only_the_creation_tells_the_fraction_of_a_second(admin: Graph) -> None:
    """`createdDateTime` is whole in every read (contract G5.12)."""
    app = work_application(admin)
    later = read(admin, app)["createdDateTime"]
    assert DATE.fullmatch(app["createdDateTime"]) and DATE.fullmatch(later)
    assert app["createdDateTime"].split(".")[0].rstrip("Z") == later.rstrip("Z")
    assert "." not in later


def test_dates_come_back_as_they_were_given_without_zeros_at_the_end(admin: Graph) -> None:
    """In the answer and in every read (contract G5.12)."""
    app = work_application(admin)
    ends = {
        "2099-01-02T03:04:05Z": "2099-01-02T03:04:05Z",
        "2099-01-02T03:04:05.0181570Z": "2099-01-02T03:04:05.018157Z",
    }
    for given, printed in ends.items():
        body = {"passwordCredential": {"endDateTime": given}}
        answer = admin("POST", f"/applications/{app['id']}/addPassword", body).json()
        assert answer["endDateTime"] == printed and DATE.fullmatch(answer["startDateTime"])
    wait_for(lambda: len(read(admin, app)["passwordCredentials"]) == 2)
    shown = {one["endDateTime"] for one in read(admin, app)["passwordCredentials"]}
    assert shown == set(ends.values())


def dates_in(data: Any) -> list[str]:
    """Everything in an answer that begins like a date and time."""
    if isinstance(data, dict):
        return [date for value in data.values() for date in dates_in(value)]
    if isinstance(data, list):
        return [date for value in data for date in dates_in(value)]
    return [data] if isinstance(data, str) and re.match(r"\d{4}-\d\d-\d\dT", data) else []


@pytest.mark.parametrize("path", ["/applications", "/servicePrincipals", "/organization"])
def test_no_date_of_graph_ends_in_zeros(admin: Graph, path: str) -> None:
    """Whatever is printed has the form of recordings (contract G5.12)."""
    found = dates_in(admin("GET", path).json())
    assert found and all(DATE.fullmatch(date) for date in found)


def test_no_date_of_codat_ends_in_zeros(
    rehearsal: RehearsalDescription, http: httpx.Client
) -> None:
    """Nor does one of Codat (contract C2.17)."""
    codat = Codat(http, rehearsal.codat["api_key"])
    company, connection = codat.linked()
    answers = [
        codat("GET", f"/companies/{company}"),
        codat("GET", f"/companies/{company}/connections/{connection}"),
        codat("GET", f"/companies/{company}/data/history?page=1"),
        codat("GET", "/companies"),
    ]
    found = [date for answer in answers for date in dates_in(answer.json())]
    assert len(found) >= 3 and all(DATE.fullmatch(date) for date in found)


# --- changing ---------------------------------------------------------------------------------

WEB = {
    "homePageUrl": "https://home.example",
    "redirectUris": ["https://one.example/a"],
    "implicitGrantSettings": {"enableIdTokenIssuance": True, "enableAccessTokenIssuance": True},
}

PARTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"web": {"logoutUrl": "https://out.example"}}, {"web": {"logoutUrl": "https://out.example"}}),
    ({"web": {"redirectUris": URIS[1:2]}}, {"web": {"redirectUris": URIS[1:2]}}),
    ({"web": {"redirectUris": []}}, {"web": {"redirectUris": []}}),
    ({"web": {"implicitGrantSettings": {}}, "spa": {}, "publicClient": {}, "api": {}}, {}),
    (
        {"web": {"implicitGrantSettings": {"enableIdTokenIssuance": False}}},
        {
            "web": {
                "implicitGrantSettings": {
                    "enableIdTokenIssuance": False,
                    "enableAccessTokenIssuance": True,
                }
            }
        },
    ),
    ({"spa": {"redirectUris": URIS[2:]}}, {"spa": {"redirectUris": URIS[2:]}}),
    ({"publicClient": {"redirectUris": []}}, {"publicClient": {"redirectUris": []}}),
    ({"api": {"acceptMappedClaims": True}}, {"api": {"acceptMappedClaims": True}}),
    (
        {"info": {"supportUrl": "https://help.example"}},
        {"info": {"supportUrl": "https://help.example"}},
    ),
]


@pytest.mark.parametrize(("sent", "changed"), PARTS)
def test_a_complex_property_is_merged(
    admin: Graph, sent: dict[str, Any], changed: dict[str, Any]
) -> None:
    """What a PATCH leaves out of one stays, and a collection is replaced.

    contract G6.4, G6.5 and G6.6
    """
    app = work_application(
        admin,
        web=WEB,
        spa={"redirectUris": ["https://spa.example/a"]},
        publicClient={"redirectUris": ["http://localhost"]},
        api={"requestedAccessTokenVersion": 2},
        info={"termsOfServiceUrl": "https://terms.example"},
    )
    before = read(admin, app)
    body = {"notes": "changed", **sent}
    assert admin("PATCH", f"/applications/{app['id']}", body).status_code == 204
    wait_for(lambda: read(admin, app)["notes"] == "changed")
    after = read(admin, app)
    for name in ("web", "spa", "publicClient", "api", "info"):
        wanted = {**before[name], **changed.get(name, {})}
        assert {**after[name], "redirectUriSettings": None} == {
            **wanted,
            "redirectUriSettings": None,
        }


# --- headers ----------------------------------------------------------------------------------


def test_what_is_made_has_an_address(rehearsal: RehearsalDescription, admin: Graph) -> None:
    """The Location of each creation is the one that recordings have (contract G6.16)."""
    root = f"https://graph.microsoft.com/v2/{tenant_of(rehearsal, 'trial')['id']}"
    kinds = "Microsoft.DirectoryServices"
    made = admin("POST", "/applications", {"displayName": "Located"})
    app = made.json()
    assert made.headers["Location"] == f"{root}/directoryObjects/{app['id']}/{kinds}.Application"
    where = f"/applications/{app['id']}"
    eventually(lambda: admin("GET", where))
    secret = admin("POST", f"{where}/addPassword", {})
    assert secret.headers["Location"] == "https://graph.microsoft.com"
    fic = admin("POST", f"{where}/federatedIdentityCredentials", federated("located"))
    assert fic.headers["Location"] == f"{root}/federatedIdentityCredentials/{fic.json()['id']}"
    sp = eventually(lambda: admin("POST", "/servicePrincipals", {"appId": app["appId"]}), until=201)
    key = sp.json()["id"]
    assert sp.headers["Location"] == f"{root}/directoryObjects/{key}/{kinds}.ServicePrincipal"
    resource = admin("GET", f"/servicePrincipals(appId='{GRAPH_APP}')").json()["id"]
    body = {
        "clientId": key,
        "resourceId": resource,
        "consentType": "AllPrincipals",
        "scope": "User.Read",
    }
    grant = eventually(lambda: admin("POST", "/oauth2PermissionGrants", body), until=201)
    assert grant.headers["Location"] == f"{root}/oauth2PermissionGrants/{grant.json()['id']}"


def test_errors_are_json_without_a_charset(admin: Graph) -> None:
    """Answers that succeed name one (contract G11.9)."""
    refused = admin("GET", f"/applications/{uuid.uuid4()}")
    assert (refused.status_code, refused.headers["Content-Type"]) == (404, "application/json")
    assert admin("GET", "/organization").headers["Content-Type"].endswith("charset=utf-8")


def test_who_sends_no_id_gets_the_services_own_twice(admin: Graph) -> None:
    """`client-request-id` repeats `request-id`, in the headers and in the error.

    contract G11.5
    """
    answer = admin("GET", f"/applications/{uuid.uuid4()}")
    own = answer.headers["request-id"]
    inner = answer.json()["error"]["innerError"]
    assert answer.headers["client-request-id"] == own
    assert inner["request-id"] == inner["client-request-id"] == own


COSTS = [
    ("/applications", 2),
    ("/applications/{app}", 1),
    ("/applications(appId='{client}')", 1),
    ("/users", 2),
    ("/oauth2PermissionGrants", 2),
    ("/servicePrincipals", 1),
    ("/me", 1),
    ("/organization", 1),
    ("/applications?$select=id", 1),
    ("/applications?$expand=owners", 3),
]


@pytest.fixture(scope="module")
def shared(admin: Graph) -> dict[str, Any]:
    """An application for tests that only read it."""
    return work_application(admin, identifierUris=[f"api://{uuid.uuid4()}"])


@pytest.mark.parametrize(("path", "units"), COSTS)
def test_reads_cost_what_they_cost(
    admin: Graph, shared: dict[str, Any], path: str, units: int
) -> None:
    """Lists of applications, people and grants cost two units, a single object one.

    contract G14.3 and G14.5
    """
    answer = admin("GET", path.format(app=shared["id"], client=shared["appId"]))
    assert answer.headers["x-ms-resource-unit"] == str(units)


# --- queries ----------------------------------------------------------------------------------

PLAIN = [
    "/applications?$filter=appId eq '{client}'",
    "/applications?$filter=startswith(displayName,'Recorded')",
    "/applications?$filter=identifierUris/any(s:s eq '{uri}')",
    "/servicePrincipals?$filter=servicePrincipalNames/any(c:c eq 'https://graph.microsoft.com')",
    "/servicePrincipals?$filter=displayName eq 'Microsoft Graph'",
    "/users?$filter=userPrincipalName eq '{upn}' or userPrincipalName eq 'nobody@example.com'",
    "/oauth2PermissionGrants?$filter=clientId eq '{principal}'",
]


@pytest.mark.parametrize("path", PLAIN)
def test_these_filters_need_no_header(
    rehearsal: RehearsalDescription, admin: Graph, shared: dict[str, Any], path: str
) -> None:
    """Recorded without `ConsistencyLevel`, and with an answer that is not empty (contract G5.6)."""
    bootstrap = rehearsal.clients["bootstrap"]
    asked = path.format(
        client=shared["appId"],
        uri=shared["identifierUris"][0],
        upn=person(rehearsal, "Global Administrator")["upn"],
        principal=admin("GET", f"/servicePrincipals(appId='{bootstrap}')").json()["id"],
    )
    answer = admin("GET", asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["value"]


def test_a_search_needs_the_header_alone(admin: Graph) -> None:
    """Unlike the other advanced queries it does without `$count` (contract G5.7)."""
    path = '/applications?$search="displayName:Runbook"'
    found = admin("GET", path, headers={"ConsistencyLevel": "eventual"})
    assert found.status_code == 200 and found.json()["value"]
    assert "@odata.count" not in found.json()
    refused = admin("GET", path)
    assert refused.json()["error"]["code"] == "Request_UnsupportedQuery"


def test_segments_ignore_case(rehearsal: RehearsalDescription, admin: Graph) -> None:
    """Fixed words of an address in any case name the same (contract G11.10)."""
    grants = admin("GET", "/OAUTH2permissiongrants").json()["value"]
    one = admin("GET", f"/oAuth2PermissionGrants/{grants[0]['id']}")
    assert one.json()["id"] == grants[0]["id"]
    client = rehearsal.clients["batch"]
    assert admin("GET", f"/Applications(appId='{client}')").json()["appId"] == client
    assert admin("GET", "/ME").json()["id"] == admin("GET", "/me").json()["id"]


# --- credentials ------------------------------------------------------------------------------


def test_a_third_secret_is_one_too_many(admin: Graph) -> None:
    """With the code, and a detail without a message, of the recorded answer.

    contract G4.2, G7.7 and G12.1
    """
    app = admin.application()
    add = f"/applications/{app['id']}/addPassword"
    for _ in range(2):
        assert admin("POST", add, {}).status_code == 200
    refused = admin("POST", add, {})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (400, "TooManyAppPasswords")
    assert "add 3 passwords" in error["message"] and "maximum of 2" in error["message"]
    assert error["details"] == [{"target": "passwordCredentials", "code": "TooManyAppPasswords"}]


def test_a_key_id_is_kept_by_add_password_and_refused_by_a_creation(admin: Graph) -> None:
    """One in a secret or a certificate of a new object is a 400 (contract G7.10)."""
    app = work_application(admin)
    wanted = str(uuid.uuid4())
    body = {"passwordCredential": {"keyId": wanted}}
    answer = admin("POST", f"/applications/{app['id']}/addPassword", body)
    assert answer.json()["keyId"] == wanted
    certificate = {**certified()[0], "keyId": wanted}
    for given in ({"passwordCredentials": [{"keyId": wanted}]}, {"keyCredentials": [certificate]}):
        refused = admin("POST", "/applications", {"displayName": "Own ids", **given})
        assert refused.status_code == 400, given


def test_a_secret_of_the_clients_own_is_refused(admin: Graph) -> None:
    """In the recorded words, and without details (contract G7.2)."""
    app = work_application(admin)
    own = {"secretText": "chosen-by-the-client"}
    for answer in (
        admin("POST", "/applications", {"displayName": "x", "passwordCredentials": [own]}),
        admin("POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": own}),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "Request_BadRequest")
        assert error["message"].startswith("New password credentials must be generated using")
        assert "details" not in error


def test_a_secret_without_an_end_lives_two_calendar_years(admin: Graph) -> None:
    """To the fraction of a second, and its hint is how it begins (contract G7.1, G7.4 and G7.6)."""
    app = work_application(admin)
    secret = admin("POST", f"/applications/{app['id']}/addPassword").json()
    start, end = secret["startDateTime"], secret["endDateTime"]
    assert int(end[:4]) == int(start[:4]) + 2 and end[4:] == start[4:]
    assert secret["hint"] == secret["secretText"][:3]


def test_a_principal_has_secrets_of_its_own(
    rehearsal: RehearsalDescription, http: httpx.Client, admin: Graph
) -> None:
    """They sign in, have no hint, and are not those of the application (contract G7.4, G7.14)."""
    app = work_application(admin)
    principal = admin.principal(app["appId"])
    where = f"/servicePrincipals/{principal['id']}"
    body = {"passwordCredential": {"displayName": "its own"}}
    first, second = (admin("POST", f"{where}/addPassword", body) for _ in range(2))
    secret = second.json()
    assert second.status_code == 200 and secret["hint"] is None and secret["secretText"]

    def shown() -> list[str]:
        return [one["keyId"] for one in admin("GET", where).json()["passwordCredentials"]]

    assert wait_for(lambda: len(shown()) == 2 and shown()) == [
        secret["keyId"],
        first.json()["keyId"],
    ]
    assert read(admin, app)["passwordCredentials"] == []

    def sign_in() -> httpx.Response:
        tenant = tenant_of(rehearsal, "trial")["id"]
        return signing_in(http, tenant, app["appId"], secret["secretText"])

    eventually(sign_in)
    gone = {"keyId": secret["keyId"]}
    assert admin("POST", f"{where}/removePassword", gone).status_code == 204
    assert sign_in().json()["error_codes"] == [7000215]


def certified() -> tuple[dict[str, Any], str]:
    """A key credential with line breaks in its key, and the certificate's thumbprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Millrace"),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Some-State"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "AU"),
        ]
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    text = base64.encodebytes(certificate.public_bytes(Encoding.DER)).decode()
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": text}, thumbprint


def test_a_certificate_may_hold_line_breaks(admin: Graph) -> None:
    """Its key is never read back, its thumbprint and subject are (contract G7.15 and G18.5)."""
    given, thumbprint = certified()
    assert "\n" in given["key"]
    app = work_application(admin, keyCredentials=[given])
    for shown in (app, read(admin, app)):
        (credential,) = shown["keyCredentials"]
        assert credential["key"] is None
        assert credential["customKeyIdentifier"] == thumbprint
        assert credential["displayName"] == "O=Millrace, S=Some-State, C=AU"


def federated(name: str) -> dict[str, Any]:
    """A federated credential of that name."""
    return {
        "name": name,
        "issuer": "https://issuer.example",
        "subject": f"repo:millrace/{name}",
        "audiences": ["api://AzureADTokenExchange"],
    }


@pytest.mark.parametrize("by", ["id", "name"])
def test_one_federated_credential_is_read_and_changed(admin: Graph, by: str) -> None:
    """By its id or its name; what a PATCH leaves out stays (contract G7.16 and G18.6)."""
    app = work_application(admin)
    many = f"/applications/{app['id']}/federatedIdentityCredentials"
    made = [admin("POST", many, federated(name)).json() for name in ("staging", "production")]
    one = f"{many}/{made[0][by]}"
    assert eventually(lambda: admin("GET", one)).json()["subject"] == made[0]["subject"]
    subject = "repo:millrace/elsewhere"
    assert admin("PATCH", one, {"subject": subject}).status_code == 204
    changed = wait_for(lambda: (shown := admin("GET", one).json())["subject"] == subject and shown)
    assert changed == {**made[0], "subject": subject}
    assert admin("PATCH", one, {"name": "renamed"}).status_code == 400
    taken = admin("PATCH", one, {"subject": made[1]["subject"]})
    assert taken.status_code == 409
    assert admin("DELETE", one).status_code == 204
    assert admin("GET", f"{many}/{uuid.uuid4()}").status_code == 404


def test_a_deactivated_application_gets_no_token(
    rehearsal: RehearsalDescription, http: httpx.Client, admin: Graph
) -> None:
    """Its principal reads as enabled; reactivated, its secret is good again (G8.11, G8.12)."""
    app = work_application(admin)
    principal = f"/servicePrincipals/{admin.principal(app['appId'])['id']}"
    where = f"/applications/{app['id']}"
    secret = admin("POST", f"{where}/addPassword", {}).json()["secretText"]

    def sign_in() -> httpx.Response:
        return signing_in(http, tenant_of(rehearsal, "trial")["id"], app["appId"], secret)

    eventually(sign_in)
    assert read(admin, app)["isDisabled"] is None
    assert admin("PATCH", where, {"isDisabled": True}).status_code == 204
    wait_for(lambda: admin("GET", principal).json()["isDisabled"])
    assert admin("GET", principal).json()["accountEnabled"] is True
    assert sign_in().status_code in (400, 401)
    assert admin("PATCH", where, {"isDisabled": False}).status_code == 204
    eventually(sign_in)


# --- service principals -----------------------------------------------------------------------


def test_a_principal_that_a_person_made_has_no_owner(
    rehearsal: RehearsalDescription, http: httpx.Client, admin: Graph
) -> None:
    """Its application has; so a developer may not delete the principal.

    contract G6.11, G9.7 and G15.10
    """
    developer = person(rehearsal, "Application Developer")
    graph = Graph(http, user_token(http, rehearsal, developer))
    app = work_application(graph)
    (owner,) = graph("GET", f"/applications/{app['id']}/owners").json()["value"]
    assert owner["userPrincipalName"] == developer["upn"]
    principal = graph.principal(app["appId"])
    where = f"/servicePrincipals/{principal['id']}"
    assert graph("GET", f"{where}/owners").json()["value"] == []
    assert graph("DELETE", where).status_code == 403


@pytest.mark.parametrize("given", ["application", "ManagedIdentity", "banana"])
def test_the_type_of_a_principal_is_not_the_clients(admin: Graph, given: str) -> None:
    """Entra sets it, whatever is sent (contract G9.9)."""
    app = work_application(admin)
    body = {"appId": app["appId"], "servicePrincipalType": given}
    made = eventually(lambda: admin("POST", "/servicePrincipals", body), until=201).json()
    assert made["servicePrincipalType"] == "Application"
    where = f"/servicePrincipals/{made['id']}"
    assert eventually(lambda: admin("GET", where)).json()["servicePrincipalType"] == "Application"
