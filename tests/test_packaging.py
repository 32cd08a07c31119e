"""What is shipped: the wheel, the two descriptions of the environment, pages and program."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from bcrunbook.core.step import EXIT_CODES
from bcrunbook.notebook_files.parameters import TAG
from bcrunbook.run.layout import lay_out_notebooks
from bcrunbook.steps import EVERY_STEP, notebook_of
from tests.cli.test_help import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
GUIDE = (ROOT / "docs" / "guide" / "commands.md").read_text("utf-8")


# --- the wheel ---------------------------------------------------------------------------------


def uv(*words: str | Path) -> None:
    """Run uv, which both commands of the README install first."""
    found = shutil.which("uv")
    if found is None:
        pytest.skip("uv is not on the PATH")
    done = subprocess.run([found, *map(str, words)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a release is."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--out-dir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_what_the_program_reads(wheel: Path) -> None:
    """Notebooks, templates, accounts.toml, migrations, types and the licence; no test."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = ROOT / "bcrunbook"
    read = {
        f"bcrunbook/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and path.suffix in (".py", ".html", ".toml", ".css", ".js", ".json")
    }
    assert any(name.startswith("bcrunbook/run/templates/") for name in read)
    assert read <= names, read - names
    assert {f"bcrunbook/notebooks/{notebook_of(step)}" for step in EVERY_STEP} <= names
    assert "bcrunbook/py.typed" in names
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    assert not [name for name in names if name.startswith("tests") or "__pycache__" in name]


def test_an_installed_wheel_lays_out_a_workspace(wheel: Path, tmp_path: Path) -> None:
    """Away from the source, `init` finds its template and its notebooks."""
    site = tmp_path / "site"
    uv("pip", "install", "--no-deps", "--offline", "--target", site, wheel)
    code = "import bcrunbook.cli as program; print(program.__file__); program.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "init", "workspace"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(site)
    made = {path.name for path in (tmp_path / "workspace").rglob("*") if path.is_file()}
    assert made == {"accounts.toml", *(notebook_of(step) for step in EVERY_STEP)}


