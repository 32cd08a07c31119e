"""What goes wrong at the edges: one clear message, the right exit code, and nothing is lost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import START_HERE
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.steps import notebook_of, step_named
from bcrunbook.views.cells import OUTCOME_MIME
from tests.cli.conftest import Command, CommandResult, program
from tests.conftest import MakeWorkspace, only_account

# Shaped like a client secret of Entra, and none.
LIKE_A_SECRET = "xk38Q~Yd.2bPz_Rr-7TqLmVn0sWc4uHe1aGfJkbD"


def refused(result: CommandResult, code: int, *says: str) -> None:
    """One message that says these things; no data, no traceback, the right exit code."""
    assert result.code == code, result
    assert result.out == ""
    for text in says:
        assert text in result.err
    assert "Traceback" not in result.err
    assert LIKE_A_SECRET not in result.err


# --- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("run NAME --mode aply", ['There is no mode "aply"', 'did you mean "apply"?']),
        ("run NAME --mode ask", ['There is no mode "ask"', "valid: apply, auto, plan"]),
        ("rehearse --lags wurst", ['There is no way to lag "wurst"', 'did you mean "worst"?']),
        ("run NAME client_secre", ["There is no step", 'did you mean "client_secret"?']),
        ("plan NAMEX", ["There is no account", 'did you mean "NAME"?']),
        (f"plan {LIKE_A_SECRET}", ["There is no account", "use one of: NAME"]),
        ("run NAME --mde plan", ["No such option: --mde", "--mode"]),
        ("run", ["Missing argument 'account'"]),
        ("rum NAME", ["No such command 'rum'", "'run'"]),
        ("accounts chek", ["No such command 'chek'", "'check'"]),
    ],
)
def test_a_mistyped_word_is_met_with_the_nearest(
    words: str, says: list[str], command: Command, make_workspace: MakeWorkspace
) -> None:
    """Exit 2, the name that was probably meant, and no run folder."""
    workspace = make_workspace()
    name = only_account(workspace)
    given = [word.replace("NAME", name) for word in words.split()]
    if given[0] in ("run", "plan") and len(given) > 1:
        given += ["-w", str(workspace.root)]
    refused(command(*given), 2, *(one.replace("NAME", name) for one in says))
    assert not (workspace.root / "runs").exists()


# --- accounts.toml -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["at least one account is needed"]),
        ("[accounts.trial\n", ["line 1", "this is not TOML", "brackets"]),
        (
            '[accounts.trial]\nkind = "tial"\n',
            ["line 2", 'did you mean "trial"?'],
        ),
        ("[acounts.trial]\n", ["line 1", 'did you mean "accounts"?']),
        (
            '[accounts.trial]\nkind = "trial"\ntenant = "PLACEHOLDER"\napplication = "B"\n',
            ["line 3: accounts.trial.tenant: still holds the placeholder"],
        ),
        (
            f'[accounts.trial]\nkind = "trial"\ntenant = "contoso.com"\napplication = "B"\n'
            f'codat_api_key = "{LIKE_A_SECRET}"\n',
            ["line 5", "looks like a secret itself"],
        ),
    ],
    ids=["empty", "no TOML", "a choice", "a table", "placeholder", "secret"],
)
@pytest.mark.parametrize("words", ["accounts check", "status", "run trial"])
def test_a_mistake_in_the_file_is_shown_with_its_line(
    words: str, text: str, says: list[str], command: Command, tmp_path: Path
) -> None:
    """Every command says it the same way, before anything is run; the file stays as it is."""
    config = tmp_path / "accounts.toml"
    config.write_text(text, encoding="utf-8")
    refused(command(*words.split(), "-w", tmp_path), 2, *says, "next:")
    assert config.read_text("utf-8") == text


@pytest.mark.parametrize("words", ["accounts check", "status", "plan trial", "doctor"])
def test_a_missing_workspace(words: str, command: Command, tmp_path: Path) -> None:
    """Exit 2 and the command that makes one."""
    result = command(*words.split(), "-w", tmp_path / "nowhere")
    assert result.code == 2
    assert "bcrunbook init" in result.err + result.out and "Traceback" not in result.err


def test_no_workspace_here(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without -w the folder is searched upwards, and that is said."""
    monkeypatch.chdir(tmp_path)
    refused(command("status"), 2, "There is no workspace here.", "bcrunbook init DIR")


