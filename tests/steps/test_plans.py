"""Planning is pure: properties that hold for whatever is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcrunbook.accounts import Account
from bcrunbook.core.step import Change
from bcrunbook.limits import MAX_SECRETS
from bcrunbook.secrets import Secret
from bcrunbook.services.graph.models import (
    Application,
    Grant,
    Organization,
    PasswordCredential,
    SecretPolicy,
    ServicePrincipal,
)
from bcrunbook.services.wire import Seen
from bcrunbook.signin import Token
from bcrunbook.steps.api_permissions import ApiPermissions, PermissionFindings
from bcrunbook.steps.client_secret.findings import SecretCredential, SecretFindings
from bcrunbook.steps.client_secret.step import ClientSecret
from bcrunbook.steps.register_application import RegisterApplication, RegistrationFindings
from bcrunbook.steps.requirements import BUSINESS_CENTRAL_APP_ID, REDIRECT_URI, SCOPES
from bcrunbook.steps.start_here import StartFindings

ACCOUNT = Account.model_validate(
    {"name": "trial", "kind": "trial", "tenant": "contoso.com", "application": "Books"}
)
TENANT = Organization(id="11111111-1111-4111-8111-111111111111", display_name="Contoso")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

guids = st.uuids(version=4).map(str)
uris = st.sampled_from(
    [REDIRECT_URI, "https://a.example/cb", "https://b.example/cb", "http://localhost"]
)
audiences = st.sampled_from(
    [None, "AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"]
)
accesses = st.fixed_dictionaries({"id": guids, "type": st.sampled_from(["Scope", "Role"])})
apis = st.fixed_dictionaries(
    {
        "resourceAppId": st.one_of(st.just(BUSINESS_CENTRAL_APP_ID), guids),
        "resourceAccess": st.lists(accesses, min_size=1, max_size=3),
    }
)
applications = st.fixed_dictionaries(
    {
        "id": guids,
        "appId": guids,
        "displayName": st.sampled_from(["Books", "Other"]),
        "uniqueName": st.sampled_from([None, "bcrunbook-trial"]),
        "signInAudience": audiences,
        "api": st.fixed_dictionaries(
            {"requestedAccessTokenVersion": st.sampled_from([None, 1, 2])}
        ),
        "web": st.fixed_dictionaries({"redirectUris": st.lists(uris, unique=True)}),
        "requiredResourceAccess": st.lists(
            apis, max_size=3, unique_by=lambda a: a["resourceAppId"]
        ),
        "tags": st.lists(st.sampled_from(["x", "y"]), unique=True),
    }
).map(Application.model_validate)


class Recorder:
    """Stands in for the Graph client: merges a PATCH into the application, as Graph does."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def update_application(self, object_id: str, body: dict[str, Any]) -> None:
        """Replace the given properties whole."""
        assert object_id == self.app.id
        before = self.app.model_dump(by_alias=True)
        self.app = Application.model_validate({**before, **body})


async def applied(step: Any, findings: Any, change: Change, app: Application) -> Application:
    """The application after one change."""
    recorder = Recorder(app)
    context = SimpleNamespace(graph=recorder, account=ACCOUNT)
    assert await step.apply(context, findings, change)
    return recorder.app


def registration(app: Application) -> RegistrationFindings:
    """What registering would have seen of this application."""
    principal = Seen(ServicePrincipal(id="sp", app_id=app.app_id))
    return RegistrationFindings(ACCOUNT, TENANT, Seen(app), "marker", principal)


@given(applications)
async def test_registration_settles_in_one_change_and_loses_nothing(app: Application) -> None:
    """After the planned change nothing is planned; redirect URIs and tags are all there.

    contract G6.4
    """
    step = RegisterApplication()
    for change in step.plan(registration(app)):
        after = await applied(step, registration(app), change, app)
        assert step.plan(registration(after)) == ()
        assert set(app.web.redirect_uris) <= set(after.web.redirect_uris)
        assert set(app.tags) <= set(after.tags)
        assert after.required_resource_access == app.required_resource_access


