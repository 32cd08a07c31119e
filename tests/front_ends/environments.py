"""The environments in which other tools are, each with the versions that were tried."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

BESIDE: Final = "beside"
"""The environment of tools that share one with bcrunbook."""
SERVER_SIDE: Final = "server-side"
"""One in which the server runs the cells, for every page of it."""
APART: Final = "apart"
"""The environment of a tool that agrees with none of bcrunbook's tested versions."""

PINS: Final[Mapping[str, Mapping[str, str]]] = {
    BESIDE: {
        "jupyter-cache": "1.0.1",
        "jupyter-scheduler": "2.12.1",
        "jupytext": "1.19.6",
        "nbmake": "1.5.5",
        "notebook": "7.6.5",
        "ploomber-engine": "0.0.33",
        "voila": "0.5.13",
    },
    SERVER_SIDE: {"jupyter-server-nbmodel": "0.2.9", "notebook": "7.6.5"},
    APART: {"apache-airflow": "3.3.2", "apache-airflow-providers-papermill": "3.13.3"},
}
"""By environment, what is tried in it."""

_INSTALLING: Final = 1800
_KERNELS: Final = "kernels"
_MOST_TOLD: Final = 2000


@dataclass(frozen=True)
class Environment:
    """A Python with some tools.

    Args:
        name: one of `PINS`.
        folder: where it is.
        home: the home of whoever uses it, where nothing of anybody else's is.
    """

    name: str
    folder: Path
    home: Path

    @property
    def bin(self) -> Path:
        """Where its programs are."""
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.bin / "python"

    def version(self, package: str) -> str:
        """The version of a package that is in it."""
        code = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
        told = subprocess.run(
            [self.python, "-c", code, package], check=True, capture_output=True, text=True
        )
        return told.stdout.strip()

    def variables(self, **more: str) -> dict[str, str]:
        """What a program in it finds set: a home of its own, and bcrunbook's kernel."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("BCRUNBOOK_", "JUPYTER", "VIRTUAL_ENV", "PYTHON"))
            and name.lower() not in ("https_proxy", "all_proxy")
        }
        return {
            **kept,
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "IPYTHONDIR": str(self.home / "ipython"),
            "JUPYTER_CONFIG_DIR": str(self.home / "jupyter-config"),
            "JUPYTER_DATA_DIR": str(self.home / "jupyter-data"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "jupyter-runtime"),
            "JUPYTER_PATH": str(self.home.parent / _KERNELS),
            "PATH": os.pathsep.join([str(self.bin), os.environ["PATH"]]),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            **more,
        }


def make(folder: Path, name: str) -> Environment:
    """Make an environment, from the public registries.

    Args:
        folder: where environments go.
        name: which.
    """
    home = folder / f"{name}-home"
    home.mkdir()
    made = Environment(name, folder / name, home)
    _uv(folder, "venv", "--python", sys.executable, made.folder)
    words: list[str | Path] = [f"{package}=={version}" for package, version in PINS[name].items()]
    if name != APART:
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]
        pins = folder / "pins.txt"
        pins.write_text("\n".join(settings["constraint-dependencies"]), "utf-8")
        words += [ROOT, "--constraint", pins]
    _uv(folder, "pip", "install", "--python", made.python, *words)
    return made


def lay_out_kernel(folder: Path, environment: Environment) -> None:
    """Describe the kernel that has bcrunbook, for tools in whatever environment.

    Args:
        folder: where environments go.
        environment: the one that has bcrunbook.
    """
    target = folder / _KERNELS / "kernels" / "python3"
    target.mkdir(parents=True)
    argv = [str(environment.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    described = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (target / "kernel.json").write_text(json.dumps(described), "utf-8")


def _uv(folder: Path, *words: str | Path) -> None:
    """Run uv in a folder outside the clone, whose pins it would put on everything."""
    done = subprocess.run(
        ["uv", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_INSTALLING,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"uv {words[0]} failed:\n{done.stderr[-_MOST_TOLD:]}")
