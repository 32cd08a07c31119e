"""Run the notebooks by other people's programs, and tell which can: `uv run poe front-ends`.

It makes environments from the public registries in a folder that goes away again, needs Chromium,
and takes up to half an hour. Each program has an account of its own in one rehearsal, and is judged
by the outcome in the notebook that it executed. Ends with 1 where one was wrong.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.front_ends import commands, pages, servers
from tests.front_ends.environments import (
    APART,
    BESIDE,
    PINS,
    SERVER_SIDE,
    Environment,
    lay_out_kernel,
    make,
)
from tests.front_ends.world import Place, Wrong, world


@dataclass(frozen=True)
class FrontEnd:
    """One way to run the notebooks.

    Args:
        account: the name of the account that it uses.
        name: what it is called in the table.
        package: whose version counts.
        run: runs notebooks, and says how they ended.
        environment: where it is installed.
    """

    account: str
    name: str
    package: str
    run: Callable[[Place], str]
    environment: str = BESIDE


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def on_a_port(run: Callable[[Place, int], str]) -> Callable[[Place], str]:
    """Something that serves, on a port of its own."""
    return lambda place: run(place, free_port())


FRONT_ENDS: Final = (
    FrontEnd("papermill", "papermill -r", "papermill", commands.papermill),
    FrontEnd("options", "papermill, its other options", "papermill", commands.papermill_options),
    FrontEnd("prepare", "papermill --prepare-only", "papermill", commands.papermill_prepare),
    FrontEnd("help", "papermill --help-notebook", "papermill", commands.papermill_help),
    FrontEnd("convert", "nbconvert --execute", "nbconvert", commands.nbconvert_execute),
    FrontEnd("script", "nbconvert --to script", "nbconvert", commands.nbconvert_script),
    FrontEnd("execute", "jupyter execute", "nbclient", commands.jupyter_execute),
    FrontEnd("nbmake", "pytest --nbmake", "nbmake", commands.nbmake),
    FrontEnd("cache", "jupyter-cache", "jupyter-cache", commands.jupyter_cache),
    FrontEnd("jupytext", "jupytext --execute", "jupytext", commands.jupytext),
    FrontEnd("ploomber", "ploomber-engine", "ploomber-engine", commands.ploomber_engine),
    FrontEnd("voila", "voila", "voila", on_a_port(servers.voila)),
    FrontEnd("notebook", "Notebook 7", "notebook", on_a_port(pages.notebook_7)),
    FrontEnd(
        "server-side",
        "Notebook 7 with jupyter-server-nbmodel",
        "jupyter-server-nbmodel",
        on_a_port(pages.server_side),
        SERVER_SIDE,
    ),
    FrontEnd(
        "scheduler",
        "jupyter-scheduler",
        "jupyter-scheduler",
        on_a_port(servers.jupyter_scheduler),
    ),
    FrontEnd(
        "airflow",
        "Airflow's PapermillOperator",
        "apache-airflow-providers-papermill",
        commands.airflow,
        APART,
    ),
    FrontEnd(
        "scheduler-recipe",
        "jupyter-scheduler, the recipe",
        "jupyter-scheduler",
        on_a_port(servers.scheduler_recipe),
    ),
    FrontEnd(
        "airflow-recipe",
        "Airflow, the recipe",
        "apache-airflow-providers-papermill",
        commands.airflow_recipe,
        APART,
    ),
)


def tried(one: FrontEnd, place: Place) -> tuple[bool, str]:
    """Whether a front end did what was asked of it, and how that went."""
    try:
        return True, one.run(place)
    except Wrong as wrong:
        return False, " ".join(str(wrong).split())
    except (subprocess.TimeoutExpired, OSError) as error:
        return False, f"{type(error).__name__}: {error}"


def main() -> int:
    """Try the front ends whose accounts are named, or all of them."""
    wanted = sys.argv[1:] or [one.account for one in FRONT_ENDS]
    chosen = [one for one in FRONT_ENDS if one.account in wanted]
    rows, is_right = [], bool(chosen)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        made: dict[str, Environment] = {}
        names = [name for name in PINS if name in {one.environment for one in chosen} | {BESIDE}]
        for name in names:
            print(f"Making the environment {name}.", flush=True)
            made[name] = make(folder, name)
        lay_out_kernel(folder, made[BESIDE])
        with world(folder, [one.account for one in chosen]) as workspace:
            for one in chosen:
                own = folder / "runs" / one.account
                own.mkdir(parents=True)
                environment = made[one.environment]
                began = time.monotonic()
                place = Place(one.account, workspace, own, environment)
                is_good, told = tried(one, place)
                is_right = is_right and is_good
                version = environment.version(one.package)
                rows.append((one.name, version, f"{'' if is_good else 'WRONG: '}{told}"))
                print(f"{one.name}: {rows[-1][2]} ({time.monotonic() - began:.0f} s)", flush=True)
    print("\n| front end | version | result |\n| --- | --- | --- |")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