def test_no_mark_and_no_outcome_of_the_project_travels(wheel: Path, tmp_path: Path) -> None:
    """The wheel's notebooks, and those laid out: nothing that a run showed, and our tags are gone.

    Code, prose and what JupyterLab folds are the repository's own.
    """
    laid_out, _ = lay_out_notebooks(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        for step, path in zip(EVERY_STEP, laid_out, strict=True):
            name = notebook_of(step)
            assert path.name == name
            own = json.loads((ROOT / "notebooks" / name).read_text("utf-8"))
            built = json.loads(archive.read(f"bcrunbook/notebooks/{name}"))
            copied = json.loads(path.read_text("utf-8"))
            # Else JupyterLab adds it, and shows a notebook as changed that was only opened.
            assert copied["metadata"]["language_info"].pop("version") == platform.python_version()
            assert built == copied
            assert built["metadata"] == own["metadata"]
            pairs = list(zip(built["cells"], own["cells"], strict=True))
            assert [one["source"] for one, _ in pairs] == [other["source"] for _, other in pairs]
            for one, other in pairs:
                assert not one.get("outputs") and one.get("execution_count") is None
                tags = one["metadata"].pop("tags", [])
                assert tags == [tag for tag in other["metadata"].pop("tags", []) if tag == TAG]
                assert one["metadata"] == other["metadata"]


# --- the environment -----------------------------------------------------------------------------


def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def canonical(name: str) -> str:
    """A package's name in its one spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lines: list[str]) -> dict[str, str]:
    """Name and specifier of each requirement; markers are left aside."""
    parsed = [Requirement(line) for line in lines]
    found = {canonical(one.name): str(one.specifier) for one in parsed}
    assert len(found) == len(lines), "a package is named twice"
    return found


def test_conda_users_get_the_same_versions() -> None:
    """environment.yml and pyproject.toml pin the same packages to the same versions."""
    described = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    (pip,) = [one["pip"] for one in described["dependencies"] if isinstance(one, dict)]
    assert pip[0] == "-e ."
    assert pins(pip[1:]) == pins(project()["tool"]["uv"]["constraint-dependencies"])
    python = project()["project"]["requires-python"]
    assert f"python{python}" in described["dependencies"]


def test_every_direct_dependency_is_pinned_within_its_range() -> None:
    """What pyproject.toml asks for has a tested version, and that version is allowed."""
    pinned = pins(project()["tool"]["uv"]["constraint-dependencies"])
    asked = project()["project"]["dependencies"] + project()["dependency-groups"]["dev"]
    for line in asked:
        wanted = Requirement(line)
        version = pinned[canonical(wanted.name)].removeprefix("==")
        assert wanted.specifier.contains(version), line


def test_what_is_installed_is_what_is_pinned() -> None:
    """The tests run on exactly the versions that both commands of the README install."""
    for name, pin in pins(project()["tool"]["uv"]["constraint-dependencies"]).items():
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        assert f"=={installed}" == pin, name


def test_the_version_is_one() -> None:
    """The package, its metadata and `--version` agree."""
    import bcrunbook

    assert project()["project"]["version"] == bcrunbook.__version__


def test_the_changelog_tells_of_the_version() -> None:
    """The version has a dated section, and what comes next has one above it."""
    titles = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert titles[0] == "Unreleased"
    assert re.fullmatch(
        rf"\[{re.escape(project()['project']['version'])}\] - \d{{4}}-\d\d-\d\d", titles[1]
    )


# --- chores --------------------------------------------------------------------------------------


def commands_of(task: dict[str, Any]) -> list[str]:
    """The command lines of a task of poe."""
    return [part["cmd"] for part in task.get("sequence", [task])]


def test_every_small_program_is_a_chore() -> None:
    """Whoever adds a program to tests/tools gives it a word, in [tool.poe.tasks]."""
    programs = {
        f"tests.tools.{path.stem}"
        for path in (ROOT / "tests" / "tools").glob("*.py")
        if '__name__ == "__main__"' in path.read_text("utf-8")
    }
    lines = [
        line for task in project()["tool"]["poe"]["tasks"].values() for line in commands_of(task)
    ]
    named = [match[1] for line in lines if (match := re.match(r"python -m (tests\.\S+)", line))]
    assert sorted(named) == sorted(programs), "name it under docs, or give it a word of its own"


def test_every_chore_that_is_named_exists() -> None:
    """What CI, the pages and the messages call `uv run poe WORD` is a task."""
    tasks = project()["tool"]["poe"]["tasks"]
    assert all(task["help"] for task in tasks.values())
    for path in tracked():
        if path.suffix in (".md", ".py", ".yml", ".yaml") or path.name == "run":
            for words in re.findall(r"uv run poe ([a-z|-]+)", path.read_text("utf-8")):
                assert set(words.split("|")) <= set(tasks), f"{path}: {words}"


def test_the_forge_tries_every_python_that_is_promised() -> None:
    """The workflow's versions are those of the classifiers, and it runs what any machine runs."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    job = workflow["jobs"]["run"]
    prefix = "Programming Language :: Python :: 3."
    promised = [name for name in project()["project"]["classifiers"] if name.startswith(prefix)]
    assert job["strategy"]["matrix"]["python"] == [f"3.{name[len(prefix) :]}" for name in promised]
    assert job["steps"][-1] == {"run": ".ci/run"}


# --- README and program --------------------------------------------------------------------------


def test_guide_and_program_know_the_same_commands() -> None:
    """The commands table lists what `bcrunbook --help` lists, and nothing else."""
    table = GUIDE.split("## Commands")[1].split("##")[0]
    words = re.findall(r"^\| `([a-z]+(?: [a-z]+)*)", table, re.M)
    listed = {tuple(one.split()) for one in words}
    groups = {("accounts",), ("rehearsal",), ("secret",)}
    assert listed == set(COMMANDS) - groups


def test_the_guide_tells_the_exit_codes() -> None:
    """Every exit code of the program stands in the guide, and in the order of the numbers."""
    line = next(line for line in GUIDE.splitlines() if line.startswith("Exit codes:"))
    counts = [int(number) for number in re.findall(r"\b(\d) [a-z]", line)]
    assert counts == sorted({*EXIT_CODES.values(), 2})


def test_ci_runs_what_the_readme_says() -> None:
    """The two commands of the README; the tests' one is what CI runs."""
    commands = re.findall(r"^    (pip install uv && .+)$", README, re.M)
    assert commands == [
        "pip install uv && uv run bcrunbook rehearse",
        "pip install uv && uv run pytest",
    ]
    assert commands[1] in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


# --- what is tracked -----------------------------------------------------------------------------


def tracked() -> list[Path]:
    """Every file that git tracks."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    listed = subprocess.run([git, "-C", str(ROOT), "ls-files", "-z"], capture_output=True)
    return [ROOT / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]


def test_nothing_of_a_developers_machine_is_tracked() -> None:
    """No lock file, no package registry's address, no path of a home or a workbench."""
    files = [path for path in tracked() if path.is_file()]
    assert ROOT / "uv.lock" not in files
    registry = rb"https?://[\w.:-]*(?:pypi|pythonhosted|/simple\b|artifactory|nexus)[\w./-]*"
    machine = rb"(?<![\w./~-])/(?:work|root|home|Users)/[\w.-]+"
    for path in files:
        if path.suffix in (".png", ".jpg") or path.name in ("LICENSE", Path(__file__).name):
            continue
        found = re.search(registry + rb"|" + machine, path.read_bytes())
        assert not found, f"{path.relative_to(ROOT)}: {found}"


def test_nothing_that_is_built_or_fetched_is_tracked() -> None:
    """The top level holds what was agreed; binary files are pictures only."""
    files = [path for path in tracked() if path.is_file()]
    agreed = {"LICENSE", "environment.yml", "pyproject.toml", "hatch_build.py", ".gitignore"}
    agreed |= {".pre-commit-config.yaml", "Containerfile"}
    at_the_top = {path.name for path in files if path.parent == ROOT and path.suffix != ".md"}
    assert at_the_top == agreed
    binary = {path for path in files if b"\0" in path.read_bytes()[:4096]}
    assert {path.suffix for path in binary} <= {".png"}
