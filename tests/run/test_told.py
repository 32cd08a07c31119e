"""What a batch and a check write for other programs, from the program itself."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from bcrunbook.core.step import Change, Comparison, Finding, HandOff, Outcome, State
from bcrunbook.order import CODAT_KEYS, HEALTH_CHECK
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.run.ended import of_check
from tests.conftest import MakeWorkspace, only_account
from tests.run.batch.conftest import run_batch
from tests.run.conftest import bcrunbook, leaks
from tests.run.test_junit import check_shape
from tests.support.running import UP_TO_KEYS


def test_a_batch_and_a_check_are_told_to_other_programs(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, tmp_path: Path
) -> None:
    """Each step is a case, the person's part a failure with its card; nothing secret is in it."""
    root = make_workspace().root
    told = tmp_path / "told"
    files = ["--junit", str(told / "batch.xml"), "--markdown", str(told / "batch.md")]
    one = run_batch(root, *files)
    assert one.events[-1]["code"] == 3
    suites = ET.parse(told / "batch.xml").getroot()
    check_shape(suites)
    cases = {str(case.get("name")).split()[1]: case for case in suites.iter("testcase")}
    assert set(UP_TO_KEYS) < set(cases)
    failure = cases[CODAT_KEYS].find("failure")
    assert failure is not None and failure.text is not None
    assert "It contains no secret and may be forwarded." in failure.text
    assert cases[UP_TO_KEYS[0]].find("failure") is None
    table = (told / "batch.md").read_text("utf-8")
    assert "### Batch" in table and "It contains no secret and may be forwarded." in table

    files = ["--junit", str(told / "check.xml"), "--markdown", str(told / "check.md")]
    done = bcrunbook("check", "-w", str(root), "--json", *files)
    assert json.loads(done.stdout)["exit_code"] == done.returncode
    suites = ET.parse(told / "check.xml").getroot()
    check_shape(suites)
    (case,) = suites.iter("testcase")
    assert str(case.get("name")).endswith(HEALTH_CHECK)
    assert (case.find("failure") is not None) == (done.returncode == 3)
    assert leaks(Path(cloud.canaries), [told]) == []


@pytest.mark.parametrize("command", ["batch", "check"])
def test_a_file_that_cannot_be_is_refused_before_anything_is_done(
    make_workspace: MakeWorkspace, tmp_path: Path, command: str
) -> None:
    """A folder is no file, and a file no folder; it is said at once, and who may mend it."""
    root = make_workspace().root
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for wrong in (tmp_path, tmp_path / "file" / "junit.xml"):
        done = bcrunbook(command, "-w", str(root), "--junit", str(wrong))
        assert done.returncode == 2 and "--junit" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (root / "runs").exists()
    assert (tmp_path / "file").read_text("utf-8") == "mine"


def test_a_check_tells_each_customer_apart(make_workspace: MakeWorkspace) -> None:
    """What one customer needs is that customer's case, and neither the account's nor another's."""
    workspace = make_workspace(
        **{
            f"customers.{name}": {"name": name.title(), "contact": f"{name}@example.org"}
            for name in ("north", "south")
        }
    )
    account = only_account(workspace)
    hand_off = HandOff("North", ("Ask.",))
    outcome = Outcome(
        HEALTH_CHECK,
        account,
        State.NEEDS_PERSON,
        "apply",
        "rehearsal",
        "1 of 3 needs somebody",
        findings=tuple(
            Finding(name, "", "as it should be", "", Comparison.OK)
            for name in ("Application", "Customer North", "Customer South")
        ),
        changes=(Change("Customer North", "ask North", by="person", hand_off=hand_off),),
    )
    ended = {one.who: one for one in of_check(workspace, [outcome])}
    states = {who.rpartition("/")[2]: one.state for who, one in ended.items()}
    assert states == {account: State.DONE, "north": State.NEEDS_PERSON, "south": State.DONE}
    assert "Ask." in ended[f"{account}/north"].card and not ended[account].card
    refused = replace(outcome, state=State.FAILED, findings=(), changes=(), error=None)
    assert [one.who for one in of_check(workspace, [refused])] == [account]
