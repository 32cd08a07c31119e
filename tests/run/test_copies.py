"""Copies of runs at another place: a folder, and a real server."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bcrunbook.accounts import FILE_NAME, Workspace, load
from bcrunbook.errors import FixInput
from bcrunbook.order import START_HERE
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.steps import notebook_of, step_named
from tests.conftest import lay_out
from tests.run.batch.conftest import names, run_batch, running
from tests.run.conftest import bcrunbook, leaks

unix = pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")

_SERVER = """
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer
allowed = DummyAuthorizer()
allowed.add_anonymous(sys.argv[1], perm=sys.argv[2])
FTPHandler.authorizer = allowed
server = FTPServer(("127.0.0.1", 0), FTPHandler)
print(server.socket.getsockname()[1], flush=True)
server.serve_forever()
"""


@pytest.fixture
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an FTP server; everybody may write below `served`, or what `param` lets."""
    (tmp_path / "served").mkdir()
    words = [str(tmp_path / "served"), getattr(request, "param", "elradfmw")]
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _SERVER, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield f"ftp://127.0.0.1:{int(server.stdout.readline())}/runs"
        server.kill()


@pytest.fixture
def workspace(tmp_path: Path, cloud: RehearsalDescription) -> Workspace:
    """Two accounts of which nothing has been done."""
    return lay_out(tmp_path, cloud, {one: {} for one in names(2)})


def copying_to(workspace: Workspace, url: str) -> Workspace:
    """The same workspace, which keeps copies of its runs."""
    with (workspace.root / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(f'\n[runs]\nurl = "{url}"\n')
    return load(workspace.root)


def content(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_batch_on_a_server(
    workspace: Workspace, served: str, tmp_path: Path, cloud: RehearsalDescription
) -> None:
    """All that is in the batch's folder is there as well, the report as it ended."""
    copying_to(workspace, served)
    one = run_batch(workspace.root)
    assert one.events[-1]["code"] == 3, one.events[-1]["stderr"]
    report = Path(one.events[-2]["report"])
    there = tmp_path / "served" / "runs" / report.parent.name
    assert f"Copied to {served}/{report.parent.name}" in one.events[-1]["stderr"]
    found = content(there)
    assert found == content(report.parent) and len(found) == 2 * 7 + 1
    assert leaks(Path(cloud.canaries), [there]) == []


def test_a_run_in_a_folder(workspace: Workspace, tmp_path: Path) -> None:
    """One account's run, and a share that is mounted."""
    share = tmp_path / "share"
    copying_to(workspace, share.as_uri())
    name = next(iter(workspace.accounts))
    done = bcrunbook("run", name, "start_here", "-w", str(workspace.root))
    assert done.returncode == 0, done.stderr
    (run,) = (workspace.root / "runs").iterdir()
    assert content(share / run.name) == content(run)
    assert {f"{name}/{notebook_of(step_named(START_HERE))}", "report.html"} <= content(run).keys()


def test_a_server_that_goes_away(workspace: Workspace, served: str, tmp_path: Path) -> None:
    """The batch ends with a sentence and is taken up where it was; all is copied in the end."""
    copying_to(workspace, served)
    with running(workspace.root, "--jobs", "1") as first:
        first.until("step_began", 3)
        (tmp_path / "served" / "runs").rename(tmp_path / "elsewhere")
        (tmp_path / "served" / "runs").write_text("not a folder any more", "utf-8")
        code, stderr = first.end()
    assert code == 1 and "The copy of the run cannot be written" in stderr, stderr
    assert "Traceback" not in stderr and first.ended() == []
    (tmp_path / "served" / "runs").unlink()
    (tmp_path / "elsewhere").rename(tmp_path / "served" / "runs")
    second = run_batch(workspace.root)
    assert sorted(second.ended()) == sorted(workspace.accounts)
    report = Path(second.events[-2]["report"])
    assert content(tmp_path / "served" / "runs" / report.parent.name) == content(report.parent)


def stopped_after_the_first(root: Path) -> list[str]:
    """A batch that somebody stops while its first account is at work; who has ended in it."""
    with running(root, "--jobs", "1") as one:
        one.until("step_began", 1)
        one.child.send_signal(signal.SIGINT)
        assert one.end()[0] == 130
    return one.ended()


@unix
@pytest.mark.parametrize("copied", [True, False])
def test_taken_up_on_another_machine(
    workspace: Workspace, served: str, tmp_path: Path, cloud: RehearsalDescription, copied: bool
) -> None:
    """Two that share ledger and stores: the second does the rest, and its report has all."""
    if copied:
        copying_to(workspace, served)
    with (workspace.root / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write('\n[ledger]\nurl = "sqlite:///../ledger.db"\n')
    other = tmp_path / "machine-2"
    shutil.copytree(workspace.root, other)

    ended = stopped_after_the_first(workspace.root)
    assert len(ended) == 1
    second = run_batch(other)
    stderr, asked = second.events[-1]["stderr"], "Taking up the batch"
    assert f"{asked} {next((workspace.root / 'runs').iterdir()).name} again: 1 of 2" in stderr
    left = set(workspace.accounts) if not copied else set(workspace.accounts) - set(ended)
    assert set(second.ended()) == left
    assert ("are not on this machine" in stderr) == (not copied)
    report = Path(second.events[-2]["report"])
    assert report.is_relative_to(other) and "2 of 2 have ended." in report.read_text("utf-8")
    whole = content(report.parent)
    for name in workspace.accounts:
        assert f"{name}/{notebook_of(step_named(START_HERE))}" in whole
    if copied:
        assert content(tmp_path / "served" / "runs" / report.parent.name) == whole
        assert "Taking up" not in run_batch(workspace.root).events[-1]["stderr"]


@unix
def test_a_batch_whose_folder_was_removed(workspace: Workspace) -> None:
    """It is the same batch still, and its record is made whole again."""
    stopped_after_the_first(workspace.root)
    (run,) = (workspace.root / "runs").iterdir()
    shutil.rmtree(run)
    second = run_batch(workspace.root)
    assert sorted(second.ended()) == sorted(workspace.accounts)
    assert [one.name for one in (workspace.root / "runs").iterdir()] == [run.name]


@pytest.mark.parametrize("served", ["elr"], indirect=True)
def test_where_nobody_may_write(workspace: Workspace, served: str) -> None:
    """CommandResult before anything is run."""
    copying_to(workspace, served)
    for words in (["batch"], ["run", next(iter(workspace.accounts))]):
        done = bcrunbook(*words, "-w", str(workspace.root))
        assert done.returncode == 1 and served in done.stderr, done.stderr
        assert "cannot be written" in done.stderr and "Traceback" not in done.stderr
        assert list((workspace.root / "runs").rglob("*.ipynb")) == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nowhere://bucket", "Protocol not known: nowhere"),
        ("s3://bucket/runs", "Install s3fs"),
    ],
)
def test_a_kind_of_place_that_is_not_known(workspace: Workspace, url: str, says: str) -> None:
    """What is missing is named."""
    copying_to(workspace, url)
    done = bcrunbook("batch", "-w", str(workspace.root))
    assert done.returncode in (1, 2) and says in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["runs", "ftp://ann:pass@host/runs", "s3:bucket"])
def test_an_address_that_is_none(workspace: Workspace, url: str) -> None:
    """With a password, or without a kind of place."""
    with pytest.raises(FixInput, match=r"runs\.url"):
        copying_to(workspace, url)
