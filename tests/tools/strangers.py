"""Run other people's clients against a rehearsal cloud: `uv run poe strangers`.

It installs each, in the version that is named here, from the public registries into a folder that
goes away again, and runs the lines of the documentation as they stand there. Ends with 1 where one
printed something else.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bcrunbook.rehearsal import launch

ROOT: Final = Path(__file__).resolve().parents[2]
FRONT_PAGE: Final = ROOT / "docs" / "rehearsal-cloud.md"
PAGE: Final = ROOT / "docs" / "guide" / "other-clients.md"
LANGUAGES: Final = ("sh", "python", "js")
HERE: Final = ("PATH", "SYSTEMROOT", "LANG")
"""What of this shell's environment a program is left, beside how the registries are reached."""
_INSTALLING: Final = 1200
_RUNNING: Final = 240
_MOST_TOLD: Final = 600
_AZCOLLECTION: Final = "ansible_collections/azure/azcollection/requirements.txt"


@dataclass(frozen=True)
class Stranger:
    """A client that was not written with the rehearsal in mind.

    Args:
        name: the heading under which a page has its lines.
        page: the page.
        python: what is installed from PyPI, with the version; the first is the client itself.
        node: what is installed from npm, likewise.
        requirements: a file of further requirements that comes with the packages.
    """

    name: str
    page: Path = PAGE
    python: tuple[str, ...] = ()
    node: tuple[str, ...] = ()
    requirements: str = ""

    @property
    def version(self) -> str:
        """The client's own version."""
        return re.split("==|(?<!^)@", (self.python or self.node)[0])[-1]


_UNDICI: Final = "undici@7.30.2"
STRANGERS: Final = (
    Stranger("Azure CLI", FRONT_PAGE, python=("azure-cli==2.91.0",)),
    Stranger("CLI for Microsoft 365", FRONT_PAGE, node=("@pnp/cli-microsoft365@11.11.0",)),
    Stranger(
        "Microsoft Graph SDK for Python",
        FRONT_PAGE,
        python=("msgraph-sdk==1.65.0", "azure-identity==1.27.0"),
    ),
    Stranger(
        "Graph client for JavaScript with msal-node",
        node=("@microsoft/microsoft-graph-client@3.0.7", "@azure/msal-node@7.2.3", _UNDICI),
    ),
    Stranger(
        "Ansible, azure.azcollection", python=("ansible==12.3.0",), requirements=_AZCOLLECTION
    ),
    Stranger(
        "Codat's SDK for Python", FRONT_PAGE, python=("codat-platform==6.0.0", "httpx==0.28.1")
    ),
    Stranger("Codat's SDK for JavaScript", node=("@codat/platform@6.2.1", _UNDICI)),
    Stranger("bc-cli", python=("bc-cli==0.8.2",)),
    Stranger("pybusinesscentral", python=("pybusinesscentral==3.10.0", "msal==1.39.0")),
)


class Wrong(Exception):
    """A client could not be installed, or did something else than the page says."""


def section(page: Path, name: str) -> str:
    """What a page has below a heading of the third level."""
    parts = re.split(r"^#{2,3} (.+)\n", page.read_text("utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[name]


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks, each with its language."""
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)


def program(one: Stranger) -> tuple[str, str, str]:
    """A client's lines: their language, the lines, and what they print."""
    (language, lines), (text, printed) = blocks(section(one.page, one.name))
    if language not in LANGUAGES or text != "text":
        raise Wrong(f"the section of {one.name} is not one program and what it prints")
    return language, lines, printed


def tell(command: list[str], folder: Path, environment: dict[str, str], seconds: int) -> str:
    """What a command prints.

    Raises:
        Wrong: it failed; with the end of what it said.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=seconds,
        check=False,
    )
    if done.returncode != 0:
        raise Wrong(f"{command[0]} ended with {done.returncode}: {done.stderr[-_MOST_TOLD:]}")
    return done.stdout


def install(one: Stranger, folder: Path) -> Path:
    """Install a client below a folder; where its programs are."""
    environment = dict(os.environ)
    if one.node:
        (folder / "package.json").write_text('{"private": true}', "utf-8")
        npm = shutil.which("npm") or "npm"
        tell([npm, "install", "--silent", *one.node], folder, environment, _INSTALLING)
        return folder / "node_modules" / ".bin"
    made = folder / "environment"
    python = made / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    into = ["uv", "pip", "install", "--quiet", "--python", str(python)]
    tell(["uv", "venv", "--quiet", str(made)], folder, environment, _INSTALLING)
    tell([*into, *one.python], folder, environment, _INSTALLING)
    if one.requirements:
        (file,) = made.rglob(one.requirements)
        tell([*into, "--requirement", str(file)], folder, environment, _INSTALLING)
    return python.parent


def run(one: Stranger, folder: Path, programs: Path) -> None:
    """Run a client's lines in the shell that the page prepares.

    Raises:
        Wrong: it failed, or printed something else.
    """
    language, lines, expected = program(one)
    ((_, prepared),) = blocks(section(FRONT_PAGE, "Start it"))
    if language == "python":
        (folder / "program.py").write_text(lines, "utf-8")
        lines = "python program.py"
    elif language == "js":
        (folder / "program.mjs").write_text(lines, "utf-8")
        lines = "node program.mjs"
    environment = {name: os.environ[name] for name in HERE if name in os.environ}
    environment["PATH"] = os.pathsep.join([str(programs), environment["PATH"]])
    home = folder / "home"
    home.mkdir()
    environment["HOME"] = str(home)
    bash = shutil.which("bash") or "bash"
    script = f"{prepared}\n{lines}"
    printed = tell([bash, "-euo", "pipefail", "-c", script], folder, environment, _RUNNING)
    if printed != expected:
        raise Wrong(f"it printed {printed[-_MOST_TOLD:]!r}")


def tried(one: Stranger, folder: Path) -> str:
    """How it went with a client, in a few words."""
    folder.mkdir()
    try:
        programs = install(one, folder)
        with launch(folder / "cloud", speed=20):
            run(one, folder, programs)
    except Wrong as wrong:
        return f"WRONG: {' '.join(str(wrong).split())}"
    except (subprocess.TimeoutExpired, OSError) as error:
        return f"WRONG: {type(error).__name__}"
    return "as the page says"


def main() -> int:
    """Try the clients that are named, or all of them."""
    wanted = sys.argv[1:] or [one.name for one in STRANGERS]
    chosen = [one for one in STRANGERS if one.name in wanted]
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for number, one in enumerate(chosen):
            began = time.monotonic()
            told = tried(one, Path(temporary) / str(number))
            rows.append((one.name, one.version, told))
            print(f"{one.name}: {told} ({time.monotonic() - began:.0f} s)", flush=True)
    print("\n| client | version | result |\n| --- | --- | --- |")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))
    return 0 if chosen and not any(told.startswith("WRONG") for *_, told in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
