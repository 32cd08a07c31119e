"""The page of one integration: its keys, its toggle, and the dialog after the first Save.

Source: Codat docs, "Set up the Dynamics 365 Business Central integration": Client ID and Client
secret under Integration settings, Save with a confirmation, then a dialog that asks whether to
enable the integration now or later. The pair is taken as typed, blanks included, and not tried.
A saved secret is never shown again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from typing import Final

from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.integrations import IntegrationSettings, save_keys, settings_of
from bcrunbook.rehearsal.codat.page_frame import hidden, see_other
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.portal.enabling import demand_plan, set_from_form
from bcrunbook.rehearsal.portal.errors import Refused
from bcrunbook.rehearsal.portal.layout import page, switch
from bcrunbook.rehearsal.portal.visit import ACCOUNTING, Visit, manage_path

ASK: Final = "ask"
"""The mark of a notice that the page shows as the dialog."""


def show(visit: Visit, key: str) -> Answer:
    """The page of an integration, by its key."""
    platform = world.PLATFORMS[key]
    visit.demand_manager()
    demand_plan(visit, platform)
    settings = settings_of(visit.cloud, visit.instance, platform)
    dialog = _dialog(visit, platform) if visit.notice.get(ASK) else ""
    return _page(visit, platform, settings, settings.client_id, dialog=dialog)


def act(visit: Visit, key: str) -> Answer:
    """What a form of that page asks for."""
    platform = world.PLATFORMS[key]
    visit.demand_manager()
    demand_plan(visit, platform)
    if visit.form.get("action") == "save":
        return _save(visit, platform)
    if visit.form.get("action") == "later":
        visit.leave_notice(
            manage_path(platform),
            f"{platform.name} is not enabled yet. Its toggle is here and in the list.",
        )
    elif "enabled" in visit.form:
        set_from_form(visit, platform, manage_path(platform))
    else:
        raise Refused(400, "Not understood", "The form does not say what to do.")
    return see_other(manage_path(platform))


def _save(visit: Visit, platform: world.Platform) -> Answer:
    client_id = visit.form.get("client_id", "")
    client_secret = visit.form.get("client_secret", "")
    before = settings_of(visit.cloud, visit.instance, platform)
    empty = [name for name, value in (("id", client_id), ("secret", client_secret)) if not value]
    if empty:
        return _page(visit, platform, before, client_id, empty=empty)
    save_keys(
        visit.cloud,
        visit.instance,
        platform,
        client_id=client_id,
        client_secret=client_secret,
        by=visit.user.email,
    )
    asks = not before.is_set_up and not before.enabled
    visit.leave_notice(
        manage_path(platform),
        f"The settings of {platform.name} were saved in {visit.instance.name}.",
        **({ASK: True} if asks else {}),
    )
    return see_other(manage_path(platform))


def _page(
    visit: Visit,
    platform: world.Platform,
    settings: IntegrationSettings,
    client_id: str,
    *,
    empty: list[str] | None = None,
    dialog: str = "",
) -> Answer:
    name = escape(platform.name)
    verb = "Manage" if settings.is_set_up else "Set up"
    if empty:
        text = "Nothing was saved: enter both the Client ID and the Client secret."
        visit = replace(visit, notice={"text": text, "problem": True})
    body = f"""<nav class="trail" aria-label="Where you are">Settings &rsaquo; Integrations &rsaquo;
<a href="{ACCOUNTING}">Accounting</a></nav>
<h1>{name}</h1>
<section class="card" aria-labelledby="keys">
<h2 id="keys">Integration settings</h2>
<p class="small">They apply to the instance <strong>{escape(visit.instance.name)}</strong> only.
{_saved(settings)}</p>
{_keys_form(visit, platform, settings, client_id, empty or [])}
</section>
<section class="card" aria-labelledby="enabled">
<h2 id="enabled">Enabled</h2>
<form class="toggle" method="post" action="{manage_path(platform)}">
{hidden(visit.carried)}
{switch(platform.name, checked=settings.enabled, disabled=not settings.is_set_up)}
</form>
<p class="small">Customers can link with it only while it is enabled.
{"" if settings.is_set_up else "Save the keys first."}</p>
</section>"""
    return page(visit, f"{verb} {platform.name}", body, status=400 if empty else 200, dialog=dialog)


def _saved(settings: IntegrationSettings) -> str:
    if not settings.is_set_up:
        return ""
    moment = datetime.fromtimestamp(settings.saved_at, UTC)
    return f"Saved {moment:%Y-%m-%d %H:%M} UTC by {escape(settings.saved_by)}."


def _keys_form(
    visit: Visit,
    platform: world.Platform,
    settings: IntegrationSettings,
    client_id: str,
    empty: list[str],
) -> str:
    hint = (
        "A secret is saved and is not shown again. Type the secret to replace it."
        if settings.is_set_up
        else "The secret's value, not its ID."
    )

    def problem(key: str, label: str) -> tuple[str, str]:
        if key not in empty:
            return "", ""
        text = f'<p class="problem" id="{key}-problem">Enter the {label}.</p>'
        return ' aria-invalid="true"', text

    id_mark, id_problem = problem("id", "Client ID")
    secret_mark, secret_problem = problem("secret", "Client secret")
    return f"""<form method="post" action="{manage_path(platform)}" autocomplete="off">
{hidden(visit.carried)}
<div class="field">
<label for="client-id">Client ID</label>
<input id="client-id" name="client_id" type="text" value="{escape(client_id)}"
 autocomplete="off" autocapitalize="none" spellcheck="false" aria-required="true"{id_mark}
 aria-describedby="id-problem">
{id_problem}
</div>
<div class="field">
<label for="client-secret">Client secret</label>
<input id="client-secret" name="client_secret" type="password" value=""
 autocomplete="off" aria-required="true"{secret_mark} aria-describedby="secret-hint secret-problem">
<p class="small" id="secret-hint">{hint}</p>
{secret_problem}
</div>
<div class="row">
<button class="main" type="submit" name="action" value="save">Save</button>
</div>
</form>"""


def _dialog(visit: Visit, platform: world.Platform) -> str:
    name = escape(platform.name)
    return f"""<div class="veil">
<dialog open aria-modal="true" aria-labelledby="ask" aria-describedby="asked">
<h2 id="ask">Enable {name}</h2>
<p class="said good" role="status">{escape(visit.notice["text"])}</p>
<p id="asked">Do you want to enable the integration now or later?</p>
<form method="post" action="{manage_path(platform)}">
{hidden(visit.carried)}
<div class="row">
<button class="main" type="submit" name="enabled" value="yes" autofocus>Enable now</button>
<button type="submit" name="action" value="later">Enable later</button>
</div>
</form>
</dialog>
</div>"""
