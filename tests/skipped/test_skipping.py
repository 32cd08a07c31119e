"""A rehearsal's clock goes on when everybody waits, and never before."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from bcrunbook.cloud import rehearsal_cloud
from bcrunbook.core.pace import Pace
from bcrunbook.errors import ReportBug
from bcrunbook.http.client import Http
from bcrunbook.http.repeat import Repeat
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.run.engine.processes import process_for, processes
from bcrunbook.run.papermill import run_notebook
from bcrunbook.skipped.waiting import resting
from tests.support.clock import pace_of, pass_time

DAY = 86_400.0
PATIENCE = 60.0
"""Real seconds after which a test gives up on what takes none."""


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud of this module's own."""
    with launch(tmp_path_factory.mktemp("skipped") / "cloud", skips=True) as running:
        yield running


def test_a_day_passes_at_once(own_cloud: RehearsalDescription) -> None:
    """In a loop, in a thread of a loop, and beside one."""

    async def wait() -> float:
        pace = pace_of(own_cloud)
        began = pace.now()
        async with asyncio.timeout(PATIENCE):
            await pace.sleep(DAY)
            pass_time(own_cloud, DAY)
            await asyncio.to_thread(pass_time, own_cloud, DAY)
        return pace.now() - began

    assert asyncio.run(wait()) >= 3 * DAY


def test_who_waits_for_less_goes_on_first(own_cloud: RehearsalDescription) -> None:
    """However many wait, and in whichever order they began to."""
    order: list[int] = []

    async def one(minutes: int) -> None:
        pace = pace_of(own_cloud)
        until = pace.now() + minutes * 60
        await pace.sleep(minutes * 60)
        assert pace.now() >= until
        order.append(minutes)

    async def everybody() -> None:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(one(minutes) for minutes in (50, 10, 40, 20, 30)))

    asyncio.run(everybody())
    assert order == [10, 20, 30, 40, 50]


def test_while_somebody_computes_the_clock_stands(own_cloud: RehearsalDescription) -> None:
    """A job of a loop that goes on keeps everybody's wait; when it has ended the wait does."""
    may_end = threading.Event()

    async def both() -> None:
        pace = pace_of(own_cloud)
        job = asyncio.create_task(asyncio.to_thread(may_end.wait, PATIENCE))
        wait = asyncio.create_task(pace.sleep(DAY))
        for _ in range(5):
            await asyncio.sleep(0.05)
            assert not wait.done()
        may_end.set()
        async with asyncio.timeout(PATIENCE):
            await wait
        assert job.done()

    asyncio.run(both())


def test_a_request_under_way_keeps_the_clock(tmp_path: Path) -> None:
    """One that is held up by the service is waited for at the clock as well, and comes first."""
    faults = tmp_path / "faults.json"
    rule = {"path": "/v1.0/organization", "delay": 3600.0}
    faults.write_text(json.dumps([rule]), "utf-8")

    async def both(cloud: RehearsalDescription) -> tuple[float, int]:
        its = rehearsal_cloud(Path(cloud.directory))
        wait = asyncio.create_task(its.pace.sleep(DAY))
        began = its.pace.now()
        async with Http(its) as http, asyncio.timeout(PATIENCE):
            address = "https://graph.microsoft.com/v1.0/organization"
            answer = await http.send("GET", address, repeat=Repeat.SAFE)
            took = its.pace.now() - began
            assert not wait.done()
            await wait
        return took, answer.status_code

    with launch(tmp_path / "cloud", skips=True, faults=faults) as cloud:
        took, status = asyncio.run(both(cloud))
    assert status == 401
    assert 3600 <= took < DAY


def test_a_persons_minute_stays_a_minute(own_cloud: RehearsalDescription) -> None:
    """Whoever waits beside a person is not woken by what is skipped meanwhile."""

    async def both() -> None:
        pace = pace_of(own_cloud)
        person = asyncio.create_task(pace.sleep_beside_person(600))
        async with asyncio.timeout(PATIENCE):
            await pace.sleep(DAY)
        assert not person.done()
        person.cancel()

    asyncio.run(both())


# --- several processes ---------------------------------------------------------------------------


def wait_there(wire: Connection, directory: str, seconds: float) -> None:
    """In another process: wait as soon as one may, and tell when it is over."""

    async def wait() -> float:
        rehearsal_cloud(Path(directory))
        wire.send("here")
        wire.recv()
        pace = rehearsal_cloud(Path(directory)).pace
        await pace.sleep(seconds)
        return pace.now()

    wire.send(asyncio.run(wait()))


def hang_there(wire: Connection, directory: str) -> None:
    """In another process: be known at the clock, and compute for as long as it lives."""

    async def hang() -> None:
        rehearsal_cloud(Path(directory))
        wire.send("here")
        threading.Event().wait()

    asyncio.run(hang())


def begun(work: Any, *arguments: Any) -> tuple[Any, Connection]:
    """A process at work, and the wire to it."""
    ours, theirs = processes().Pipe()
    process = process_for(work, theirs, *arguments)
    process.start()
    theirs.close()
    return process, ours


