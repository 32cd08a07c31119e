"""What a person has beside the plain outputs: pickers, forms, the way by hand, the guard."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from bcrunbook.accounts import Workspace, load
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.signin import DeviceCode
from bcrunbook.views.cells import OUTCOME_MIME
from tests.conftest import MakeWorkspace, only_account, stored_secrets
from tests.notebook.interactive_session import Seat
from tests.steps.test_start_here import device_code
from tests.support.strangers import Meet, Stranger, person_of

OPEN = """
from bcrunbook.notebook import open_step
step = await open_step({step!r}, account={account!r}, mode="auto", workspace={root!r})
step
"""


def begin(seat: Seat, workspace: Workspace, step: str, account: str = "") -> list[str]:
    """Step through the first cells; returns the plain texts of what was displayed."""
    named = account or only_account(workspace)
    shown = seat.run(OPEN.format(step=step, account=named, root=str(workspace.root)))
    shown += seat.run("await step.examine()") + seat.run("step.plan()")
    return [str(one["text/plain"]) for one in shown]


def finish(seat: Seat, act: Callable[[], None]) -> dict[str, object]:
    """Apply, with what is done meanwhile; returns the outcome."""
    seat.run("await step.apply()", act=act)
    return dict(seat.run("await step.outcome()")[-1][OUTCOME_MIME])


def test_a_value_is_checked_while_it_is_typed_and_kept_in_accounts_toml(
    make_workspace: MakeWorkspace, meet: Meet, seat: Seat
) -> None:
    """The button waits for a value that fits; the plan follows it, and so does what is made."""
    workspace = make_workspace()
    account = only_account(workspace)
    config = workspace.root / "accounts.toml"
    config.write_text("# a note of its author\n" + config.read_text("utf-8"), "utf-8")
    begin(seat, workspace, "register_application")
    assert seat.is_disabled("Use these values")
    seat.type("Application's name", "x" * 91)
    seat.until(lambda: "1 to 90 characters" in "".join(seat.texts()))
    assert seat.is_disabled("Use these values")
    seat.type("Application's name", "Wickham & <b>Sons</b>")
    seat.until(lambda: not seat.is_disabled("Use these values"))
    seat.click("Use these values")
    seat.until(lambda: any("Wickham & <b>Sons</b>" in one for one in seat.updates))
    assert load(workspace.root).account(account).application == "Wickham & <b>Sons</b>"
    assert config.read_text("utf-8").startswith("# a note of its author\n")
    outcome = finish(seat, lambda: seat.click("Apply"))
    assert outcome["state"] == "changed"
    assert meet().application(account)["displayName"] == "Wickham & <b>Sons</b>"


def test_a_value_that_changes_while_the_click_is_waited_for(
    make_workspace: MakeWorkspace, meet: Meet, seat: Seat
) -> None:
    """What would be done has changed then: it is shown again, and asked about again."""
    workspace = make_workspace()
    account = only_account(workspace)
    begin(seat, workspace, "register_application")

    def act() -> None:
        seat.type("Application's name", "Another name")
        seat.until(lambda: not seat.is_disabled("Use these values"))
        seat.click("Use these values")
        seat.until(lambda: any("Another name" in one for one in seat.updates))
        seat.click("Apply")
        seat.until(lambda: seat.buttons("Apply") == 2)
        assert meet().applications(account) == []
        seat.click("Apply")

    assert finish(seat, act)["state"] == "changed"
    assert meet().application(account)["displayName"] == "Another name"


def test_a_lifetime_is_spelled_out_as_a_date(make_workspace: MakeWorkspace, seat: Seat) -> None:
    """And what is none says what is expected."""
    workspace = make_workspace()
    begin(seat, workspace, "register_application")
    finish(seat, lambda: seat.click("Apply"))
    begin(seat, workspace, "client_secret")
    assert "A secret made today ends on " in "".join(seat.texts())
    seat.type("Lifetime", "soon")
    seat.until(lambda: "from 1 day to 24 months" in "".join(seat.texts()))
    seat.type("Lifetime", "0 days")
    assert seat.is_disabled("Use these values")


def test_a_production_account_is_unlocked_by_its_name(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, meet: Meet, seat: Seat
) -> None:
    """Nothing can be applied before; another word unlocks nothing."""
    workspace = make_workspace(name="production", kind="production")
    shown = begin(seat, workspace, "register_application")
    assert "Account: production\n" in shown[0]

    def act() -> None:
        assert seat.is_disabled("Apply")
        seat.type("Production: type production", "trial")
        seat.hear(0.5)
        assert seat.is_disabled("Apply")
        seat.type("Production: type production", "production")
        seat.until(lambda: not seat.is_disabled("Apply"))
        assert meet().applications("production") == []
        seat.click("Apply")

    assert finish(seat, act)["state"] == "changed"
    assert len(meet().applications("production")) == 1


def test_another_account_is_picked_and_remembered(
    make_workspace: MakeWorkspace, seat: Seat
) -> None:
    """The bar follows; the next notebook begins there; a parameter that is changed counts."""
    workspace = make_workspace(name="first")
    config = workspace.root / "accounts.toml"
    text = config.read_text("utf-8")
    table = text[text.index("[accounts.first]") :].replace("accounts.first", "accounts.second")
    # No two accounts may share a Codat instance.
    second = [line for line in table.splitlines() if not line.startswith("codat_")]
    config.write_text("\n".join([text, *second]), "utf-8")
    shown = begin(seat, workspace, "start_here", "first")
    assert "first (trial)" in shown[0]
    seat.choose("Account", "second")
    seat.until(lambda: any("second (trial)" in one for one in seat.updates))
    assert "second (trial)" in begin(seat, workspace, "register_application", "first")[0]
    assert "second (trial)" in begin(seat, workspace, "register_application", "second")[0]
    seat.choose("Account", "first")
    seat.until(lambda: any("first (trial)" in one for one in seat.updates))
    assert "first (trial)" in begin(seat, workspace, "client_secret", "first")[0]


def test_the_rail_tells_how_far_the_account_is(make_workspace: MakeWorkspace, seat: Seat) -> None:
    """Each step with its state, and who is signed in; the next step after the outcome."""
    workspace = make_workspace()
    before = begin(seat, workspace, "start_here")[0]
    assert "> Start here: not done yet" in before
    finish(seat, lambda: None)
    after = begin(seat, workspace, "register_application")[0]
    assert "Start here: done" in after
    assert "> Register the application: not done yet" in after
    assert "Signed in as: application" in after


def by_hand(stranger: Stranger, account: str) -> dict[str, str]:
    """A secret that is made in the portal."""
    app = stranger.application(account)
    body = {"passwordCredential": {"displayName": "made by hand"}}
    made = stranger.call("POST", f"/applications/{app['id']}/addPassword", body)
    return dict(made.json())


def test_a_secret_that_was_made_by_hand_goes_straight_into_the_store(
    make_workspace: MakeWorkspace, meet: Meet, seat: Seat
) -> None:
    """It is proven, kept, and counts as the account's own; no widget ever has it."""
    workspace = make_workspace()
    account = only_account(workspace)
    begin(seat, workspace, "register_application")
    finish(seat, lambda: seat.click("Apply"))
    made = by_hand(meet(), account)
    assert "make a client secret" in begin(seat, workspace, "client_secret")[-2]
    label = "Value of the secret"
    seat.hand_in(label, made["keyId"])
    seat.until(lambda: any("begins like this one" in one for one in seat.said()))
    while "It works" not in "".join(seat.said()):
        # A new secret takes a while until it can be seen and used.
        seat.state |= {key: one | {"said": ""} for key, one in seat.state.items() if "said" in one}
        seat.hand_in(label, made["secretText"])
        seat.until(lambda: any(one != "Checking it." for one in seat.said()))
    seat.until(lambda: any("0 to change" in one for one in seat.updates))
    assert finish(seat, lambda: None)["state"] == "done"
    (stored,) = stored_secrets(workspace.root.parent / "secret-store", account)
    assert stored.read_text("utf-8").strip() == made["secretText"]
    assert made["secretText"] not in json.dumps(seat.traffic, default=str)


