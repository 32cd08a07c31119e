"""What a person has beside the plain outputs: pickers, forms, the way by hand, the guard."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from bcrunbook.accounts import Workspace, load
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.signin import DeviceCode
from tests.conftest import MakeWorkspace, only_account, stored_secrets
from tests.notebook.interactive_session import InteractiveSession
from tests.steps.test_start_here import device_code
from tests.support.independent_client import IndependentClient, MakeClient, person_of

OPEN = """
from bcrunbook.notebook import open_step
step = await open_step({step!r}, account={account!r}, mode="auto", workspace={root!r})
step
"""


def begin(
    session: InteractiveSession, workspace: Workspace, step: str, account: str = ""
) -> list[str]:
    """Step through the first cells; returns the plain texts of what was displayed."""
    named = account or only_account(workspace)
    shown = session.run(OPEN.format(step=step, account=named, root=str(workspace.root)))
    shown += session.run("await step.examine()") + session.run("step.plan()")
    return [str(one["text/plain"]) for one in shown]


def press(session: InteractiveSession) -> None:
    """Press Apply, as soon as it can be pressed."""
    session.until(lambda: session.is_open("Apply"))
    session.click("Apply")


def finish(session: InteractiveSession, act: Callable[[], None]) -> dict[str, object]:
    """Apply, with what is done meanwhile; returns the outcome."""
    session.run("await step.apply()", act=act)
    return session.outcome()


def test_a_value_is_checked_while_it_is_typed_and_kept_in_accounts_toml(
    make_workspace: MakeWorkspace, make_client: MakeClient, session: InteractiveSession
) -> None:
    """A field that is left counts; the plan follows it, and so does what is made."""
    workspace = make_workspace()
    account = only_account(workspace)
    config = workspace.root / "accounts.toml"
    config.write_text("# a note of its author\n" + config.read_text("utf-8"), "utf-8")
    begin(session, workspace, "register_application")
    session.run("await step.apply()")
    session.until(lambda: session.is_open("Apply"))
    session.fill("Application's name", "x" * 91)
    session.until(lambda: "1 to 90 characters" in "".join(session.texts()))
    session.until(lambda: not session.is_open("Apply"))
    session.fill("Application's name", "Wickham & <b>Sons</b>")
    session.until(lambda: any("Wickham & <b>Sons</b>" in one for one in session.updates))
    assert load(workspace.root).account(account).application == "Wickham & <b>Sons</b>"
    assert config.read_text("utf-8").startswith("# a note of its author\n")
    outcome = finish(session, lambda: press(session))
    assert outcome["state"] == "changed"
    assert make_client().application(account)["displayName"] == "Wickham & <b>Sons</b>"


def test_a_value_that_changes_while_the_click_is_waited_for(
    make_workspace: MakeWorkspace, make_client: MakeClient, session: InteractiveSession
) -> None:
    """A click counts for nothing while a field is edited; then what is new is asked about."""
    workspace = make_workspace()
    account = only_account(workspace)
    begin(session, workspace, "register_application")

    def act() -> None:
        session.until(lambda: session.is_open("Apply"))
        session.type("Application's name", "Another name")
        session.click("Apply")
        session.until(lambda: "Leave the field" in "".join(session.texts()))
        session.click("Apply")
        session.fill("Application's name", "Another name")
        session.until(lambda: session.buttons("Apply") == 2 and session.is_open("Apply"))
        assert make_client().applications(account) == []
        session.click("Apply")

    assert finish(session, act)["state"] == "changed"
    assert make_client().application(account)["displayName"] == "Another name"


def test_a_lifetime_is_spelled_out_as_a_date(
    make_workspace: MakeWorkspace, session: InteractiveSession
) -> None:
    """And what is none says what is expected."""
    workspace = make_workspace()
    begin(session, workspace, "register_application")
    finish(session, lambda: press(session))
    begin(session, workspace, "client_secret")
    assert "A secret made today ends on " in "".join(session.texts())
    session.type("Lifetime", "soon")
    session.until(lambda: "from 1 day to 24 months" in "".join(session.texts()))
    session.run("await step.apply()")
    session.until(lambda: session.buttons("Apply") > 1)
    assert session.is_disabled("Apply")


def test_a_production_account_is_unlocked_by_its_name(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    make_client: MakeClient,
    session: InteractiveSession,
) -> None:
    """Nothing can be applied before; another word unlocks nothing."""
    workspace = make_workspace(name="production", kind="production")
    shown = begin(session, workspace, "register_application")
    assert "Account: production\n" in shown[0]

    def act() -> None:
        session.until(lambda: session.buttons("Apply") > 0)
        assert session.is_disabled("Apply")
        session.type("Production: type production", "trial")
        session.hear(0.5)
        assert session.is_disabled("Apply")
        session.type("Production: type production", "production")
        session.until(lambda: not session.is_disabled("Apply"))
        assert make_client().applications("production") == []
        session.click("Apply")

    assert finish(session, act)["state"] == "changed"
    assert len(make_client().applications("production")) == 1


def test_another_account_is_picked_and_remembered(
    make_workspace: MakeWorkspace, session: InteractiveSession
) -> None:
    """The bar follows; the next notebook begins there; a parameter that is changed counts."""
    workspace = make_workspace(name="first")
    config = workspace.root / "accounts.toml"
    text = config.read_text("utf-8")
    table = text[text.index("[accounts.first]") :].replace("accounts.first", "accounts.second")
    # No two accounts may share a Codat instance.
    second = [line for line in table.splitlines() if not line.startswith("codat_")]
    config.write_text("\n".join([text, *second]), "utf-8")
    shown = begin(session, workspace, "start_here", "first")
    assert "first (trial)" in shown[0]
    session.choose("Account", "second")
    session.until(lambda: any("second (trial)" in one for one in session.updates))
    assert "second (trial)" in begin(session, workspace, "register_application", "first")[0]
    assert "second (trial)" in begin(session, workspace, "register_application", "second")[0]
    session.choose("Account", "first")
    session.until(lambda: any("first (trial)" in one for one in session.updates))
    assert "first (trial)" in begin(session, workspace, "client_secret", "first")[0]


def test_the_rail_tells_how_far_the_account_is(
    make_workspace: MakeWorkspace, session: InteractiveSession
) -> None:
    """Each step with its state, and who is signed in; the next step after the outcome."""
    workspace = make_workspace()
    before = begin(session, workspace, "start_here")[0]
    assert re.search(r"> \d\. Start here: not started", before)
    finish(session, lambda: None)
    after = begin(session, workspace, "register_application")[0]
    assert "Start here: done" in after
    assert re.search(r"> \d\. Register the application: not started", after)
    assert "Signed in as: application" in after


def by_hand(client: IndependentClient, account: str) -> dict[str, str]:
    """A secret that is made in the portal."""
    app = client.application(account)
    body = {"passwordCredential": {"displayName": "made by hand"}}
    made = client.call("POST", f"/applications/{app['id']}/addPassword", body)
    return dict(made.json())


def test_a_secret_that_was_made_by_hand_goes_straight_into_the_store(
    make_workspace: MakeWorkspace, make_client: MakeClient, session: InteractiveSession
) -> None:
    """It is proven, kept, and counts as the account's own; no widget ever has it."""
    workspace = make_workspace()
    account = only_account(workspace)
    begin(session, workspace, "register_application")
    finish(session, lambda: press(session))
    made = by_hand(make_client(), account)
    assert "make a client secret" in "".join(begin(session, workspace, "client_secret"))
    label = "Value of the secret"
    session.hand_in(label, made["keyId"])
    session.until(lambda: any("begins like this one" in one for one in session.messages()))
    while "It works" not in "".join(session.messages()):
        # A new secret takes a while until it can be seen and used.
        session.state |= {
            key: one | {"status": ""} for key, one in session.state.items() if "status" in one
        }
        session.hand_in(label, made["secretText"])
        session.until(lambda: any(one != "Checking it." for one in session.messages()))
    session.until(lambda: any("0 to change" in one for one in session.updates))
    assert finish(session, lambda: None)["state"] == "done"
    (stored,) = stored_secrets(workspace.root.parent / "secret-store", account)
    assert stored.read_text("utf-8").strip() == made["secretText"]
    assert made["secretText"] not in json.dumps(session.traffic, default=str)


