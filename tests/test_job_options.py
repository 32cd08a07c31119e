"""What a process was told about its job reaches the job's threads and tasks, and nobody else."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from bcrunbook import throttled
from bcrunbook.accounts import load
from bcrunbook.errors import FixInput
from bcrunbook.job_options import JobOptions, doing_job, job_options
from bcrunbook.notebook_files.shipped import notebook_path
from bcrunbook.steps import STEPS, notebook_of

FILE = '[accounts.{name}]\nkind = "trial"\ntenant = "contoso.com"\napplication = "Books"\n'


def write(root: Path, name: str) -> None:
    """A workspace with one account."""
    root.mkdir(exist_ok=True)
    (root / "accounts.toml").write_text(FILE.format(name=name), encoding="utf-8")


def test_a_job_goes_by_the_workspace_that_it_was_given(tmp_path: Path) -> None:
    """Whatever the file says by then; another folder is read as ever."""
    one, other = tmp_path / "one", tmp_path / "other"
    write(one, "first")
    write(other, "another")
    job = JobOptions(workspace=load(one))
    write(one, "second")
    assert list(job.load(one).accounts) == ["first"]
    assert list(job.load(other).accounts) == ["another"]
    assert list(JobOptions().load(one).accounts) == ["second"]
    with pytest.raises(FixInput):
        job.load(tmp_path / "neither")


def test_a_jobs_notebooks_come_from_where_it_says(tmp_path: Path) -> None:
    """Elsewhere than in the workspace, if it says so."""
    write(tmp_path / "one", "first")
    workspace, mine = load(tmp_path / "one"), tmp_path / "mine"
    mine.mkdir()
    (mine / notebook_of(STEPS[0])).write_text("{}", encoding="utf-8")
    with doing_job(JobOptions(notebooks=mine)):
        assert notebook_path(STEPS[0], workspace).parent == mine
    assert notebook_path(STEPS[0], workspace).parent != mine


async def test_threads_and_tasks_of_the_job_have_its_options() -> None:
    """Those that it begins; not those that were there, nor what comes after it."""
    job = JobOptions(is_followed_elsewhere=True)
    seen: list[JobOptions] = []
    with doing_job(job):
        assert await asyncio.to_thread(job_options) is job
        assert await asyncio.create_task(asyncio.to_thread(job_options)) is job
        other_thread = threading.Thread(target=lambda: seen.append(job_options()))
        other_thread.start()
        other_thread.join()
    assert seen == [job_options()] == [JobOptions()]


async def test_a_wait_is_reported_to_whoever_watches() -> None:
    """Real seconds, from every task; short waits are nobody's concern."""
    waits: list[float] = []
    with throttled.reporting_to(waits.append):
        throttled.tell(3.0, "a limit")
        throttled.tell(0.5, "a limit")
        await asyncio.to_thread(throttled.tell, 4.0, "a limit")
    throttled.tell(5.0, "a limit")
    assert waits == [3.0, 4.0]
