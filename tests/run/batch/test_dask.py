"""Batches on a real Dask cluster, with a ledger in a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import nbformat
import psutil
import pytest

from bcrunbook import __version__
from bcrunbook.accounts import Workspace
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.order import REGISTER_APPLICATION
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.run.batch import record
from bcrunbook.run.batch.dask.remote_job import RemoteJob, without_workspace
from bcrunbook.run.batch.selection import WorkItem
from bcrunbook.run.batch.worker import job_of
from bcrunbook.run.papermill import read_outcome
from bcrunbook.steps import notebook_of, step_named
from bcrunbook.steps.opening import open_context
from tests.conftest import lay_out
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
from tests.support.dask import Cluster, certificate, cluster, hiding
from tests.support.linking import SCRIPTS, lab_customer, link, on_ledger, set_up
from tests.support.markdown import heading_of
from tests.support.postgres import Server, no_postgres_settings, postgres_server

__all__ = ["no_postgres_settings", "postgres_server"]

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by signals"),
    pytest.mark.usefixtures("no_postgres_settings"),
]

NOWHERE = "dask://127.0.0.1:9"


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two workers."""
    with cluster(tmp_path_factory.mktemp("dask")) as made:
        yield made


@pytest.fixture
def ledger_url(postgres_server: Server) -> Iterator[str]:
    """An empty database."""
    with postgres_server.database() as name:
        yield postgres_server.address(name)


@pytest.fixture
def shared(tmp_path: Path, cloud: RehearsalDescription, ledger_url: str) -> Workspace:
    """Six accounts of which nothing has been done, with a ledger that others reach."""
    return on_ledger(lay_out(tmp_path, cloud, {one: {} for one in names(6)}), ledger_url)


def helpers(of: Cluster) -> list[psutil.Process]:
    """The processes in which the cluster's workers have notebooks run."""
    found: list[psutil.Process] = []
    for process in of.family():
        with suppress(psutil.NoSuchProcess):  # so is one that has ended and is not reaped yet
            if "forkserver" in " ".join(process.cmdline()):
                found += process.children()
    return found


