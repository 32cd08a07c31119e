"""What a Dask worker does: one job, for a coordinator elsewhere."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Client, Connection
from pathlib import Path
from secrets import token_bytes
from typing import Final

from distributed import Status, get_worker

from bcrunbook import __version__
from bcrunbook.accounts import FILE_NAME
from bcrunbook.errors import FixInput, Unreachable
from bcrunbook.run.account import StepRun
from bcrunbook.run.batch.dask import TAKEN
from bcrunbook.run.batch.dask.job_result import JobResult, pack
from bcrunbook.run.batch.worker import Job, WorkerMessage, could_not

_LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True)
class RemoteJob:
    """A job that is done elsewhere.

    Args:
        job: the job.
        notebooks: the notebooks to run: the path at home of each, and what it holds.
    """

    job: Job
    notebooks: dict[str, bytes]


@dataclass(frozen=True)
class Unfit:
    """A worker has another version of this package.

    Args:
        worker: its address.
        version: what it has.
    """

    worker: str
    version: str


class WorkEnded(Exception):
    """The process that did the job has ended before the job had."""


def run_remote_job(version: str, topic: str, packed: bytes) -> JobResult | Unfit:
    """Do a job on a Dask worker, as a task.

    Args:
        version: the coordinator's version of this package, which alone can read what is packed.
        topic: where to log how it goes.
        packed: the `RemoteJob`, pickled.

    Raises:
        WorkEnded: the process that did it has ended, or nobody wants it to go on.
    """
    worker = get_worker()
    if version != __version__:
        return Unfit(worker.address, __version__)
    key = worker.get_current_task()
    # Packed by the cluster's coordinator, in the same version. Who can give a worker a task can run
    # anything on it anyway.
    remote: RemoteJob = pickle.loads(packed)  # noqa: S301

    def report(message: WorkerMessage) -> None:
        event = {
            "key": key,
            "kind": message.kind,
            "step": message.step,
            "seconds": message.seconds,
        }
        worker.log_event(topic, event)

    worker.log_event(topic, {"key": key, "kind": TAKEN})

    def is_wanted() -> bool:
        # The coordinator has gone, or the worker itself is going.
        task = worker.state.tasks.get(key)
        is_going = worker.status in (Status.closing, Status.closed, Status.failed)
        return task is not None and task.state != "cancelled" and not is_going

    with tempfile.TemporaryDirectory(prefix="bcrunbook-", ignore_cleanup_errors=True) as folder:
        return _do(remote, Path(folder), report, is_wanted, worker.address)


def _do(
    remote: RemoteJob,
    temporary: Path,
    on_message: Callable[[WorkerMessage], None],
    is_wanted: Callable[[], bool],
    worker: str,
) -> JobResult:
    job = remote.job
    if (absent := without_workspace(job, worker)) is not None:
        return JobResult((could_not(job, absent),), {})
    notebooks, folder = temporary / "notebooks", temporary / "run"
    notebooks.mkdir()
    folder.mkdir()
    sources = {}
    for path, content in remote.notebooks.items():
        name = Path(path).name
        (notebooks / name).write_bytes(content)
        sources[name] = path
    runs = _runs(replace(job, notebooks=notebooks, folder=folder), on_message, is_wanted)
    return pack(runs, folder, job.folder, sources)


def without_workspace(job: Job, worker: str) -> FixInput | None:
    """Why a worker cannot do a job: secrets would be kept where nobody finds them.

    Args:
        job: the job.
        worker: the worker's address.
    """
    account = job.workspace.account(job.item.account)
    is_here = (job.workspace.root / FILE_NAME).is_file()
    if is_here or not account.secret_store.startswith("file:"):
        return None
    return FixInput(
        f"The Dask worker {worker} does not have the workspace's folder, and the secrets of"
        f" {account.name} are kept in files there. Nothing was run.",
        where=f'{job.workspace.root}, account "{account.name}", secret_store',
        next="give the workers that folder under the same path, or keep the secrets in a Key"
        " Vault, which every worker reaches",
    )


def _runs(
    job: Job, on_message: Callable[[WorkerMessage], None], is_wanted: Callable[[], bool]
) -> list[StepRun]:
    runs: list[StepRun] = []
    with _host().begin(job) as wire:
        while is_wanted():
            try:
                if not wire.poll(_LOOK_SECONDS):
                    continue
                message: WorkerMessage = wire.recv()
            except (EOFError, OSError):
                raise WorkEnded from None
            if message.kind == "over":
                return runs
            if message.run is not None:
                runs.append(message.run)
            else:
                on_message(message)
    # Whoever does it ends by itself, as nobody holds the other end of the wire any more.
    raise WorkEnded


class _Host:
    """The program beside this worker that makes the processes."""

    def __init__(self) -> None:
        self._key = token_bytes(32)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bcrunbook.run.batch.dask.process_host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            # Not as an argument: those can be read by everybody on the machine.
            self._process.stdin.write(f"{self._key.hex()}\n")
            self._process.stdin.flush()
            self._address = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            raise Unreachable(
                "The program that makes the processes of a Dask worker did not start.",
                where="the Dask worker's log",
                next="look at what it printed there",
            ) from None

    @property
    def is_there(self) -> bool:
        """Whether it is at work."""
        return self._process.poll() is None

    def begin(self, job: Job) -> Connection:
        """Have a process do a job; it reports how that goes, and ends with the connection."""
        wire = Client(self._address, authkey=self._key)
        wire.send(job)
        return wire


_one_at_a_time = threading.Lock()
_hosts: list[_Host] = []


def _host() -> _Host:
    """The program of this Dask worker, started when it is first needed or has ended."""
    with _one_at_a_time:
        if not _hosts or not _hosts[-1].is_there:
            _hosts[:] = [_Host()]
        return _hosts[-1]