def test_processes_share_one_clock(own_cloud: RehearsalDescription) -> None:
    """Each is woken in its turn, and the clock reads the same for all."""
    before = pace_of(own_cloud).now()
    waits = [3 * DAY, DAY, 2 * DAY]
    others = [begun(wait_there, own_cloud.directory, seconds) for seconds in waits]
    for _, wire in others:
        assert wire.poll(PATIENCE) and wire.recv() == "here"
    for _, wire in others:
        wire.send("go")
    ended = []
    for process, wire in others:
        assert wire.poll(PATIENCE)
        ended.append(wire.recv() - before)
        process.join()
    for seconds, passed in zip(waits, ended, strict=True):
        assert seconds <= passed < seconds + DAY


def test_who_dies_holds_nobody_up(own_cloud: RehearsalDescription) -> None:
    """While it lives and computes nothing is skipped; it is killed, and the others go on."""
    process, wire = begun(hang_there, own_cloud.directory)
    assert wire.poll(PATIENCE) and wire.recv() == "here"

    async def wait() -> None:
        asleep = asyncio.create_task(pace_of(own_cloud).sleep(DAY))
        await asyncio.sleep(0.3)
        assert not asleep.done()
        process.kill()
        async with asyncio.timeout(PATIENCE):
            await asleep

    asyncio.run(wait())
    process.join()


def test_a_process_that_is_made_is_known_from_its_beginning(
    own_cloud: RehearsalDescription,
) -> None:
    """Time stands for what it does before it waits for the first time itself."""

    async def wait() -> bool:
        pace = pace_of(own_cloud)
        process, wire = begun(compute_there)
        asleep = asyncio.create_task(pace.sleep(DAY))

        def hear() -> str:
            found: str = wire.recv()
            return found

        with resting():
            assert await asyncio.to_thread(hear) == "begun"
            was_asleep = not asleep.done()
            assert await asyncio.to_thread(hear) == "done"
        process.join()
        async with asyncio.timeout(PATIENCE):
            await asleep
        return was_asleep

    assert asyncio.run(wait())


def compute_there(wire: Connection) -> None:
    """In another process, which has not been told of any clock: compute for a while."""
    wire.send("begun")
    sum(range(3_000_000))
    wire.send("done")


KERNEL_WAITS = """
from pathlib import Path
from bcrunbook.cloud import rehearsal_cloud
await rehearsal_cloud(Path({directory!r})).pace.sleep({seconds})
"""


def test_who_runs_a_kernel_waits_with_it(own_cloud: RehearsalDescription, tmp_path: Path) -> None:
    """What a cell waits for is skipped, though a thread here is at work on its notebook."""
    source = tmp_path / "in.ipynb"
    cell = KERNEL_WAITS.format(directory=own_cloud.directory, seconds=DAY)
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=[new_code_cell(cell)], metadata=kernel), source)

    async def run() -> float:
        pace = pace_of(own_cloud)
        began = pace.now()
        with pytest.raises(ReportBug, match="without an outcome"):
            async with asyncio.timeout(PATIENCE):
                await run_notebook(source, tmp_path / "out.ipynb", {"mode": "plan"}, "kernel")
        return pace.now() - began

    assert asyncio.run(run()) >= DAY


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"[]\n",
        b'{"busy": false}\n',
        b'{"busy": false, "until": "soon", "asked": 0, "answers": null}\n',
        b"\xff" * 100_000,
        b"",
    ],
)
def test_who_is_not_understood_holds_nobody_up(
    own_cloud: RehearsalDescription, said: bytes
) -> None:
    """They are let go, and time goes on."""
    assert own_cloud.clock is not None
    with socket.create_connection(("127.0.0.1", own_cloud.clock)) as stranger:
        stranger.sendall(said)
        stranger.shutdown(socket.SHUT_WR)
        stranger.settimeout(PATIENCE)
        with suppress(ConnectionResetError):
            while stranger.recv(4096):
                pass
    pass_time(own_cloud, DAY)


# --- what stays ----------------------------------------------------------------------------------


def test_dates_and_tokens_stay_by_our_own_clock(own_cloud: RehearsalDescription) -> None:
    """After a week was skipped a stranger's clock still agrees with what it is answered."""
    pass_time(own_cloud, 7 * DAY)
    trusted = ssl.create_default_context(cafile=own_cloud.ca)
    with httpx.Client(proxy=own_cloud.proxy, verify=trusted) as http:
        identity = own_cloud.batch_identity
        answer = http.post(
            f"https://login.microsoftonline.com/{identity['tenant']}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": identity["client_id"],
                "client_secret": identity["client_secret"],
                "scope": "https://graph.microsoft.com/.default",
            },
        )
        token = answer.json()["access_token"]
        made = http.post(
            "https://graph.microsoft.com/v1.0/applications",
            json={"displayName": "After a week"},
            headers={"Authorization": f"Bearer {token}"},
        )
    created = datetime.fromisoformat(made.json()["createdDateTime"])
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=5)


def test_what_was_skipped_stays_so(tmp_path: Path) -> None:
    """The clock of a rehearsal cloud that is started again has not gone back."""
    folder = tmp_path / "cloud"
    with launch(folder, skips=True) as cloud:
        pass_time(cloud, DAY)
        before = pace_of(cloud).now()
    with launch(folder, skips=True) as cloud:
        assert pace_of(cloud).now() >= before


def test_served_for_strangers_nothing_is_skipped(tmp_path: Path) -> None:
    """Its clock goes by its speed alone, and nobody has to be known at it."""
    with launch(tmp_path / "cloud", speed=50) as cloud:
        assert cloud.clock is None
        assert rehearsal_cloud(Path(cloud.directory)).pace == Pace(50)
