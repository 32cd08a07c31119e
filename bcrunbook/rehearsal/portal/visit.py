"""A visit: one request of somebody who is signed in, and how it may be refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.messages import Answer, Call
from bcrunbook.rehearsal.portal import session
from bcrunbook.rehearsal.portal.errors import Refused
from bcrunbook.rehearsal.portal.session import PATH, Session

HOME: Final = PATH
ACCOUNTING: Final = f"{PATH}/settings/integrations/accounting"
BANKING: Final = f"{PATH}/settings/integrations/banking"
API_KEYS: Final = f"{PATH}/developers/api-keys"
SIGN_IN: Final = f"{PATH}/sign-in"
SIGN_OUT: Final = f"{PATH}/sign-out"
SWITCH: Final = f"{PATH}/switch-instance"


def manage_path(platform: world.Platform) -> str:
    """The page of one accounting integration."""
    return f"{ACCOUNTING}/manage/{platform.key}"


@dataclass(frozen=True)
class Visit:
    """One request of somebody who is signed in.

    Args:
        cloud: what the portal works with.
        call: the request.
        session: the browser's session, whose notice this visit shows if it has one.
        user: who is signed in.
        instance: the instance they have chosen.
        notice: what the page has to say once, from the action before.
    """

    cloud: RehearsalCloud
    call: Call
    session: Session
    user: world.PortalUser
    instance: world.Instance
    notice: Mapping[str, Any] = field(default_factory=dict)

    @property
    def role(self) -> str:
        """The role in the chosen instance; a session has no other instances."""
        return str(self.user.role_in(self.instance.id))

    @property
    def may_manage(self) -> bool:
        """Whether the role may manage integrations and read API keys."""
        return self.role in world.MANAGE_INTEGRATIONS

    @property
    def path(self) -> str:
        """The path of this page, without a slash at its end."""
        return self.call.path.rstrip("/")

    @property
    def form(self) -> dict[str, str]:
        """The posted fields."""
        return self.call.form

    @property
    def carried(self) -> dict[str, str]:
        """The hidden fields of every form: that it is ours, and which instance it was shown for."""
        return {"form_token": self.session.form_token, "shown_for": self.instance.id}

    def demand_manager(self) -> None:
        """Refuse those whose role cannot manage integrations."""
        if not self.may_manage:
            raise Refused(403, "Not for your role", cannot_manage(self))

    def leave_notice(self, path: str, text: str, **more: Any) -> None:
        """Have a page say something once, the next time it is shown."""
        notice = {"path": path, "text": text, **more}
        session.keep(self.cloud, replace(self.session, notice=notice))


def cannot_manage(visit: Visit) -> str:
    """Why somebody sees no buttons."""
    return (
        f"Your role in {visit.instance.name} is {visit.role}, which cannot manage integrations. "
        "Ask an Administrator or a Developer of this instance."
    )


Page = Callable[..., Answer]
"""What shows a page, or acts on what was posted to it: given the visit, and what stands in the path
for its parameters."""