def test_a_device_code_is_shown_and_another_tenant_can_be_switched_to(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, seat: Seat
) -> None:
    """The code with its address; then the tenants in sight, of which another one is taken."""
    person = person_of(cloud, "robin")
    workspace = make_workspace(sign_in=device_code(cloud))
    account = only_account(workspace)
    other = cloud.accounts["not_to_be_used"]["tenant"]

    def read(text: str) -> None:
        if found := re.match(r"To sign in, open (\S+) and enter the code (\S+) \(valid", text):
            person.show_device_code(DeviceCode(found[1], found[2], 900))

    seat.run(OPEN.format(step="start_here", account=account, root=str(workspace.root)))
    seat.run("await step.examine()", read=read)
    assert person.asked == 1
    seat.run("step.plan()")
    assert other in "".join(seat.texts())
    assert seat.is_disabled("This one")
    seat.click("Switch to ")
    seat.until(lambda: load(workspace.root).account(account).tenant == other)
    seat.until(lambda: any(f"Tenant: {other}" in one for one in seat.updates))


@pytest.mark.parametrize("step", ["api_permissions", "codat_keys"])
def test_every_step_shows_the_way_by_hand(
    make_workspace: MakeWorkspace, seat: Seat, step: str
) -> None:
    """As the notebook tells it, in a tab beside the plan."""
    workspace = make_workspace()
    seat.run(OPEN.format(step=step, account=only_account(workspace), root=str(workspace.root)))
    seat.run(f"from bcrunbook.notebook.by_hand import by_hand; assert '<ol>' in by_hand({step!r})")
