"""The wheel alone: installed with pip where there is neither uv nor the clone, it does its work.

Minutes of installing from a registry; so these tests run only when they are asked for by their
marker (`uv run poe wheel`).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "rehearsal-cloud.md"
KEPT = re.compile(r"PIP_|SSL_CERT_|HTTPS?_PROXY|NO_PROXY|SYSTEMROOT|TEMP|TMP|LANG", re.I)
"""What pip needs to reach a registry, and Python to start. The rest stays outside."""

pytestmark = [pytest.mark.registry, pytest.mark.timeout(900)]


class Alone:
    """A fresh environment with the wheel in it, and a folder away from the clone.

    Args:
        folder: an empty folder for both.
    """

    def __init__(self, folder: Path) -> None:
        self._programs = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
        self.folder = folder / "work"
        self.folder.mkdir()
        self._environment = {key: text for key, text in os.environ.items() if KEPT.match(key)} | {
            "PATH": os.pathsep.join([str(self._programs), os.defpath]),
            "HOME": str(folder),
            "USERPROFILE": str(folder),
            "PYTHONUTF8": "1",
        }

    @property
    def python(self) -> Path:
        """The environment's own Python."""
        return self._programs / "python"

    def run(self, program: str, *words: str | Path) -> str:
        """What a program of the environment prints, once it has ended well."""
        done = subprocess.run(
            [str(self._programs / program), *map(str, words)],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{program} {words}:\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """An environment in which pip has built the wheel, and installed it in the tested versions."""
    folder = tmp_path_factory.mktemp("alone")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True, timeout=120)
    environment = Alone(folder)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]
    pins = folder / "pins.txt"
    pins.write_text("\n".join(settings["constraint-dependencies"]), "utf-8")
    pip = ("-m", "pip", "--quiet", "--disable-pip-version-check")
    environment.run("python", *pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    environment.run("python", *pip, "install", "--constraint", pins, wheel, "pytest")
    return environment


def test_nothing_of_the_clone_is_there(alone: Alone) -> None:
    """The package comes from the environment, and uv is out of reach."""
    where = "import bcrunbook, shutil; print(bcrunbook.__file__, shutil.which('uv'))"
    home, uv = alone.run("python", "-c", where).split()
    assert Path(home).is_relative_to(alone.folder.parent / "env")
    assert uv == "None"


def test_it_rehearses(alone: Alone) -> None:
    """The whole runbook: both accounts and their customers, every notebook and the report."""
    printed = alone.run("bcrunbook", "rehearse")
    paths = [Path(line) for line in printed.splitlines() if Path(line).is_absolute()]
    assert {path.suffix for path in paths} == {".ipynb", ".html"}
    assert all(path.is_relative_to(alone.folder) and path.is_file() for path in paths)


def test_the_container_is_built_of_what_it_copies(tmp_path: Path) -> None:
    """The recipe's own steps, on this machine: its program lays out a workspace.

    What needs a container's base image and its user is not tried here.
    """
    text = (ROOT / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    _, first, second = text.split("\nFROM ")
    source, program = tmp_path / "source", tmp_path / "made"
    source.mkdir()
    for line in re.findall(r"^COPY (.*)$", first, re.M):
        *names, target = line.split()
        for name in names:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, source / target / ("" if (ROOT / name).is_dir() else name))
    install = re.findall(r"^RUN (uv .*)$", first, re.M)
    assert install
    for line in install:
        command = line.replace("/opt/bcrunbook", str(program))
        subprocess.run(["bash", "-e", "-c", command], cwd=source, check=True, timeout=600)
    assert 'ENTRYPOINT ["bcrunbook"]' in second and re.search(r"^USER (?!root)", second, re.M)
    laid = tmp_path / "workspace"
    words = [str(program / "bin" / "bcrunbook"), "init", str(laid)]
    subprocess.run(words, cwd=tmp_path, env={"HOME": str(tmp_path)}, check=True, timeout=120)
    assert (laid / "accounts.toml").is_file() and list((laid / "notebooks").glob("*.ipynb"))


def test_its_types_reach_a_program(alone: Alone) -> None:
    """A type checker finds them in the installed package, and tells a slip in a program."""
    program = alone.folder / "api.py"
    text = (ROOT / "tests" / "typing" / "api.py").read_text("utf-8")
    slip = (
        '\n\nasync def slip(workspace: Workspace) -> int:\n    return workspace.account("trial")\n'
    )
    for source, code in ((text, 0), (text + slip, 1)):
        program.write_text(source, "utf-8")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull),
                *("--python-executable", str(alone.python), "api.py"),
            ],
            cwd=alone.folder,
            capture_output=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
    assert re.search(r'api\.py:\d+: error: .*got "Account", expected "int"', done.stdout)


def test_the_example_of_the_fixture_passes(alone: Alone) -> None:
    """The rehearsal cloud's fixture needs the wheel and a pytest, as its page says."""
    section = PAGE.read_text("utf-8").split("\n## In your tests\n")[1].split("\n## ")[0]
    conftest, test = re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)
    (alone.folder / "conftest.py").write_text(conftest, "utf-8")
    (alone.folder / "test_example.py").write_text(test, "utf-8")
    assert " passed" in alone.run("python", "-m", "pytest", "-q", "test_example.py")