def permissions(app: Application, granted: frozenset[str] | None) -> PermissionFindings:
    """What the permissions' step would have seen of this application, with these scopes granted."""
    scopes = [{"id": id, "value": value, "isEnabled": True} for value, id in SCOPES.items()]
    api = ServicePrincipal.model_validate(
        {"id": "bc", "appId": BUSINESS_CENTRAL_APP_ID, "oauth2PermissionScopes": scopes}
    )
    grants = (
        ()
        if granted is None
        else (
            Grant(
                id="g",
                client_id="sp",
                resource_id="bc",
                scope=" ".join(granted),
            ),
        )
    )
    return PermissionFindings(
        account=ACCOUNT,
        organization=TENANT,
        application=app,
        business_central=Seen(api),
        principal=Seen(ServicePrincipal(id="sp", app_id=app.app_id)),
        grants=Seen(grants),
        may_consent=None,
        consent_host="https://login.microsoftonline.com",
    )


@given(applications)
async def test_permissions_are_added_and_none_is_lost(app: Application) -> None:
    """Whatever the application asked for before, it asks for after, plus the two scopes.

    contract G3.5 and G6.4
    """
    step = ApiPermissions()
    findings = permissions(app, frozenset(SCOPES))
    for change in step.plan(findings):
        after = await applied(step, findings, change, app)
        assert step.plan(permissions(after, frozenset(SCOPES))) == ()
        before = {
            (api.resource_app_id, one.id, one.type)
            for api in app.required_resource_access
            for one in api.resource_access
        }
        now = {
            (api.resource_app_id, one.id, one.type)
            for api in after.required_resource_access
            for one in api.resource_access
        }
        added = {(BUSINESS_CENTRAL_APP_ID, id, "Scope") for id in SCOPES.values()}
        assert now == before | added


@given(st.sets(st.sampled_from([*SCOPES, "Other.Scope"])))
def test_a_grant_is_only_ever_extended(granted: set[str]) -> None:
    """The planned consent holds every scope granted before; a full grant needs no change.

    contract G10.5 and G10.7
    """
    app = Application(id="a", app_id="b")
    plan = ApiPermissions().plan(permissions(app, frozenset(granted)))
    consent = [change for change in plan if change.key == "consent"]
    assert bool(consent) == (not set(SCOPES) <= granted)
    for change in consent:
        assert set(change.rows[0].after.splitlines()) == granted | set(SCOPES)


def test_consent_that_may_not_be_read_is_unknown_and_not_given_again() -> None:
    """Nothing is written on a guess (contract G10.10)."""
    app = Application(id="a", app_id="b")
    findings = replace(
        permissions(app, frozenset(SCOPES)), grants=Seen(None, unknown="may not be read")
    )
    assert "consent" not in [change.key for change in ApiPermissions().plan(findings)]
    consent = findings.rows()[-1]
    assert (consent.verdict, consent.actual) == ("unknown", "may not be read")


@pytest.mark.parametrize(
    ("role", "registers", "consents"),
    [
        ("62e90394-69f5-4237-9190-012177145e10", True, True),
        ("e8611ab8-c189-46e8-94e1-60213ab1f814", None, True),
        ("158c047a-c907-4556-b7ef-446551a6b5f7", True, True),
        ("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", True, True),
        ("cf1c38e5-3621-4004-a7cb-879624dced7c", True, False),
        ("44367163-eba1-44c3-98af-f5787879f96a", None, False),
    ],
)
def test_a_role_tells_what_a_person_may(role: str, registers: bool | None, consents: bool) -> None:
    """By its template; whether a member without one may register is not told (contract G15.6)."""
    member = "b79fbf4d-3ef9-4689-8143-76b194e85509"
    token = Token(
        Secret("a-token-of-the-test"), TENANT.id, "", frozenset(), frozenset({role, member})
    )
    findings = StartFindings(
        account=ACCOUNT,
        organization=TENANT,
        token=token,
        user=Seen(None),
        business_central=Seen(None),
        tenants=Seen(()),
        is_application=False,
    )
    assert (findings.may_register, findings.may_consent) == (registers, consents)


