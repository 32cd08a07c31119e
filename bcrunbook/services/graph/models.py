"""The few fields of Microsoft Graph's objects that the runbook reads; all else is ignored."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from bcrunbook.services.wire import WireObject


class GraphObject(WireObject):
    """Base of what Microsoft Graph answers."""


class ResourceAccess(GraphObject):
    """One permission: a scope (`Scope`) or an app role (`Role`) by its id."""

    id: str
    type: str


class RequiredResourceAccess(GraphObject):
    """The permissions that an application asks of one API."""

    resource_app_id: str
    resource_access: tuple[ResourceAccess, ...] = ()


class WebPlatform(GraphObject):
    """The Web platform of an application."""

    redirect_uris: tuple[str, ...] = ()


class ApiSettings(GraphObject):
    """What an application says about tokens for itself."""

    requested_access_token_version: int | None = None


class PasswordCredential(GraphObject):
    """A client secret as it reads afterwards: never its value."""

    key_id: str
    display_name: str | None = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    hint: str | None = None


class OtherCredential(GraphObject):
    """A certificate, or a federated credential, of an application: the runbook makes neither."""

    display_name: str | None = None
    name: str | None = None


class VerifiedPublisher(GraphObject):
    """The verified publisher of an application."""

    display_name: str | None = None


class Application(GraphObject):
    """An application registration."""

    id: str
    app_id: str
    display_name: str = ""
    unique_name: str | None = None
    sign_in_audience: str | None = None
    api: ApiSettings = Field(default_factory=ApiSettings)
    web: WebPlatform = Field(default_factory=WebPlatform)
    required_resource_access: tuple[RequiredResourceAccess, ...] = ()
    password_credentials: tuple[PasswordCredential, ...] = ()
    tags: tuple[str, ...] = ()
    created_date_time: datetime | None = None
    deleted_date_time: datetime | None = None
    verified_publisher: VerifiedPublisher | None = None
    is_disabled: bool | None = None
    disabled_by_microsoft_status: str | None = None


class PermissionScope(GraphObject):
    """A delegated permission that an API offers."""

    id: str
    value: str
    type: str = ""
    is_enabled: bool = True


class ServicePrincipal(GraphObject):
    """An application's instance in this tenant."""

    id: str
    app_id: str
    display_name: str = ""
    account_enabled: bool | None = None
    deleted_date_time: datetime | None = None
    oauth2_permission_scopes: tuple[PermissionScope, ...] = Field(
        default=(), alias="oauth2PermissionScopes"
    )


class Grant(GraphObject):
    """A delegated permission grant."""

    id: str
    client_id: str
    resource_id: str
    scope: str = ""

    @property
    def scopes(self) -> frozenset[str]:
        """The granted scope values."""
        return frozenset(self.scope.split())


class VerifiedDomain(GraphObject):
    """A domain that the tenant has proven to own."""

    name: str


class Organization(GraphObject):
    """The tenant itself."""

    id: str
    display_name: str = ""
    verified_domains: tuple[VerifiedDomain, ...] = ()


class User(GraphObject):
    """The signed-in person."""

    id: str
    display_name: str = ""
    user_principal_name: str = ""


class CredentialRestriction(GraphObject):
    """One rule of an application management policy about client secrets."""

    restriction_type: str
    state: str | None = None
    max_lifetime: str | None = None
    restrict_for_apps_created_after_date_time: datetime | None = None

    def applies_to(self, created: datetime | None) -> bool:
        """Whether the rule applies to an application created then (None: about to be)."""
        if self.state == "disabled":
            return False
        since = self.restrict_for_apps_created_after_date_time
        return since is None or created is None or created >= since


class ApplicationRestrictions(GraphObject):
    """The rules that a policy sets for applications."""

    password_credentials: tuple[CredentialRestriction, ...] = ()


class SecretPolicy(GraphObject):
    """The tenant's default application management policy."""

    id: str = ""
    is_enabled: bool = False
    application_restrictions: ApplicationRestrictions | None = None

    def restrictions(self, created: datetime | None) -> tuple[CredentialRestriction, ...]:
        """The rules about client secrets in force for an application created then."""
        if not self.is_enabled or self.application_restrictions is None:
            return ()
        rules = self.application_restrictions.password_credentials
        return tuple(rule for rule in rules if rule.applies_to(created))