def test_a_device_code_is_shown_and_another_tenant_can_be_switched_to(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, session: InteractiveSession
) -> None:
    """The code with its address; then the tenants in sight, of which another one is taken."""
    person = person_of(cloud, "robin")
    workspace = make_workspace(sign_in=device_code(cloud))
    account = only_account(workspace)
    other = cloud.accounts["not_to_be_used"]["tenant"]

    def read(text: str) -> None:
        found = re.search(r"To sign in, open (\S+) and enter the code (\S+) \(valid", text)
        if found and not person.asked:
            person.show_device_code(DeviceCode(found[1], found[2], 900))

    session.run(OPEN.format(step="start_here", account=account, root=str(workspace.root)))
    session.run("await step.examine()", read=read)
    session.until(lambda: bool(person.asked))
    assert person.asked == 1
    session.run("step.plan()")
    # No cell waits for the sign-in: it goes on behind them.
    session.until(lambda: other in "".join(session.texts()))
    session.until(lambda: session.is_open("Switch to "))
    assert session.is_disabled("This one")
    session.click("Switch to ")
    session.until(lambda: load(workspace.root).account(account).tenant == other)
    session.until(lambda: any(f"Tenant: {other}" in one for one in session.updates))


def test_a_step_shows_the_way_by_hand(
    make_workspace: MakeWorkspace, session: InteractiveSession
) -> None:
    """As the notebook tells it, in a tab beside the plan; in a rehearsal it leads nowhere real."""
    begin(session, make_workspace(), "register_application")
    (way,) = [one for one in session.texts() if "<ol>" in one]
    assert "App registrations" in way
    assert "href" not in way