credentials = st.lists(
    st.builds(
        lambda key, ours, stored, lost, days: SecretCredential(
            PasswordCredential(
                key_id=key,
                display_name=f"Codat (bcrunbook {key[:8]})" if ours else "made by hand",
                start_date_time=NOW - timedelta(days=30),
                end_date_time=NOW + timedelta(days=days),
            ),
            key[:8] if ours else "",
            ours and stored,
            ours and lost and not stored,
        ),
        guids,
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.integers(-20, 400),
    ),
    max_size=MAX_SECRETS,
    unique_by=lambda one: one.seen.key_id,
)


def secret(
    found: list[SecretCredential], *, policy: Seen[SecretPolicy] | None = None
) -> SecretFindings:
    """What the secret's step would have seen with these secrets on the application."""
    good = [one for one in found if one.is_stored and not one.expired(NOW)]
    return SecretFindings(
        account=ACCOUNT,
        application=Application(id="a", app_id="b"),
        policy=policy or Seen(SecretPolicy()),
        credentials=tuple(found),
        current=good[0] if good else None,
        where_stored="file:secrets/trial" if good else "",
        proof=None,
        is_proven=bool(good),
        still_spreading="",
        now=NOW,
    )


@given(credentials)
def test_secrets_of_others_are_never_removed_and_two_are_never_exceeded(
    found: list[SecretCredential],
) -> None:
    """Only our own orphans and expired ones go; a third secret is never attempted.

    contract G4.2 and G7.7
    """
    plan = ClientSecret().plan(secret(found))
    removed = {change.subject for change in plan if change.key == "remove_secret"}
    ours = {one.seen.key_id for one in found if one.is_orphan or one.is_stored}
    assert removed <= ours
    working = {one.seen.key_id for one in found if one.is_stored and not one.expired(NOW)}
    assert not removed & working
    added = sum(change.key == "add_secret" for change in plan)
    assert len(found) - len(removed) + added <= MAX_SECRETS
    if working and not secret(found).is_ending:
        assert not added


@given(credentials)
def test_after_the_secret_plan_nothing_is_left_to_do(found: list[SecretCredential]) -> None:
    """Carrying the plan out leads to a state that plans nothing for the program."""
    step = ClientSecret()
    plan = step.plan(secret(found))
    removed = {change.subject for change in plan if change.key == "remove_secret"}
    after = [one for one in found if one.seen.key_id not in removed]
    if any(change.key == "add_secret" for change in plan):
        new = PasswordCredential(
            key_id="new",
            display_name="Codat (bcrunbook 00000000)",
            start_date_time=NOW,
            end_date_time=NOW + timedelta(days=180),
        )
        after.append(SecretCredential(new, "00000000", True))
    assert not [change for change in step.plan(secret(after)) if change.by == "program"]


@given(st.integers(1, 730), st.integers(1, 730))
def test_the_lifetime_fits_the_policy(wanted: int, allowed: int) -> None:
    """The lifetime is what is wanted, or what the tenant's policy allows if that is less.

    contract G8.3
    """
    policy = SecretPolicy.model_validate(
        {
            "isEnabled": True,
            "applicationRestrictions": {
                "passwordCredentials": [
                    {"restrictionType": "passwordLifetime", "maxLifetime": f"P{allowed}D"}
                ]
            },
        }
    )
    account = ACCOUNT.model_copy(update={"secret_lifetime_days": wanted})
    findings = replace(secret([], policy=Seen(policy)), account=account)
    assert findings.lifetime_days == min(wanted, allowed)


def test_a_policy_that_may_not_be_read_is_unknown_not_absent() -> None:
    """A refused read of the policy is shown as unknown, and the wanted lifetime stays.

    contract G8.2
    """
    findings = secret([], policy=Seen(None, unknown="may not be read"))
    policy_row = findings.rows()[0]
    assert policy_row.verdict == "unknown"
    assert findings.lifetime_days == ACCOUNT.secret_lifetime_days
