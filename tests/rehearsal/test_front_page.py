"""docs/rehearsal-cloud.md is true: its lines run as they stand there, and print what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bcrunbook.rehearsal import RehearsalDescription, environment_of, launch
from bcrunbook.rehearsal.hosts import HOSTS
from tests.support.browser import ARGUMENTS, chromium_path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "rehearsal-cloud.md").read_text("utf-8")
ELSEWHERE = ("Azure CLI", "CLI for Microsoft 365", "Microsoft Graph SDK for Python")
"""Programs of the page that are not in the environment of the tests: `uv run poe strangers`."""

HERE = ("PATH", "HOME", "SYSTEMROOT")


def sections(level: int) -> dict[str, str]:
    """The page's text below each heading of a level, by the heading."""
    parts = re.split(rf"^{'#' * level} (.+)\n", PAGE, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def programs() -> dict[str, str]:
    """What the page says about each of the ten."""
    text = sections(2)["Ten programs"]
    return {name: part for name, part in sections(3).items() if f"### {name}\n" in text}


PROGRAMS = [name for name in programs() if name not in (*ELSEWHERE, "How each was tried")]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, RehearsalDescription]]:
    """The folder in which the page's reader stands.

    It is with a cloud, and a browser that may run as root.
    """
    folder = tmp_path_factory.mktemp("front-page")
    with launch(folder / "cloud", speed=200) as description:
        yield folder, description