# --- parameters of a notebook, by plain papermill ------------------------------------------------


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["-p", "acount", "x"], ['no parameter "acount"', 'did you mean "account"?']),
        (["-p", "account", "12"], ["account must be a string, not int", "-r account"]),
        (["-y", "account: 0012"], ["account must be a string, not int", 'account: "VALUE"']),
        (["-y", "mode: off"], ["mode must be a string, not bool", "in quotes"]),
        (["-r", "account", LIKE_A_SECRET], ["account looks like a secret", "replace that secret"]),
    ],
    ids=["name", "type", "number in YAML", "word in YAML", "secret"],
)
def test_a_notebook_refuses_bad_parameters(
    given: list[str], says: list[str], make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    """Papermill fails, and the outcome says why and what to do; a value is not repeated."""
    from bcrunbook.notebook_files.shipped import shipped

    source, target = shipped() / notebook_of(step_named(START_HERE)), tmp_path / "out.ipynb"
    words = [str(source), str(target), "-r", "workspace", str(make_workspace().root), *given]
    done = subprocess.run(
        [sys.executable, "-m", "papermill", "--no-progress-bar", *words],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    cells = json.loads(target.read_text("utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    (outcome,) = [
        output["data"][OUTCOME_MIME] for output in outputs if OUTCOME_MIME in output.get("data", {})
    ]
    assert (outcome["state"], outcome["exit_code"]) == ("failed", 2)
    for text in says:
        assert text in f"{outcome['error']['what']} {outcome['error']['next']}"
    assert LIKE_A_SECRET not in done.stdout + done.stderr + json.dumps(outputs)


@pytest.mark.parametrize("inject", ["paths", "input-path", "output-path"])
def test_a_notebook_takes_papermills_own_parameters(
    inject: str, make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    """Papermill may tell it where it is."""
    from bcrunbook.notebook_files.shipped import shipped

    workspace = make_workspace()
    values = {"account": only_account(workspace), "mode": "plan", "workspace": workspace.root}
    words = [word for name, value in values.items() for word in ("-r", name, str(value))]
    words += [str(shipped() / notebook_of(step_named(START_HERE))), str(tmp_path / "out.ipynb")]
    done = subprocess.run(
        [sys.executable, "-m", "papermill", "--engine", "bcrunbook", f"--inject-{inject}", *words],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "PAPERMILL_" in (tmp_path / "out.ipynb").read_text("utf-8")


# --- the network ---------------------------------------------------------------------------------


def test_a_rehearsal_cloud_that_is_not_running(
    command: Command, make_workspace: MakeWorkspace, cloud: RehearsalDescription, tmp_path: Path
) -> None:
    """Exit 2 and the command that starts it, before any notebook is run."""
    workspace = make_workspace()
    config = workspace.root / "accounts.toml"
    text = config.read_text("utf-8").replace(cloud.directory, (tmp_path / "other").as_posix())
    config.write_text(text, encoding="utf-8")
    result = command("run", only_account(workspace), "-w", workspace.root)
    refused(result, 2, "The rehearsal cloud is not running.", "bcrunbook rehearsal serve --dir")


def test_a_proxy_that_is_down(command: Command, make_workspace: MakeWorkspace) -> None:
    """Exit 1, and the proxy is named as what cannot be reached."""
    workspace = make_workspace(cloud="live")
    with (workspace.root / "accounts.toml").open("a", encoding="utf-8") as config:
        config.write('[network]\nproxy = "http://127.0.0.1:9"\n')
    result = command("doctor", "-w", workspace.root)
    assert result.code == 1
    assert "failed  Entra" in result.out and "proxy" in result.out and "next:" in result.out
    assert "Traceback" not in result.err


# --- files ---------------------------------------------------------------------------------------


def in_place_of_runs(root: Path) -> None:
    """A file where the folder should be."""
    (root / "runs").write_text("mine", encoding="utf-8")


def runs_that_nobody_may_write(root: Path) -> None:
    """A folder in which not even root can make a file."""
    (root / "runs").symlink_to("/proc/self/task")


@pytest.mark.parametrize(
    "spoil",
    [
        in_place_of_runs,
        pytest.param(
            runs_that_nobody_may_write,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="needs /proc"),
        ),
    ],
)
def test_a_run_folder_that_cannot_be_used(
    spoil: Callable[[Path], None], command: Command, make_workspace: MakeWorkspace
) -> None:
    """Exit 2 before anything is run; what is in the place stays."""
    workspace = make_workspace()
    spoil(workspace.root)
    result = command("run", only_account(workspace), "-w", workspace.root)
    refused(result, 2, "The folder of the runs cannot be written", "Nothing was run.", "next:")
    if (workspace.root / "runs").is_file():
        assert (workspace.root / "runs").read_text("utf-8") == "mine"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_for_the_notebook(
    command: Command,
    make_workspace: MakeWorkspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The output notebook meets a device that is really full: exit 1, and earlier facts stay."""
    workspace = make_workspace()
    name = only_account(workspace)
    whose = workspace.account(name).identity
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        ledger.record(Scope(whose, "start_here"), "kept", "earlier", "observed", {})
    folder = tmp_path / "run"
    (folder / name).mkdir(parents=True)
    opened = os.open

    def on_a_full_disk(path: str | Path, flags: int, *args: int, **kwargs: int) -> int:
        """What is written first, to be put in the notebook's place once it is whole."""
        if Path(path).parent == folder / name and flags & os.O_CREAT:
            return opened("/dev/full", os.O_WRONLY)
        return opened(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", on_a_full_disk)
    monkeypatch.setattr("bcrunbook.cli.account_run.run_folder", lambda root: folder)
    result = command("run", name, "start_here", "-w", workspace.root)
    assert result.code == 1
    assert "The disk is full: the output notebook cannot be written." in result.err
    assert "next: make room" in result.err and "Traceback" not in result.err
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        assert ledger.latest(Scope(whose), "kept") is not None


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_a_full_disk_for_the_ledger(command: Command, make_workspace: MakeWorkspace) -> None:
    """No byte can be added to any file: exit 1, and the ledger is whole when there is room."""
    workspace = make_workspace()
    command("status", "-w", workspace.root)
    limited = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384));"
        "from bcrunbook.cli import main; main()"
    )
    words = ["run", only_account(workspace), "-w", str(workspace.root)]
    done = subprocess.run(
        [sys.executable, "-c", limited, *words], capture_output=True, text=True, timeout=60
    )
    refused(
        CommandResult(done.returncode, done.stdout, done.stderr),
        1,
        "The disk of the ledger is full",
    )
    assert command("status", "-w", workspace.root).code == 0


# --- the ledger ----------------------------------------------------------------------------------


def test_a_file_that_is_no_ledger(command: Command, make_workspace: MakeWorkspace) -> None:
    """Exit 2; the file is left as it is."""
    workspace = make_workspace()
    file = workspace.root / "ledger.db"
    file.write_bytes(b"no database at all" * 100)
    for words in (["status"], ["run", only_account(workspace)]):
        refused(command(*words, "-w", workspace.root), 2, "not a database", "restore it")
    assert file.read_bytes() == b"no database at all" * 100


def test_a_ledger_of_a_newer_version(command: Command, make_workspace: MakeWorkspace) -> None:
    """Exit 2 and the command that upgrades; it is left as it is."""
    workspace = make_workspace()
    command("status", "-w", workspace.root)
    with sqlite3.connect(workspace.root / "ledger.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    result = command("run", only_account(workspace), "-w", workspace.root)
    refused(result, 2, "A newer version of bcrunbook", "pip install --upgrade")


HOLDER = """
import asyncio, sys
from pathlib import Path
from bcrunbook.accounts import load
from bcrunbook.ledger.store import open_ledger
from bcrunbook.core.follow import lease_name

async def hold(root, account):
    workspace = load(Path(root))
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        name = lease_name(ledger, workspace.account(account).identity)
        async with ledger.lease(f"run/{name}", what="a run that takes long"):
            print("held", flush=True)
            await asyncio.to_thread(sys.stdin.readline)

asyncio.run(hold(*sys.argv[1:]))
"""


def test_another_runner(command: Command, make_workspace: MakeWorkspace) -> None:
    """Exit 4; who is at it and with what; afterwards the account is free again."""
    workspace = make_workspace()
    name = only_account(workspace)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(workspace.root), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None and other.stdin is not None
        assert other.stdout.readline() == "held\n"
        result = command("run", name, "-w", workspace.root)
        refused(result, 4, "a run that takes long", f"process {other.pid}", "wait until")
        other.communicate("\n", timeout=30)
    assert free(workspace)


def free(workspace: Workspace) -> bool:
    """Whether nobody holds anything in the ledger."""
    with sqlite3.connect(workspace.root / "ledger.db") as connection:
        held: list[Any] = connection.execute("SELECT * FROM lease").fetchall()
    connection.close()
    return not held


# --- secrets -------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_a_secret_that_others_can_read(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, tmp_path: Path
) -> None:
    """The sign-in's secret is refused with the command that closes its file; exit 2."""
    workspace = make_workspace()
    file = tmp_path / "secret-store" / "sign-in" / "batch"
    file.chmod(0o644)
    result = program("run", only_account(workspace), "start_here", "-w", workspace.root)
    assert result.code == 2
    assert "chmod 600" in result.err and "Traceback" not in result.err
    assert cloud.batch_identity["client_secret"] not in result.out + result.err
