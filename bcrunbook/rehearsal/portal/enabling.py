"""Enabling and disabling an integration: the same act from the list, the page and the dialog."""

from __future__ import annotations

from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.integrations import set_enabled, settings_of
from bcrunbook.rehearsal.portal.errors import Refused
from bcrunbook.rehearsal.portal.visit import Visit


def demand_plan(visit: Visit, platform: world.Platform) -> None:
    """Refuse premium integrations where the plan has none."""
    if platform.premium and not visit.instance.premium:
        raise Refused(403, f"{platform.name} is premium", not_in_plan(visit.instance))


def not_in_plan(instance: world.Instance) -> str:
    """Why premium integrations cannot be set up, and what to do."""
    return (
        f"Premium integrations are not part of the Free plan of {instance.name}. "
        "Contact your account manager at Codat to have them added."
    )


def set_from_form(visit: Visit, platform: world.Platform, back: str) -> None:
    """Do what a toggle's form says, and have the page `back` tell of it."""
    visit.demand_manager()
    demand_plan(visit, platform)
    enabled = visit.form.get("enabled") == "yes"
    settings = settings_of(visit.cloud, visit.instance, platform)
    if enabled and platform.needs_keys and not settings.is_set_up:
        visit.leave_notice(back, f"Set up {platform.name} before you enable it.", problem=True)
        return
    set_enabled(visit.cloud, visit.instance, platform, enabled)
    state = "enabled" if enabled else "disabled"
    visit.leave_notice(back, f"{platform.name} is {state} in {visit.instance.name}.")