def shell(folder: Path, lines: str, path: str = "") -> str:
    """What lines of the page print in a shell that has run the page's preparation."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not on this machine")
    (prepared,) = blocks(sections(2)["Start it"], "sh")
    done = subprocess.run(
        [bash, "-euo", "pipefail", "-c", f"{prepared}\n{lines}"],
        cwd=folder,
        env={
            **{name: os.environ[name] for name in HERE if name in os.environ},
            "PATH": os.pathsep.join(filter(None, [path, os.environ["PATH"]])),
        },
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_ten() -> None:
    """Ten programs, each with lines to run and what they print; those run elsewhere are named."""
    assert len(PROGRAMS) + len(ELSEWHERE) == 10
    tried = programs()["How each was tried"]
    for name, text in programs().items():
        if name != "How each was tried":
            assert len(blocks(text, "(?:sh|python)")) == len(blocks(text, "text")) == 1, name
    for name in ELSEWHERE:
        assert re.search(rf"strangers`, on [^:]+: .*{re.escape(name)} [\d.]+\d", tried), name


def test_the_shell_and_the_package_set_the_same(shelf: tuple[Path, RehearsalDescription]) -> None:
    """The page's preparation exports what environment_of gives to Python."""
    folder, description = shelf
    expected = environment_of(description)
    script = f"import os\nfor name in {list(expected)}: print(name, os.environ[name], sep='=')"
    (folder / "shown.py").write_text(script, "utf-8")
    lines = shell(folder, f'"{Path(sys.executable).as_posix()}" shown.py').splitlines()
    assert dict(line.split("=", 1) for line in lines) == expected


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_what_the_page_says(
    shelf: tuple[Path, RehearsalDescription], name: str, tmp_path: Path
) -> None:
    """The lines run as they are, and print what stands below them."""
    folder, description = shelf
    text = programs()[name]
    if scripts := blocks(text, "python"):
        done = subprocess.run(
            [sys.executable, "-I", "-"],
            input=scripts[0],
            env={
                **{name: os.environ[name] for name in HERE if name in os.environ},
                **environment_of(description),
            },
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        printed = done.stdout
    else:
        (lines,) = blocks(text, "sh")
        if name == "curl" and shutil.which("curl") is None:
            pytest.skip("curl is not on this machine")
        if name == "A browser":
            # As root, Chromium runs without its sandbox only.
            wrapper = tmp_path / "chromium"
            wrapper.write_text(f'#!/bin/sh\nexec "{chromium_path()}" {" ".join(ARGUMENTS)} "$@"\n')
            wrapper.chmod(0o700)
        printed = shell(folder, lines, str(tmp_path))
    (expected,) = blocks(text, "text")
    assert printed == expected


def test_every_host_is_on_the_page() -> None:
    """The table of services names every host; of the vaults, one."""
    table = sections(2)["What it answers"]
    vaults = [host for host in HOSTS if host.endswith(".vault.azure.net")]
    for host in set(HOSTS) - set(vaults[1:]):
        assert f"`{host}`" in table, host


def test_people_who_search_find_it() -> None:
    """The field's word for such a thing stands on the page, once."""
    assert len(re.findall("emulator", PAGE, re.I)) == 1


# --- the fixture ---------------------------------------------------------------------------------


def example(folder: Path) -> None:
    """Lay out the page's example of the fixture."""
    conftest, test = blocks(sections(2)["In your tests"], "python")
    (folder / "conftest.py").write_text(conftest, "utf-8")
    (folder / "test_example.py").write_text(test, "utf-8")


def run_example(folder: Path, *options: str, site: Path | None = None) -> None:
    """Run it as its user would, who has nothing of this repository but the package."""
    environment = {name: os.environ[name] for name in HERE if name in os.environ}
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={**environment, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_the_example_of_the_fixture(tmp_path: Path) -> None:
    """It passes in a pytest of its own."""
    example(tmp_path)
    run_example(tmp_path)


def test_faults_are_over_with_their_block(tmp_path: Path) -> None:
    """A rule of no use is an error in the test that gave it, and leaves nothing behind."""
    conftest, _ = blocks(sections(2)["In your tests"], "python")
    (tmp_path / "conftest.py").write_text(conftest, "utf-8")
    (tmp_path / "test_faults.py").write_text(
        """
import json
import pytest
from bcrunbook.rehearsal.faults import InvalidFaults

def test_a_slip(rehearsal_cloud):
    with pytest.raises(InvalidFaults, match="did you mean 'status'"):
        with rehearsal_cloud.faults({"statsu": 503}):
            raise AssertionError
    assert json.loads(rehearsal_cloud.rules.read_text()) == []

def test_an_error_within(rehearsal_cloud):
    with pytest.raises(ZeroDivisionError):
        with rehearsal_cloud.faults({"status": 503}):
            assert json.loads(rehearsal_cloud.rules.read_text()) == [{"status": 503}]
            1 / 0
    assert json.loads(rehearsal_cloud.rules.read_text()) == []
""",
        "utf-8",
    )
    run_example(tmp_path)


def test_the_example_runs_where_only_the_wheel_is(tmp_path: Path) -> None:
    """Away from the source, the fixture finds all that it needs in the wheel."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not on the PATH")
    site, work = tmp_path / "site", tmp_path / "work"
    for words in (
        ["build", "--wheel", "--out-dir", str(tmp_path), str(ROOT)],
        ["pip", "install", "--no-deps", "--offline", "--target", str(site)],
    ):
        wheels = [] if words[0] == "build" else map(str, tmp_path.glob("*.whl"))
        done = subprocess.run(
            [uv, *words, *wheels], capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stderr
    work.mkdir()
    example(work)
    (work / "test_where.py").write_text(
        f"import bcrunbook\n\ndef test_where():\n    assert {str(site)!r} in bcrunbook.__file__\n",
        "utf-8",
    )
    run_example(work, site=site)


def test_importing_the_package_loads_no_pytest() -> None:
    """Whoever only serves needs no pytest; whoever asks for another name is told so."""
    script = (
        "import sys\nimport bcrunbook.rehearsal as door\n"
        "assert 'pytest' not in sys.modules\n"
        "assert not hasattr(door, 'no_such_name')\n"
        "door.rehearsal_cloud\nassert 'pytest' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-I", "-c", script], check=True, timeout=60)
