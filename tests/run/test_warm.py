"""Kernels from the process in readiness: as quick as that, and otherwise like any other."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from bcrunbook.run.lab import start, warm

WAITING_WORDS = "bcrunbook.run.lab.warm_kernel"
IS_WARM = "__import__('sys').modules.get('msal') is not None"


def spares(of: int | None = None) -> list[psutil.Process]:
    """The processes in readiness that a process has started."""
    found = []
    for child in psutil.Process(of).children():
        try:
            if child.status() != psutil.STATUS_ZOMBIE and WAITING_WORDS in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


async def until(holds: Callable[[], Any]) -> Any:
    """Wait until something holds."""
    async with asyncio.timeout(60):
        while not (value := holds()):
            await asyncio.sleep(0.02)
    return value


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[AsyncKernelManager]:
    """A kernel's manager, as the server of `bcrunbook lab` has one; nothing launched yet."""
    kernels = Path(start.__file__).with_name("jupyter") / "kernels"
    specs = KernelSpecManager(kernel_dirs=[str(kernels)])
    made = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs)
    yield made
    if made.has_kernel:
        await made.shutdown_kernel(now=True)
    for one in spares():
        one.kill()
        one.wait()


async def value_of(client: AsyncKernelClient, code: str) -> str:
    """What an expression is in a kernel."""
    answer = await client.execute_interactive("", user_expressions={"it": code}, timeout=60)
    reply = answer["content"]["user_expressions"]["it"]
    return str(reply["data"]["text/plain"] if reply["status"] == "ok" else reply["evalue"])


async def launched(manager: AsyncKernelManager, **wanted: Any) -> AsyncKernelClient:
    """A client of the kernel that the manager launches."""
    await manager.start_kernel(**wanted)
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    return client


async def test_a_kernel_from_it_is_where_and_what_it_was_asked_to_be(
    manager: AsyncKernelManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the folder, the environment and the search path of any kernel; it has read a lot."""
    server, notebooks = tmp_path / "server", tmp_path / "notebooks"
    server.mkdir()
    notebooks.mkdir()
    monkeypatch.chdir(server)
    warm.keep_warm()
    (spare,) = await until(spares)
    environment = {**os.environ, "JPY_SESSION_NAME": "notebooks/one.ipynb", "ONLY_HERE": "yes"}
    environment.pop("HOME", None)
    client = await launched(manager, cwd=str(notebooks), env=environment)
    assert await value_of(client, "__import__('os').getpid()") == str(spare.pid)
    assert await value_of(client, IS_WARM) == "True"
    assert await value_of(client, "__import__('os').getcwd()") == repr(str(notebooks))
    assert await value_of(client, "__import__('os').environ['ONLY_HERE']") == "'yes'"
    assert await value_of(client, "'HOME' in __import__('os').environ") == "False"
    assert await value_of(client, "__import__('sys').path.count('')") == "1"
    assert await value_of(client, f"{str(server)!r} in __import__('sys').path") == "False"
    client.stop_channels()


async def test_it_can_be_interrupted_restarted_and_ended(manager: AsyncKernelManager) -> None:
    """Each does to it what it does to other kernels; a restart takes the next one in readiness."""
    warm.keep_warm()
    await until(spares)
    client = await launched(manager)
    assert await value_of(client, IS_WARM) == "True"
    sleeping = asyncio.ensure_future(client.execute_interactive("import time; time.sleep(60)"))
    await asyncio.sleep(0.5)
    await manager.interrupt_kernel()
    assert (await sleeping)["content"]["ename"] == "KeyboardInterrupt"
    warm.keep_warm()
    # The kernel was one of them, and still bears that name.
    (_, spare) = await until(lambda: len(found := spares()) == 2 and found)
    await manager.restart_kernel(now=True)
    await client.wait_for_ready(timeout=60)
    assert await value_of(client, "__import__('os').getpid()") == str(spare.pid)
    client.stop_channels()
    await manager.shutdown_kernel()
    assert not await manager.is_alive()


@pytest.mark.parametrize("is_there", [True, False], ids=["ended", "not there"])
async def test_without_it_a_kernel_starts_as_any(
    manager: AsyncKernelManager, is_there: bool
) -> None:
    """That nothing is in readiness, or that it has ended, costs time and nothing else."""
    if is_there:
        warm.keep_warm()
        (spare,) = await until(spares)
        spare.kill()
        await until(lambda: spare.status() == psutil.STATUS_ZOMBIE)
    client = await launched(manager)
    assert await value_of(client, IS_WARM) == "False"
    client.stop_channels()


async def test_one_that_has_ended_is_replaced(manager: AsyncKernelManager) -> None:
    """Whoever killed it: the next that is asked for finds another."""
    warm.keep_warm()
    (spare,) = await until(spares)
    spare.kill()
    await until(lambda: not spares())
    warm.keep_warm()
    (other,) = await until(spares)
    client = await launched(manager)
    assert await value_of(client, "__import__('os').getpid()") == str(other.pid)
    client.stop_channels()


HOLDER = """
import asyncio
from bcrunbook.run.lab.warm import keep_warm

async def hold():
    keep_warm()
    await asyncio.sleep(600)

asyncio.run(hold())
"""


def test_it_ends_with_whoever_made_it() -> None:
    """However that ends."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER])
    deadline = time.monotonic() + 60
    while not (found := spares(holder.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    holder.kill()
    holder.wait()
    assert psutil.wait_procs(found, timeout=60)[1] == []