@pytest.mark.lasting
def test_the_same_outcomes_as_on_this_machine(
    shared: Workspace, workers: Cluster, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """Both give each account the same, and leave the same files, which tell where they lie."""
    here, there = list(shared.accounts)[:3], list(shared.accounts)[3:]
    on_this_machine = run_batch(shared.root, *here)
    with running(shared.root, *there, "--executor", workers.address) as one:
        code, stderr = one.end()
    assert code == 3 and states(one) == dict.fromkeys(there, FRESH), stderr
    check_done_once(shared, make_client())
    reports = on_this_machine.events[-2]["report"], one.events[-1]["report"]
    folders = [Path(report).parent for report in reports]
    files = [
        {path.relative_to(folder / name).as_posix() for path in (folder / name).rglob("*")}
        for folder, several in zip(folders, (here, there), strict=True)
        for name in several
    ]
    assert len(files[0]) == 7 and all(found == files[0] for found in files)
    for notebook in folders[1].rglob("*.ipynb"):
        paths = json.loads(notebook.read_text("utf-8"))["metadata"]["papermill"]
        assert paths["output_path"] == str(notebook)
        assert Path(paths["input_path"]).is_file()
    # Both in the form in which papermill writes.
    for notebook in [*folders[0].rglob("*.ipynb"), *folders[1].rglob("*.ipynb")]:
        text = notebook.read_text("utf-8")
        assert text == nbformat.writes(nbformat.reads(text, as_version=4))
    printed = [json.dumps(event) for event in one.events]
    assert leaks(Path(cloud.canaries), [shared.root], *printed, stderr, workers.log) == []
    # The steps are told as they begin, by whoever does them elsewhere.
    assert [one.began().count(name) for name in there] == [6, 6, 6]


@pytest.mark.lasting
def test_a_worker_that_is_killed(
    shared: Workspace, tmp_path: Path, make_client: MakeClient
) -> None:
    """What it was doing is begun again elsewhere, and ends as the others do."""
    with cluster(tmp_path / "dask", workers=1) as made:
        (first,) = made.workers
        with running(shared.root, "--executor", made.address, "--jobs", "4") as one:
            one.until("step_began", 4)
            made.worker()
            made.until_workers(2)
            # The nanny, the worker and what else it made itself; what these started ends with them.
            children = psutil.Process(first.pid).children()
            others = psutil.Process(first.pid).children(recursive=True)
            first.kill()
            for process in children:
                process.kill()
            assert psutil.wait_procs(others, timeout=60)[1] == []
            assert one.end()[0] == 3
        assert one.tried_again()
    assert sorted(one.ended()) == sorted(shared.accounts)
    assert set(map(tuple, states(one).values())) <= {tuple(FRESH), *again()}
    check_done_once(shared, make_client())


def again() -> set[tuple[str, ...]]:
    """How steps end of which the first few had been done before."""
    return {("done",) * count + tuple(FRESH[count:]) for count in range(5)}


@pytest.mark.lasting
def test_a_coordinator_that_is_killed(
    shared: Workspace, workers: Cluster, make_client: MakeClient
) -> None:
    """Its runs stop on the workers, and the same command takes the batch up."""
    ended: list[str] = []
    for begun in (2, 7, 4):
        with running(shared.root, "--executor", workers.address, "--jobs", "2") as one:
            one.until("step_began", begun)
            one.child.kill()
            one.child.communicate()
        assert psutil.wait_procs(helpers(workers), timeout=60)[1] == []
        ended += one.ended()
    with running(shared.root, "--executor", workers.address) as last:
        code, stderr = last.end()
    assert code == 3 and sorted(ended + last.ended()) == sorted(shared.accounts), stderr
    assert set(map(tuple, states(last).values())) <= {tuple(FRESH), *again()}
    check_done_once(shared, make_client())


@pytest.mark.lasting
def test_a_scheduler_that_is_killed(
    shared: Workspace, tmp_path: Path, make_client: MakeClient
) -> None:
    """The batch ends with a sentence; it goes on later, here as well as on a cluster."""
    with cluster(tmp_path / "dask") as made:
        with running(shared.root, "--executor", made.address) as one:
            one.until("step_began", 2)
            made.scheduler.kill()
            code, stderr = one.end()
        assert code == 1 and "connection to the Dask scheduler is lost" in stderr
        assert "Traceback" not in stderr
        assert psutil.wait_procs(helpers(made), timeout=60)[1] == []
    with running(shared.root) as last:
        assert last.end()[0] == 3
    assert sorted(one.ended() + last.ended()) == sorted(shared.accounts)
    check_done_once(shared, make_client())


@pytest.mark.lasting
def test_ctrl_c_twice(shared: Workspace, workers: Cluster, make_client: MakeClient) -> None:
    """Once lets what has begun end; twice stops it, on the workers too."""
    with running(shared.root, "--executor", workers.address, "--jobs", "2") as one:
        one.until("step_began", 2)
        one.child.send_signal(signal.SIGINT)
        code, stderr = one.end()
    assert code == 130 and 1 <= len(one.ended()) < 6 and "takes it up" in stderr
    with running(shared.root, "--executor", workers.address, "--jobs", "2") as two:
        two.until("step_began", 2)
        two.child.send_signal(signal.SIGINT)
        assert two.child.stderr is not None
        while "Ctrl-C again" not in two.child.stderr.readline():
            pass
        two.child.send_signal(signal.SIGINT)
        assert two.end()[0] == 130
    assert psutil.wait_procs(helpers(workers), timeout=60)[1] == []
    with running(shared.root, "--executor", workers.address) as last:
        assert last.end()[0] == 3
    assert sorted(one.ended() + two.ended() + last.ended()) == sorted(shared.accounts)
    check_done_once(shared, make_client())


@pytest.mark.lasting
def test_customers_over_tls(
    tmp_path: Path, ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask's own configuration demands TLS; customers wait in the batch, and end as they should."""
    ends = {"normal": "done", "licence-missing": "needs_person", "fetch-errors": "done"}
    customers = [lab_customer(name, SCRIPTS[name]) for name in ends]
    for name, value in certificate(tmp_path).items():
        monkeypatch.setenv(name, value)
    with (
        launch(tmp_path / "cloud", speed=60.0, lags="worst") as cloud,
        cluster(tmp_path / "dask") as made,
    ):
        workspace = asyncio.run(set_up(tmp_path, cloud, customers, ledger_url=ledger_url))
        first = run_batch(workspace.root, "trial/*", "--executor", made.address)
        assert first.events[-2]["ended"] == 3

        async def link_all() -> None:
            async with open_context(workspace, workspace.account("trial")) as context:
                for name in ends:
                    await link(context, cloud, name)

        asyncio.run(link_all())
        second = run_batch(workspace.root, "trial/*", "--executor", made.address)
        assert "tls://" in made.log and "tcp://" not in made.log
    assert {"trial/normal", "trial/fetch-errors"} <= set(second.parked())
    report = Path(second.events[-2]["report"])
    for name, state in ends.items():
        (notebook,) = (report.parent / "trial" / "customers" / name).glob("*.ipynb")
        outcome = read_outcome(notebook)
        assert outcome is not None and outcome.state == state, name


def test_a_worker_with_another_version(shared: Workspace, tmp_path: Path) -> None:
    """Nothing is run by it, and it is said which one is needed."""
    pretends = tmp_path / "pretends"
    pretends.mkdir()
    (pretends / "sitecustomize.py").write_text(
        "import bcrunbook\nbcrunbook.__version__ = '0.0.1'\n", "utf-8"
    )
    with cluster(tmp_path / "dask", workers=0) as made:
        made.worker(env={"PYTHONPATH": str(pretends)})
        made.until_workers(1)
        done = bcrunbook("batch", "-w", str(shared.root), "--executor", made.address)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"need bcrunbook {__version__}" in done.stderr and "0.0.1" in done.stderr
    assert not list((shared.root / "runs").rglob("*.ipynb"))


def test_a_worker_without_the_workspace(shared: Workspace, tmp_path: Path) -> None:
    """It could not keep a secret where anybody finds it; with a Key Vault it can."""
    name = next(iter(shared.accounts))
    job = job_of(shared, WorkItem(name), "auto", tmp_path, "bcrunbook")
    assert without_workspace(job, "tcp://elsewhere:1") is None
    far = replace(job, workspace=job.workspace.model_copy(update={"root": tmp_path / "not-here"}))
    problem = without_workspace(far, "tcp://elsewhere:1")
    assert problem is not None and problem.exit_code == 2
    for word in (name, "tcp://elsewhere:1", "not-here", "Key Vault"):
        assert word in str(problem)
    account = far.workspace.accounts[name].model_copy(
        update={"secret_store": "keyvault:https://millrace.vault.azure.net"}
    )
    far = replace(far, workspace=far.workspace.model_copy(update={"accounts": {name: account}}))
    assert without_workspace(far, "tcp://elsewhere:1") is None


def can_hide(folder: Path) -> bool:
    """Whether this machine lets a program see less than others do."""
    try:
        return subprocess.run([*hiding(folder), "true"], capture_output=True).returncode == 0
    except OSError:
        return False


def test_workers_that_have_nothing_of_it(
    tmp_path: Path, cloud: RehearsalDescription, ledger_url: str
) -> None:
    """Without the workspace's folder: the secret is in the Key Vault, the notebooks are here."""
    vault = cloud.accounts["trial"]["vault"]
    workspace = lay_out(
        tmp_path, cloud, {one: {"secret_store": f"keyvault:{vault}"} for one in names(2)}
    )
    on_ledger(workspace, ledger_url)
    own = workspace.root / "notebooks"
    own.mkdir()
    for path in shipped().glob("*.ipynb"):
        text = path.read_text("utf-8").replace(f"# {heading_of(REGISTER_APPLICATION)}", "# Ours")
        (own / path.name).write_text(text, "utf-8")
    if not can_hide(workspace.root):
        pytest.skip("no program may be kept from a folder here")
    with cluster(tmp_path / "dask", workers=0) as made:
        made.worker(without=workspace.root)
        made.until_workers(1)
        one = run_batch(workspace.root, "--executor", made.address)
    assert states(one) == dict.fromkeys(workspace.accounts, FRESH), one.events[-1]["stderr"]
    report = Path(one.events[-2]["report"])
    for name in workspace.accounts:
        notebook = report.parent / name / notebook_of(step_named(REGISTER_APPLICATION))
        assert "# Ours" in notebook.read_text("utf-8")
        paths = json.loads(notebook.read_text("utf-8"))["metadata"]["papermill"]
        assert paths["input_path"] == str(own / notebook.name)
    assert not (workspace.root / "secrets").exists()


def test_no_secret_travels(shared: Workspace, cloud: RehearsalDescription, tmp_path: Path) -> None:
    """What is sent to a worker holds references only."""
    canaries = Path(cloud.canaries).read_bytes().split()
    assert len(canaries) > 3
    for name in shared.accounts:
        sent = pickle.dumps(
            RemoteJob(job_of(shared, WorkItem(name), "auto", tmp_path, "bcrunbook"), {})
        )
        assert b"secret-store/sign-in" in sent
        assert [one for one in canaries if one in sent] == []


@pytest.mark.parametrize(
    ("address", "code", "says"),
    [
        ("dask", 2, "dask://HOST:PORT"),
        ("dask://", 2, "dask://HOST:PORT"),
        ("dask://127.0.0.1:no", 1, "No Dask scheduler answers"),
        (NOWHERE, 1, "No Dask scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_where_no_cluster_is(address: str, code: int, says: str, shared: Workspace) -> None:
    """A sentence, and nothing is run."""
    done = bcrunbook("batch", "-w", str(shared.root), "--executor", address)
    assert done.returncode == code and says in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not list((shared.root / "runs").rglob("*.ipynb"))


@pytest.mark.parametrize(
    ("store", "ledger", "says"),
    [
        ("file:../secret-store", "", "A ledger in a file cannot be shared"),
        ("keyring:bcrunbook", "shared", "kept in a keyring"),
    ],
)
def test_what_a_cluster_cannot_share(
    store: str,
    ledger: str,
    says: str,
    tmp_path: Path,
    cloud: RehearsalDescription,
    ledger_url: str,
) -> None:
    """Refused before anything is sent, by the name of what has to change."""
    workspace = lay_out(tmp_path, cloud, {"one": {"secret_store": store}})
    if ledger:
        on_ledger(workspace, ledger_url)
    done = bcrunbook("batch", "-w", str(workspace.root), "--executor", NOWHERE)
    assert done.returncode == 2 and says in done.stderr and "accounts.toml" in done.stderr


def test_without_the_package(shared: Workspace, tmp_path: Path) -> None:
    """It is an extra: without it, it is said how to get it."""
    (tmp_path / "distributed.py").write_text("raise ImportError\n", "utf-8")
    words = ["batch", "-w", str(shared.root), "--executor", NOWHERE]
    done = bcrunbook(*words, env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2 and "pip install 'bcrunbook[dask]'" in done.stderr


def test_the_ledger_is_told_by_all(shared: Workspace, workers: Cluster) -> None:
    """The coordinator notes each account's end once; what the steps noted elsewhere is there."""
    with running(shared.root, "--executor", workers.address) as one:
        assert one.end()[0] == 3
    with open_ledger(shared.ledger_url, shared.root) as ledger:
        facts = ledger.facts(Scope(record.NOBODY, "batch"), "batch_item")
        assert sorted(fact.data["account"] for fact in facts) == sorted(shared.accounts)
        for account in shared.accounts.values():
            kinds = [fact.kind for fact in ledger.facts(Scope(account.identity, "client_secret"))]
            assert kinds.count("secret_intent") == 1
