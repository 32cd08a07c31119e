"""A real Dask cluster for tests: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.certificates import pem_of, self_signed

_SECONDS = 60.0


class Cluster:
    """A scheduler, and the workers that were started.

    Args:
        folder: where its files go.
        stack: ends what is started.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.workers: list[subprocess.Popen[bytes]] = []
        self._file = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"
        )
        self.address = self._until_there()

    def _start(
        self,
        what: str,
        *words: str,
        env: Mapping[str, str] | None = None,
        without: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        log = self._stack.enter_context((self._folder / f"{what}.log").open("ab"))
        program = [sys.executable, "-m", f"distributed.cli.dask_{what}"]
        if without:
            program = [*hiding(without), *program]
        process = subprocess.Popen(
            [*program, "--scheduler-file", str(self._file), *words],
            stdout=log,
            stderr=log,
            cwd=self._folder,
            env={**os.environ, "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "30s", **(env or {})},
            start_new_session=True,
        )
        self._stack.callback(_end, process)
        return process

    def _until_there(self) -> str:
        deadline = time.monotonic() + _SECONDS
        while not self._file.exists():
            assert self.scheduler.poll() is None and time.monotonic() < deadline, self.log
            time.sleep(0.05)
        while True:
            try:
                found: dict[str, Any] = json.loads(self._file.read_text())
            except ValueError:
                time.sleep(0.05)
                continue
            self.internal: str = found["address"]
            return f"dask://{self.internal.partition('://')[2]}"

    def worker(
        self,
        *,
        threads: int = 2,
        env: Mapping[str, str] | None = None,
        without: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a worker, under a nanny, as `dask worker` does by itself.

        Args:
            threads: how many tasks at a time.
            env: is added to its environment.
            without: a folder that is empty for it.
        """
        words = ["--nworkers", "1", "--nthreads", str(threads), "--no-dashboard"]
        words += ["--host", "127.0.0.1"]
        self.workers.append(self._start("worker", *words, env=env, without=without))
        return self.workers[-1]

    def until_workers(self, count: int) -> None:
        """Wait until so many workers are there."""
        import dask.config
        from distributed import Client

        dask.config.refresh()  # the environment may have changed since this process read it
        with Client(self.internal, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=_SECONDS)

    def family(self) -> list[psutil.Process]:
        """Nannies, workers, and what these have started."""
        return [process for one in self.workers for process in _family(one)]

    @property
    def log(self) -> str:
        """What scheduler and workers have printed."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("*.log")))


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """A cluster that goes away again."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        made = Cluster(folder, stack)
        for _ in range(workers):
            made.worker()
        if workers:
            made.until_workers(workers)
        yield made


def hiding(folder: Path) -> list[str]:
    """Before a program's own words: for it alone, nothing is in that folder."""
    script = 'mount -t tmpfs none "$0" && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, str(folder)]


def certificate(folder: Path) -> dict[str, str]:
    """Make a key and a certificate; answers the environment that has Dask demand TLS with them."""
    key = rsa.generate_private_key(65537, 2048)
    file = folder / "dask.pem"
    file.write_bytes(pem_of(key) + self_signed(key).public_bytes(Encoding.PEM))
    comm = "DASK_DISTRIBUTED__COMM__"
    settings = {f"{comm}REQUIRE_ENCRYPTION": "true", f"{comm}DEFAULT_SCHEME": "tls"}
    for one in ("CA_FILE", "SCHEDULER__CERT", "WORKER__CERT", "CLIENT__CERT"):
        settings[f"{comm}TLS__{one}"] = str(file)
    return settings


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and whatever it has started."""
    for one in _family(process):
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()
