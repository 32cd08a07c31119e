"""nbval keeps the notebooks true: they run as they are, and what they promise is compared."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.order import API_PERMISSIONS, REGISTER_APPLICATION
from bcrunbook.rehearsal import launch
from bcrunbook.run.rehearse.workspace import STANDARD, prepare
from bcrunbook.steps import notebook_of, step_named

CONFIG = Path(__file__).resolve().parents[1] / "nbval.cfg"
RENEW = "If the notebooks are right and what is stored in them is old: uv run poe outputs"


def nbval(notebooks: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run nbval on a folder of notebooks against a fresh rehearsal cloud."""
    with launch(home / "cloud", skips=True, lags="worst") as cloud:
        workspace = asyncio.run(prepare(home, cloud, STANDARD))
        return subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider"),
                *("--nbval-sanitize-with", str(CONFIG), "-q", "--rootdir", str(notebooks)),
                *("-o", "addopts=", "-o", "filterwarnings=", str(notebooks)),
            ],
            capture_output=True,
            text=True,
            timeout=240,
            env={**os.environ, "BCRUNBOOK_WORKSPACE": str(workspace.root)},
            check=False,
        )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebooks, where nothing else is."""
    folder = tmp_path_factory.mktemp("copy") / "notebooks"
    folder.mkdir()
    for notebook in shipped().glob("*.ipynb"):
        shutil.copyfile(notebook, folder / notebook.name)
    return folder


def test_the_notebooks_hold(copy: Path, tmp_path: Path) -> None:
    """Every cell runs, and every stored output that is a promise comes out again."""
    done = nbval(copy, tmp_path)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{RENEW}"
    assert " failed" not in done.stdout, RENEW


@pytest.mark.parametrize(
    ("step", "true", "false"),
    [
        (REGISTER_APPLICATION, "AzureADandPersonalMicrosoftAccount", "AzureADMyOrg"),
        (API_PERMISSIONS, "grant admin consent", "grant consent"),
    ],
)
def test_a_stored_output_that_is_not_true_is_noticed(
    copy: Path, tmp_path: Path, step: str, true: str, false: str
) -> None:
    """A tampered copy fails, so the comparison is a real one."""
    folder = tmp_path / "tampered"
    shutil.copytree(copy, folder)
    notebook = notebook_of(step_named(step))
    for later in sorted(folder.iterdir()):
        if later.name > notebook:
            later.unlink()
    text = (folder / notebook).read_text("utf-8")
    assert true in text
    (folder / notebook).write_text(text.replace(true, false), "utf-8")
    done = nbval(folder, tmp_path)
    assert done.returncode == 1
    assert " failed" in done.stdout
