"""Front ends that are servers of Jupyter's kind, asked over HTTP as their pages do."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from bcrunbook.core.step import Outcome
from bcrunbook.order import HEALTH_CHECK, REGISTER_APPLICATION
from bcrunbook.views.cells import OUTCOME_MIME
from tests.front_ends import commands
from tests.front_ends.world import BOTH, Place, Wrong

TOKEN: Final = "front-ends"
_PATIENCE: Final = 180.0
_PAUSE: Final = 0.3
_ENDING: Final = 60
_VOILA_OUTPUTS: Final = re.compile(
    r'<script type="application/vnd\.voila\.cell-output\+json">(.*?)</script>', re.DOTALL
)


@dataclass(frozen=True)
class Server:
    """A running server.

    Args:
        url: its address, with a slash at the end.
    """

    url: str

    def kernel_state(self) -> str:
        """What the one kernel does, once a page is connected to it; empty before."""
        kernels = [one for one in self.ask("GET", "api/kernels") if one["connections"]]
        return str(kernels[0]["execution_state"]) if kernels else ""

    def page(self, path: str) -> str:
        """The address of a page, with what lets one in."""
        return f"{self.url}{quote(path)}?token={TOKEN}"

    def ask(self, method: str, path: str, data: Mapping[str, Any] | None = None) -> Any:
        """What it answers, parsed; None for nothing.

        Raises:
            Wrong: it refuses.
        """
        headers = {"Authorization": f"token {TOKEN}"}
        address = f"{self.url}{path}"
        answer = httpx.request(method, address, json=data, headers=headers, timeout=_PATIENCE)
        if answer.is_error:
            raise Wrong(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.json() if answer.content and is_json else answer.text


@contextlib.contextmanager
def serving(place: Place, *words: str, port: int) -> Iterator[Server]:
    """A server for as long as the block runs.

    Args:
        place: whose folder it serves.
        words: the program and what it is given besides.
        port: where it listens.
    """
    home = place.environment
    with (place.folder / "server.log").open("wb") as log:
        child = subprocess.Popen(
            [str(home.bin / words[0]), *words[1:]],
            cwd=place.folder,
            env=home.variables(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    server = Server(f"http://127.0.0.1:{port}/")
    try:
        _wait_for(port, child)
        yield server
    finally:
        child.terminate()
        try:
            child.wait(_ENDING)
        except subprocess.TimeoutExpired:
            child.kill()  # how it ends is not what is tried; its kernels end with it
            child.wait()


def _wait_for(port: int, child: subprocess.Popen[bytes]) -> None:
    # It is not asked for a page: voila would run the notebook for each.
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up and child.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(_PAUSE)
    raise Wrong("the server did not begin to answer")


def jupyter_words(port: int, root: Path) -> tuple[str, ...]:
    """What every Jupyter server is given here."""
    return (
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={root}",
    )


def jupyter_scheduler(place: Place, port: int) -> str:
    """A job of jupyter-scheduler, which runs a copy in a folder of its own."""
    said = []
    for step in BOTH:
        place.copy(step)
    with serving(place, "jupyter", "lab", *jupyter_words(port, place.folder), port=port) as server:
        (runtime, *_) = server.ask("GET", "scheduler/runtime_environments")
        for step in BOTH:
            job = server.ask(
                "POST",
                "scheduler/jobs",
                {
                    "name": step,
                    "input_uri": place.notebook(step).name,
                    "runtime_environment_name": runtime["name"],
                    "output_formats": ["ipynb"],
                    # It writes them as Python, so texts have quotes of their own.
                    "parameters": {key: repr(value) for key, value in place.values().items()},
                },
            )["job_id"]
            _wait_for_job(server, job)
            server.ask("GET", f"scheduler/jobs/{job}/download_files")
            (executed,) = _outputs(server, place, job)
            said.append(place.judge(executed, step))
    return ", ".join(said)


def scheduler_recipe(place: Place, port: int) -> str:
    """The job definition of the guide, whose job is run now."""
    definition = json.loads(commands.block_of("json"))
    copy = place.folder / definition["input_uri"]
    copy.parent.mkdir()
    shutil.copyfile(place.notebook(HEALTH_CHECK), copy)
    given = {"account": repr(place.account), "workspace": repr(str(place.workspace))}
    parameters = {**definition["parameters"], **given}
    with serving(place, "jupyter", "lab", *jupyter_words(port, place.folder), port=port) as server:
        (runtime, *_) = server.ask("GET", "scheduler/runtime_environments")
        asked = {
            **definition,
            "runtime_environment_name": runtime["name"],
            "parameters": parameters,
        }
        made = server.ask("POST", "scheduler/job_definitions", asked)["job_definition_id"]
        told = server.ask("GET", f"scheduler/job_definitions/{made}")
        if (told["schedule"], told["active"]) != (definition["schedule"], True):
            raise Wrong(f"the definition is not scheduled: {told}")
        address = f"scheduler/job_definitions/{made}/jobs"
        job = server.ask("POST", address, {"parameters": parameters})["job_id"]
        _wait_for_job(server, job)
        server.ask("GET", f"scheduler/jobs/{job}/download_files")
        (executed,) = _outputs(server, place, job)
        return place.judge(executed, HEALTH_CHECK)


def _wait_for_job(server: Server, job: str) -> None:
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        told = server.ask("GET", f"scheduler/jobs/{job}")
        if told["status"] == "COMPLETED":
            return
        # One that has not begun yet is called STOPPED as well.
        if told["status"] == "FAILED":
            raise Wrong(f"the job failed: {told.get('status_message')}")
        time.sleep(_PAUSE)
    raise Wrong("the job did not end")


def _outputs(server: Server, place: Place, job: str) -> list[Path]:
    """The notebooks that a job has left, once its server has copied them."""
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        told = server.ask("GET", f"scheduler/jobs/{job}")
        files = [place.folder / one["file_path"] for one in told["job_files"] if one["file_path"]]
        found = [one for one in files if one.suffix == ".ipynb" and one.is_file()]
        executed = [one for one in found if "outputs" in one.read_text("utf-8") and _has_run(one)]
        if executed:
            return executed
        time.sleep(_PAUSE)
    raise Wrong("the job left no notebook")


def _has_run(notebook: Path) -> bool:
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
    except ValueError:
        return False
    return any(cell.get("outputs") for cell in cells)


def voila(place: Place, port: int) -> str:
    """A page of voila: it runs the notebook, and shows all of it."""
    copy = place.copy(REGISTER_APPLICATION, "apply")
    words = ("voila", "--no-browser", f"--port={port}", copy.name)
    with serving(place, *words, port=port) as server:
        page = str(server.ask("GET", ""))
    outputs = (json.loads(one)["data"] for one in _VOILA_OUTPUTS.findall(page))
    outcomes = [one[OUTCOME_MIME] for one in outputs if OUTCOME_MIME in one]
    if not outcomes:
        raise Wrong("the page holds no outcome")
    state = place.judged(Outcome.from_dict(outcomes[-1]), REGISTER_APPLICATION)
    return f"rendered, {state} in mode apply"
