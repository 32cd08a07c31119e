"""The coordinator's side of a Dask cluster: each job is a task."""

from __future__ import annotations

import asyncio
import logging
import pickle
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bcrunbook import __version__
from bcrunbook.accounts import FILE_NAME, Workspace
from bcrunbook.errors import FixInput, ReportBug, RunbookError, Unreachable
from bcrunbook.notebook_files.shipped import notebook_path
from bcrunbook.run.batch.dask import SCHEME, TAKEN
from bcrunbook.run.batch.executor import OnMessage, WorkerDied
from bcrunbook.run.batch.selection import WorkItem
from bcrunbook.run.batch.worker import Job, WorkerMessage, could_not
from bcrunbook.steps import step_named

if TYPE_CHECKING:
    from distributed import Client

_CONNECT_SECONDS: Final = 10.0


@asynccontextmanager
async def open_cluster(
    executor: str, workspace: Workspace, items: Sequence[WorkItem]
) -> AsyncIterator[Cluster]:
    """Connect to a Dask cluster.

    Args:
        executor: `dask://HOST:PORT`, its scheduler. The connection is encrypted if Dask's own
            configuration demands that.
        workspace: the loaded workspace.
        items: what the batch is about.

    Raises:
        FixInput: `distributed` is not installed, or the workspace keeps something where workers
            on other machines cannot have it.
        Unreachable: there is no scheduler.
    """
    _demand_shared(workspace, items)
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise FixInput(
            "The package distributed is not installed, which talks to Dask clusters.",
            where=f"--executor {executor}",
            next="pip install 'bcrunbook[dask]', here and where the workers are",
        ) from None
    for name in ("distributed", "distributed.client"):
        # Whatever goes wrong comes back as an error: nobody else talks to the person.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    is_tls = (
        dask.config.get("distributed.comm.require-encryption", default=False)
        or dask.config.get("distributed.comm.default-scheme", default="tcp") == "tls"
    )
    protocol = "tls" if is_tls else "tcp"
    address = f"{protocol}://{executor.removeprefix(SCHEME)}"
    try:
        client = await Client(
            address, asynchronous=True, timeout=_CONNECT_SECONDS, set_as_default=False
        )
    except (OSError, ValueError, TypeError) as error:
        raise Unreachable(
            f"No Dask scheduler answers at {address} ({type(error).__name__}).",
            where=f"--executor {executor}",
            why="it is not running, or its port cannot be reached from here",
            next="start it with: dask scheduler   (it prints the address that belongs here)",
        ) from None
    async with client:
        threads = await client.nthreads()
        yield Cluster(client, address, sum(threads.values()))


def _demand_shared(workspace: Workspace, items: Sequence[WorkItem]) -> None:
    """Refuse what workers on other machines would each have for themselves."""
    file = workspace.root / FILE_NAME
    if workspace.ledger_url.startswith("sqlite"):
        raise FixInput(
            "A ledger in a file cannot be shared with the workers of a Dask cluster.",
            where=f"{file}, [ledger] url",
            why="each step notes there what it is about to do, from where it runs",
            next='keep the ledger in PostgreSQL: [ledger] url = "postgresql+psycopg://..."',
        )
    for name in dict.fromkeys(item.account for item in items):
        if workspace.account(name).secret_store.startswith("keyring:"):
            raise FixInput(
                f"The secrets of {name} are kept in a keyring, which belongs to one machine.",
                where=f'{file}, account "{name}", secret_store',
                next="keep them where every worker finds them, such as in a Key Vault",
            )


class Cluster:
    """Has each job done by a worker of a Dask cluster. See `open_cluster`.

    Args:
        client: connected to the scheduler, in the running event loop.
        address: the scheduler's.
        threads: how many its workers have by now.
    """

    def __init__(self, client: Client, address: str, threads: int) -> None:
        self.has_workers = threads > 0
        self.slots = max(1, threads)
        self._client = client
        self._address = address
        self._listening: dict[str, OnMessage] = {}
        self._taken: set[str] = set()
        # The scheduler forgets what was logged under a client's name soon after it has gone.
        client.subscribe_topic(client.id, self._heard)

    async def do(self, job: Job, on_message: OnMessage) -> None:
        """See `Executor`."""
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        from bcrunbook.run.batch.dask.job_result import unpack
        from bcrunbook.run.batch.dask.remote_job import Unfit, WorkEnded, run_remote_job

        packed = pickle.dumps(await asyncio.to_thread(_remote_job, job))
        key = f"bcrunbook-{uuid.uuid4()}"
        self._listening[key] = on_message
        future = self._client.submit(
            run_remote_job, __version__, self._client.id, packed, key=key, pure=False
        )
        try:
            answer = await future
        except KilledWorker as died:
            raise WorkerDied(died.allowed_failures + 1) from None
        except WorkEnded:
            raise WorkerDied from None
        except FutureCancelledError:
            raise Unreachable(
                "The connection to the Dask scheduler is lost. What its workers were doing stops.",
                where=self._address,
                next="the same command takes the batch up again once the scheduler is back",
            ) from None
        except (ImportError, AttributeError) as error:
            raise _other_version(self._address, f"none that can be used ({error})") from None
        except Exception as error:
            on_message(WorkerMessage("ended", run=could_not(job, _broke(error, job.item.who))))
            return
        finally:
            del self._listening[key]
            self._taken.discard(key)
            # By this a task that still runs learns that nobody wants it any more.
            future.release()
        if isinstance(answer, Unfit):
            raise _other_version(answer.worker, answer.version)
        await asyncio.to_thread(unpack, answer, job.folder)
        for run in answer.runs:
            on_message(WorkerMessage("ended", run=run))

    def _heard(self, event: tuple[float, dict[str, Any]]) -> None:
        _, report = event
        key = report.get("key", "")
        on_message = self._listening.get(key)
        if on_message is None:
            return  # something that the scheduler reports of this client
        if report["kind"] != TAKEN:
            on_message(WorkerMessage(report["kind"], report["step"], report["seconds"]))
        elif key in self._taken:
            # Dask gave it to another worker, as the one that had it is gone.
            on_message(WorkerMessage("again"))
        else:
            self._taken.add(key)


def _remote_job(job: Job) -> Any:
    from bcrunbook.run.batch.dask.remote_job import RemoteJob

    paths = [notebook_path(step_named(one), job.workspace) for one in job.item.steps]
    return RemoteJob(job, {str(path): Path(path).read_bytes() for path in paths})


def _broke(error: Exception, who: str) -> RunbookError:
    """What went wrong on a worker, for a person."""
    if isinstance(error, RunbookError):
        return error
    return ReportBug(
        f"The Dask worker broke down: {type(error).__name__}: {error}.",
        where=who,
        next="look at the log of the worker; report what it shows",
    )


def _other_version(where: str, version: str) -> FixInput:
    return FixInput(
        f"The Dask workers need bcrunbook {__version__}, as here; found: {version}.",
        where=where,
        next=f"pip install 'bcrunbook[dask]=={__version__}' where the workers are, and start them"
        " anew",
    )
