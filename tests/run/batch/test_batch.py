"""`bcrunbook batch`, as somebody at a terminal or a script uses it."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from bcrunbook import __version__
from bcrunbook.accounts import Workspace
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import CODAT_KEYS, ROTATE_SECRET, notebook_name
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.run.batch.selection import OF_ACCOUNTS
from bcrunbook.run.papermill import read_outcome
from bcrunbook.steps import notebook_of, step_named
from tests.conftest import lay_out, requests_of
from tests.run.batch.conftest import (
    FRESH,
    MakeClient,
    check_done_once,
    names,
    run_batch,
    running,
    states,
)
from tests.run.conftest import bcrunbook, leaks
from tests.support.running import UP_TO_KEYS

unix = pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")


def writes(cloud: RehearsalDescription, since: int) -> list[str]:
    """What was written to Microsoft Graph after the first `since` requests."""
    return [
        f"{one['method']} {one['path']}"
        for one in requests_of(cloud)[since:]
        if one["method"] != "GET" and "$batch" not in one["path"]
    ]


def token_requests(cloud: RehearsalDescription) -> int:
    """How often Entra has been asked for a token so far."""
    seen = requests_of(cloud, "login.microsoftonline.com")
    return sum(one["path"].endswith("/token") for one in seen)


AGAIN = ["done", "done", "done", "done", "needs_person", "needs_person"]


def test_everything_once_and_again(
    many: Workspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """Each account gets what a single run gives it; the second batch finds it and adds nothing."""
    first = run_batch(many.root)
    assert states(first) == dict.fromkeys(many.accounts, FRESH)
    assert first.events[-1]["code"] == 3
    check_done_once(many, make_client())
    report = Path(first.events[-2]["report"])
    page = report.read_text("utf-8")
    for name in many.accounts:
        for step in UP_TO_KEYS:
            notebook = report.parent / name / notebook_of(step_named(step))
            outcome = read_outcome(notebook)
            assert outcome and outcome.step == step and outcome.account == name
            assert f'href="{name}/{notebook.name}"' in page
        assert f'href="{name}/{notebook_name(CODAT_KEYS)}.card.html"' in page
    assert "6 of 6 have ended." in page

    before, asked = len(requests_of(cloud)), token_requests(cloud)
    second = run_batch(many.root)
    assert states(second) == dict.fromkeys(many.accounts, AGAIN)
    assert Path(second.events[-2]["report"]).parent != report.parent
    assert writes(cloud, before) == []
    # Each signs in once for all its notebooks; with the rest steps prove its secret.
    assert token_requests(cloud) - asked == 4 * len(many.accounts)
    printed = [json.dumps(event) for event in first.events + second.events]
    assert leaks(Path(cloud.canaries), [many.root], *printed) == []


@pytest.mark.lasting
def test_a_kernel_gives_the_same_states(many: Workspace) -> None:
    """The ordinary engine, for one of them."""
    name = next(iter(many.accounts))
    assert states(run_batch(many.root, name, "--engine", "kernel", "--jobs", "1")) == {name: FRESH}


def test_a_dry_run_writes_nothing(many: Workspace, cloud: RehearsalDescription) -> None:
    """Plan mode over all that is chosen, and one table that says how many are open where."""
    before = len(requests_of(cloud))
    done = bcrunbook("batch", "--dry-run", "--tag", "wave-1", "-w", str(many.root))
    assert done.returncode == 5, done.stderr
    assert writes(cloud, before) == []
    row = re.search(r"1 register_application\s+(\d+)", done.stdout)
    assert row and row[1] == "3" and "changes pending" in done.stdout
    assert done.stdout.strip().splitlines()[-1].endswith("report.html")
    for index, name in enumerate(many.accounts):
        assert (name in done.stderr) is (index % 2 == 1)


def note(workspace: Workspace, account: str, state: str = "done") -> None:
    """Write into the ledger that all steps of an account ended like this."""
    identity = workspace.account(account).identity
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        for step in OF_ACCOUNTS:
            is_about_codat = step_named(step).is_about_codat
            whose = identity if is_about_codat else identity.apart_from_codat
            run = ledger.begin_run(Scope(whose, step), "apply")
            ledger.end_run(run, state)
            ledger.record_outcome(run, Scope(whose, step), state, {})


@pytest.fixture
def pair(tmp_path: Path, cloud: RehearsalDescription) -> Workspace:
    """A production account, and the trial that it requires."""
    trial, production = names(2)
    wanted = {trial: {}, production: {"kind": "production", "requires": trial}}
    return lay_out(tmp_path, cloud, wanted)


def test_production_waits_for_its_trial(pair: Workspace, make_client: MakeClient) -> None:
    """In the same batch or alone: not before every step of the trial has passed."""
    trial, production = pair.accounts
    for words in ([], [production]):
        one = run_batch(pair.root, *words)
        assert states(one)[production] == ["waiting"]
        assert one.events[-1]["code"] == (4 if words else 3)
        (event,) = [
            each
            for each in one.events
            if each["event"] == "step_ended" and each["who"] == production
        ]
        assert f'waits for "{trial}"' in event["summary"] and __version__ in event["summary"]
        assert "--without-trial" in event["next"]
    assert make_client().applications(production) == []


def test_production_begins_after_its_trial_or_for_a_reason(pair: Workspace) -> None:
    """The trial has passed with this version; or somebody says why not, which is kept."""
    trial, production = pair.accounts
    reason = "the trial tenant has run out"
    one = run_batch(pair.root, production, "--without-trial", reason)
    assert states(one) == {production: FRESH}
    with open_ledger(pair.ledger_url, pair.root) as ledger:
        fact = ledger.latest(Scope(pair.account(production).identity, "batch"), "without_trial")
    assert fact is not None and fact.data["reason"] == reason and fact.said_by
    note(pair, trial)
    assert states(run_batch(pair.root, production)) == {production: AGAIN}


def test_what_failed_is_run_alone(many: Workspace) -> None:
    """`--failed` takes what failed last, and nothing once it has passed."""
    broken, *_ = many.accounts
    note(many, broken, "failed")
    assert list(states(run_batch(many.root, "--failed"))) == [broken]
    again = run_batch(many.root, "--failed")
    assert again.events[-1]["code"] == 2
    assert "No account or customer matches" in again.events[-1]["stderr"]
    assert list(states(run_batch(many.root, "--needs-person"))) == [broken]


@unix
def test_the_second_at_once_is_told_who_has_it(many: Workspace) -> None:
    """Exit 4 with who, where and since when; the first goes on undisturbed."""
    with running(many.root, "--jobs", "1") as first:
        first.until("step_began")
        # However slow the second is to start, the first is still there.
        first.child.send_signal(signal.SIGSTOP)
        second = bcrunbook("batch", "-w", str(many.root))
        first.child.send_signal(signal.SIGCONT)
        assert second.returncode == 4, second.stderr
        assert "at work on batch: a batch of 6" in second.stderr
        assert f"process {first.child.pid}" in second.stderr
        assert first.end()[0] == 3
    assert len(first.ended()) == 6


@unix
def test_ctrl_c_once_lets_what_has_begun_end(many: Workspace, make_client: MakeClient) -> None:
    """Nothing new begins; the same command takes it up and does the rest only."""
    with running(many.root, "--jobs", "1") as first:
        first.until("item_ended", 2)
        first.until("step_began", 2 * 5 + 1)
        first.child.send_signal(signal.SIGINT)
        code, stderr = first.end()
    assert code == 130
    assert "what has begun is finished first" in stderr and "takes it up" in stderr
    assert first.events[-1]["event"] == "batch_stopped"
    # The third has begun when somebody presses, and may have ended when that is heard.
    assert 3 <= len(first.ended()) < 6
    assert states(first) == dict.fromkeys(first.ended(), FRESH)
    second = run_batch(many.root)
    assert f"{len(first.ended())} of 6 have ended" in second.events[-1]["stderr"]
    assert sorted(first.ended() + second.ended()) == sorted(many.accounts)
    assert second.events[-2]["ended"] == 6
    check_done_once(many, make_client())


@unix
def test_ctrl_c_twice_ends_it_now(many: Workspace, make_client: MakeClient) -> None:
    """No process is left, and the next run does what was broken off."""
    with running(many.root) as first:
        first.until("step_began", 6)
        family = psutil.Process(first.child.pid).children(recursive=True)
        first.child.send_signal(signal.SIGINT)
        time.sleep(0.05)
        first.child.send_signal(signal.SIGINT)
        assert first.end()[0] == 130
        assert psutil.wait_procs(family, timeout=30)[1] == []
    assert "Traceback" not in first.events[-1].get("stderr", "")
    run_batch(many.root)
    check_done_once(many, make_client())


@unix
def test_killed_again_and_again(many: Workspace, make_client: MakeClient) -> None:
    """Each time at another place; nothing is done twice, nothing is lost, no process stays."""
    ended: list[str] = []
    for begun in (1, 3, 8, 4, 2):
        with running(many.root, "--jobs", "2") as one:
            one.until("step_began", begun)
            family = psutil.Process(one.child.pid).children(recursive=True)
            one.child.kill()
            one.child.communicate()
            assert psutil.wait_procs(family, timeout=30)[1] == []
        ended += one.ended()
    last = run_batch(many.root)
    ended += last.ended()
    assert sorted(ended) == sorted(many.accounts)
    assert last.events[-2]["ended"] == 6 and last.events[-1]["code"] == 3
    check_done_once(many, make_client())


@unix
def test_a_process_that_is_killed_is_replaced(many: Workspace, make_client: MakeClient) -> None:
    """Its item is begun again, and ends as the others do."""

    def kill_one(coordinator: int) -> None:
        for server in psutil.Process(coordinator).children():
            if "forkserver" in " ".join(server.cmdline()):
                for worker in server.children():
                    worker.kill()

    with running(many.root, "--jobs", "1") as one:
        # What is killed may just have done its work: then it is the next one's turn.
        while not one.tried_again():
            one.until("step_began", len(one.began()) + 1)
            kill_one(one.child.pid)
            one.next()
        assert one.end()[0] == 3
    assert sorted(one.ended()) == sorted(many.accounts)
    check_done_once(many, make_client())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--mode", "aply"], 'did you mean "apply"'),
        (["--kind", "prod"], "production"),
        (["--engine", "kernels"], 'did you mean "kernel"'),
        (["nobody*"], "matches no account"),
    ],
)
def test_wrong_words(words: list[str], says: str, many: Workspace) -> None:
    """Exit 2, and what was probably meant; nothing is run."""
    done = bcrunbook("batch", *words, "-w", str(many.root))
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr
    assert not (many.root / "runs").exists()


def test_what_a_terminal_shows(many: Workspace) -> None:
    """Plain lines where it is none: one for each that has ended, then what is to be done."""
    name = next(iter(many.accounts))
    done = bcrunbook("batch", name, "-w", str(many.root))
    assert re.search(rf"{name} +needs a person +\d+\.\d s +1 of 1 ended", done.stderr)
    assert f"{name}, codat_keys: A person has to act" in done.stderr
    assert "next: somebody with the role Developer" in done.stderr
    assert f"{name}, enable_integration" not in done.stderr
    assert re.search(r"4 codat_keys +1\b", done.stdout)


def test_secrets_that_end_soon_are_replaced(many: Workspace, make_client: MakeClient) -> None:
    """Of all accounts chosen, those alone; said to be saved, the same command removes the old."""
    name = next(iter(many.accounts))
    run_batch(many.root, name)
    words = (name, "--rotate-before")
    said = bcrunbook("batch", *words, "100", "--mode", "apply", "-w", str(many.root))
    assert said.returncode == 0 and "No client secret ends within 100 days" in said.stderr

    client = make_client()
    (old,) = client.application(name)["passwordCredentials"]
    table = many.root / "table.md"
    first = run_batch(many.root, *words, "400", "--markdown", str(table))
    assert states(first) == {name: ["needs_person"]}
    assert f"| `{name}` | needs a person |" in table.read_text("utf-8")
    page = Path(first.events[-2]["report"]).read_text("utf-8")
    assert f'href="{name}/{notebook_name(ROTATE_SECRET)}.ipynb"' in page
    assert len(client.application(name)["passwordCredentials"]) == 2
    again = run_batch(many.root, *words, "400")
    assert states(again) == {name: ["needs_person"]}
    assert len(client.application(name)["passwordCredentials"]) == 2

    confirmed = bcrunbook(
        "confirm", name, "rotate_secret", "--by", "Ada Lovelace", "-w", str(many.root)
    )
    assert confirmed.returncode == 0, confirmed.stderr
    last = run_batch(many.root, *words, "100")
    assert states(last) == {name: ["changed"]}
    (new,) = client.application(name)["passwordCredentials"]
    assert new["keyId"] != old["keyId"]
    nothing = run_batch(many.root, *words, "100")
    assert (states(nothing), nothing.events[-1]["code"]) == ({}, 0)
