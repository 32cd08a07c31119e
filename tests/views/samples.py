"""One of everything that cells show, with values like those of a real account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from bcrunbook.core.step import Change, Comparison, Finding, HandOff, Outcome, Row, Sighting, State
from bcrunbook.errors import FixInput
from bcrunbook.order import API_PERMISSIONS
from bcrunbook.steps import STEPS, notebook_of
from bcrunbook.views import cells
from bcrunbook.views.cells import Tick, View
from bcrunbook.views.film import film_view
from bcrunbook.views.journey import journey_html, journey_lines
from tests.views.closing_samples import secrets_and_closings
from tests.views.film_samples import INSTALLING, SEEN, UNCONFIRMED, UNREADABLE
from tests.views.journey_samples import A_PERSONS_TURN

GUID: Final = "7a6ec848-bb0f-4884-9c13-d2cf39a41292"
CALLBACK: Final = "https://dynamics365businesscentral.codat.io/oauth/callback"
NOW: Final = datetime(2026, 11, 24, tzinfo=UTC)

ABSENT: Final = Finding(
    "Application",
    "Contoso Lending",
    "not there",
    "Graph",
    Comparison.DIFFERS,
    is_yet_to_come=True,
)
FINDINGS: Final = (
    Finding("Tenant", "contoso.example", "Contoso (contoso.example)", "Graph", Comparison.OK),
    ABSENT,
    Finding("Name", "Contoso Lending", "Contoso Finance", "Graph", Comparison.DIFFERS),
    Finding("Redirect URI (Web)", CALLBACK, CALLBACK, "Graph", Comparison.OK),
    Finding("Client ID", "", GUID, "Graph", Comparison.NOTE),
    Finding("A licence", "Essentials", "unknown", "no call tells", Comparison.UNKNOWN, "Ask."),
    Finding(
        "Keys in the Codat Portal",
        "saved",
        "saved, says Ada Lovelace (2026-11-24)",
        "a person's word",
        Comparison.OK,
    ),
)
CREATE: Final = Change(
    "application",
    "create the application",
    (
        Row("Name", "", "Contoso Lending", "displayName"),
        Row("Supported account types", "", "Any tenant", "signInAudience: Everybody"),
        Row("Redirect URI (Web)", "", CALLBACK, "web.redirectUris"),
    ),
    action="create",
)
UPDATE: Final = Change(
    "permissions",
    "add the permissions",
    (
        Row("Name", "Contoso Finance", "Contoso Lending"),
        Row("Permissions", "Mail.Read\nUser.Read", "Financials\nUser.Read"),
    ),
    action="update",
)
DELETE: Final = Change(
    "remove_secret",
    "remove a secret of ours: it has expired",
    (Row("Secret", "Codat (bcrunbook 1234abcd)", ""),),
    subject=GUID,
    action="delete",
)
PERSON: Final = Change(
    "save_keys",
    "save the keys in the Codat Portal",
    (Row("Client ID", "unknown", GUID),),
    by="person",
    hand_off=HandOff(
        who='somebody with the role Developer or Administrator in the instance "Contoso" of the'
        " Codat Portal",
        actions=("Open the link and sign in.", "Click Save."),
        link="https://app.codat.io/settings/integrations/accounting",
        values=(("Client ID", GUID),),
        slips=("Another instance was open.",),
    ),
)
CHANGES: Final = (CREATE, UPDATE, DELETE, PERSON)
TICKS: Final = {
    ("application", ""): Tick("done", 0.42),
    ("permissions", ""): Tick("running"),
    ("remove_secret", GUID): Tick("failed", 71.0),
    ("save_keys", ""): Tick("waiting"),
}
ERROR: Final = FixInput(
    "There is no such application.",
    where='account "trial", client_id',
    why="it was mistyped",
    next="copy the id",
    code="Request_ResourceNotFound",
    request_id=GUID,
)


def outcome(state: State, summary: str = "Told.", **values: Any) -> Outcome:
    """How a step of an account ended."""
    given = {"mode": "ask", "cloud": "rehearsal", "started": NOW, "ended": NOW, **values}
    return Outcome("register_application", "trial", state, summary=summary, **given)


def everything() -> list[View]:
    """Each view in each of its states; the first brings the style sheet, as in a notebook."""
    following = ("Make the secret", "secret.ipynb")
    looks = (Sighting(60.0, "installing", "moving", 1), Sighting(720.0, "confirmed", "good"))
    step, links = API_PERMISSIONS, {one.id: notebook_of(one) for one in STEPS}
    return [
        cells.session_view(
            [("Account", "trial"), ("Tenant", "Contoso")],
            is_rehearsal=True,
            is_production=True,
            journey=(
                journey_lines(A_PERSONS_TURN, step),
                journey_html(A_PERSONS_TURN, here=step, links=links),
            ),
        ),
        cells.findings_view(FINDINGS, looks),
        cells.findings_view(FINDINGS, before=FINDINGS),
        cells.plan_view(CHANGES, ""),
        cells.plan_view(CHANGES[:3], "", ticks=TICKS),
        cells.ticked_view(CHANGES, TICKS),
        cells.plan_view((), "0 to change: everything is as it should be."),
        *(film_view(one) for one in (INSTALLING, SEEN, UNREADABLE, UNCONFIRMED)),
        cells.progress_view(["Create the application"], is_over=False),
        cells.progress_view(["Create the application"], is_over=True),
        cells.outcome_view(
            outcome(State.CHANGED, changes=(CREATE, UPDATE), findings=FINDINGS),
            following,
            seconds=12.3,
            links=(("the application in the Azure portal", "https://portal.azure.com/"),),
        ),
        cells.outcome_view(outcome(State.NEEDS_PERSON, changes=(PERSON,)), following),
        cells.outcome_view(outcome(State.NEEDS_PERSON, changes=(CREATE,)), following),
        cells.outcome_view(outcome(State.WAITING), following),
        cells.outcome_view(outcome(State.PENDING, changes=(CREATE,)), following),
        cells.outcome_view(outcome(State.FAILED, error=ERROR.as_dict()), following),
        cells.error_view(ERROR),
        *(cells.note_view("So it stands.", tone) for tone in ("info", "good", "amber", "bad")),
        cells.unforeseen_view("RuntimeError", "Traceback\n  line 1"),
        cells.tenant_view("Contoso", "contoso.example", GUID),
        cells.device_code_view("https://microsoft.com/devicelogin", "ABCD-EFGH", 900),
        *secrets_and_closings(),
    ]
