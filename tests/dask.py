"""A real Dask cluster for tests: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

_SECONDS: Final = 60.0


class Cluster:
    """A scheduler, and the workers that were started.

    Args:
        folder: where its files go.
        stack: ends what is started.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._file = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"
        )
        self.address = self._until_there()

    def _start(
        self, what: str, *words: str, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        log = self._stack.enter_context((self._folder / f"{what}.log").open("ab"))
        program = [sys.executable, "-m", f"distributed.cli.dask_{what}"]
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
            return str(found["address"]).replace("tcp://", "dask://")

    def worker(
        self, *, threads: int = 2, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a worker, under a nanny, as `dask worker` does by itself."""
        words = ["--nworkers", "1", "--nthreads", str(threads), "--no-dashboard"]
        return self._start("worker", *words, "--host", "127.0.0.1", env=env)

    def until_workers(self, count: int) -> None:
        """Wait until so many workers are there."""
        from distributed import Client

        with Client(self.address.replace("dask", "tcp"), set_as_default=False) as client:
            client.wait_for_workers(count, timeout=_SECONDS)

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
        made.until_workers(workers)
        yield made


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and whatever it has started."""
    try:
        family = [process, *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        family = [process]
    for one in family:
        try:
            one.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    process.wait()
