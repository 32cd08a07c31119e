"""papermill's engine `bcrunbook`: what it writes is what the kernel engine writes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from multiprocessing import get_all_start_methods
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.steps import SETUP_STEPS, notebook_of
from tests.conftest import MakeWorkspace, only_account
from tests.support.running import run_steps

ENGINES = ("kernel", "bcrunbook")

SHOWS = {
    "prints": ['import sys\nprint("one")\nprint("two")\nprint("three", file=sys.stderr)\n1 + 1'],
    "awaits": ["import asyncio\nx = 1\nawait asyncio.sleep(0.01)\nx", "await asyncio.sleep(0, x)"],
    "displays": [
        "from IPython.display import HTML, display\nhandle = display(HTML('a'), display_id='me')",
        "display({'a': 1}, metadata={'b': 2})\nHTML('<b>c</b>')",
        "handle.update(HTML('changed'))\ndisplay(HTML('other'), display_id='me')",
    ],
    "clears": [
        "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('stays')",
        "print('gone, too')\nclear_output(wait=True)\nprint('in its place')",
    ],
    "magics": ["%alias_magic --line t time", "%%capture caught\nprint('x')", "caught.stdout", "!"],
    "warns": [
        "import logging, warnings\nlogging.getLogger('some').warning('careful')",
        "warnings.warn_explicit('old', UserWarning, 'file.py', 7)",
    ],
    "pictures": [
        "from IPython.display import Image\n"
        "Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + bytes(30), format='png')",
    ],
    "fails": ["def f():\n    raise ValueError('bad')\n\nf()", "1"],
    "fails as is allowed": ["#raises-exception\n1 / 0", "2"],
    "is no Python": ["1 +", "2"],
    "exits": ["import sys\nsys.exit(3)", "2"],
    "has nothing to run": ["", "#skip-execution\n1 / 0", "# only a remark", "_, __, In[1], Out"],
}


def notebook(*sources: str) -> Any:
    """A notebook with these code cells; a first line such as `#raises-exception` is a tag."""
    cells = [nbformat.v4.new_markdown_cell("Words.")]
    for source in ("name = 'nobody'", *sources):
        cell = nbformat.v4.new_code_cell(source)
        if found := re.match(r"#(\S+)\n", source):
            cell.metadata["tags"] = [found[1]]
        cells.append(cell)
    cells[1].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def executed(source: Path, folder: Path, engine: str, **kwargs: Any) -> tuple[Any, str]:
    """The notebook that an engine writes, and the error that papermill raises for it."""
    target = folder / engine / source.name
    target.parent.mkdir(exist_ok=True)
    chosen = {"engine_name": engine} if engine != "kernel" else {}
    error = ""
    try:
        papermill.execute_notebook(str(source), str(target), progress_bar=False, **chosen, **kwargs)
    except PapermillExecutionError as failed:
        error = f"{failed.ename}: {failed.evalue}"
    return json.loads(target.read_text("utf-8")), error


def timeless(data: Any) -> Any:
    """A notebook without ids and times; that there is a time is kept."""
    if isinstance(data, dict):
        return {
            key: "..." if key in VARYING and value is not None else timeless(value)
            for key, value in data.items()
            if key != "id"
        }
    if isinstance(data, list):
        return [timeless(one) for one in data]
    if isinstance(data, str):
        # A cell's file in a traceback, addresses of objects, and ids that an outcome holds.
        return re.sub(
            r"/tmp/ipykernel_\d+/\d+|0x[0-9a-f]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}", "...", data
        )
    return data


VARYING = {
    *("start_time", "end_time", "duration", "output_path", "started", "ended", "since", "run_id"),
    *("iopub.status.busy", "iopub.execute_input", "shell.execute_reply", "iopub.status.idle"),
}


@pytest.mark.parametrize("what", SHOWS)
def test_it_writes_what_the_kernel_engine_writes(what: str, tmp_path: Path) -> None:
    """Outputs, counts, metadata and papermill's own marks; and the same error is raised."""
    source = tmp_path / "one.ipynb"
    nbformat.write(notebook(*SHOWS[what]), source)
    by_kernel, by_ours = (
        executed(source, tmp_path, engine, parameters={"name": "somebody"}) for engine in ENGINES
    )
    assert timeless(by_ours[0]) == timeless(by_kernel[0])
    assert by_ours[1] == by_kernel[1]


def test_a_question_that_nobody_can_answer_ends_the_cell(tmp_path: Path) -> None:
    """Neither engine waits for a keyboard, and both say the same about it."""
    source = tmp_path / "one.ipynb"
    asks = ("input('name? ')", "import getpass\ngetpass.getpass()")
    nbformat.write(notebook(*(f"#raises-exception\n{one}" for one in asks)), source)
    texts = []
    for engine in ENGINES:
        cells = executed(source, tmp_path, engine)[0]["cells"]
        outputs = [one for cell in cells for one in cell.get("outputs", ())]
        texts.append([(one["output_type"], one.get("ename"), one.get("evalue")) for one in outputs])
    assert texts[0] == texts[1]
    assert [name for _, name, _ in texts[1]] == ["StdinNotImplementedError"] * 2


async def test_the_runbooks_own_notebooks_come_out_the_same(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    """For one account, in a state in which each has something to say."""
    workspace = make_workspace()
    account = only_account(workspace)
    await run_steps(workspace, "start_here", "register_application", "client_secret")
    values = {"account": account, "mode": "plan", "workspace": str(workspace.root)}
    states = set()
    for step in SETUP_STEPS:
        source = shipped() / notebook_of(step)
        by_kernel, by_ours = (
            executed(source, tmp_path, engine, parameters=values) for engine in ENGINES
        )
        assert timeless(by_ours[0]) == timeless(by_kernel[0]), step.id
        assert by_ours[1] == by_kernel[1]
        states.add(json.dumps(by_ours[0]).count("application/vnd.bcrunbook.outcome+json"))
    assert states == {1}


def test_papermills_own_command_line_takes_it(tmp_path: Path) -> None:
    """By the name of its entry point, with what papermill logs about outputs."""
    source, target = tmp_path / "one.ipynb", tmp_path / "out.ipynb"
    nbformat.write(notebook("print(f'hello {name}')"), source)
    program = [sys.executable, "-m", "papermill", "--engine", "bcrunbook", "--log-output"]
    words = [str(source), str(target), "-p", "name", "somebody", "--stdout-file"]
    done = subprocess.run(
        [*program, *words, str(tmp_path / "printed")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "hello somebody" in done.stderr
    assert (tmp_path / "printed").read_text("utf-8") == "hello somebody\n"


def test_every_notebook_begins_anew(tmp_path: Path) -> None:
    """Nothing of one is seen by the next, nor by whoever runs them."""
    source = tmp_path / "one.ipynb"
    leave = "import builtins, os, sys\nbuiltins.left = left = 1\nos.environ['LEFT'] = '1'\n"
    look = "[hasattr(builtins, 'left'), 'left' in dir(), 'LEFT' in os.environ, os.getcwd()]"
    nbformat.write(notebook(f"import builtins, os\n{look}", leave), source)
    seen = []
    for _ in range(2):
        done, error = executed(source, tmp_path, "bcrunbook")
        assert not error
        seen.append("".join(done["cells"][2]["outputs"][0]["data"]["text/plain"]))
    assert seen == 2 * [f"[False, False, False, {os.getcwd()!r}]"]
    assert "LEFT" not in os.environ


def test_cells_have_the_environment_of_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it was when the process was made from which theirs are forked: as with a kernel."""
    source = tmp_path / "one.ipynb"
    nbformat.write(notebook("import os\n[os.environ.get('TOWN'), 'GONE' in os.environ]"), source)
    monkeypatch.setenv("GONE", "1")
    executed(source, tmp_path, "bcrunbook")
    monkeypatch.setenv("TOWN", "Leeds")
    monkeypatch.delenv("GONE")
    seen = [executed(source, tmp_path, engine)[0]["cells"][2]["outputs"] for engine in ENGINES]
    assert seen[0] == seen[1]
    assert seen[1][0]["data"]["text/plain"] == ["['Leeds', False]"]


def test_cells_that_end_their_process_or_take_too_long(tmp_path: Path) -> None:
    """Both are told as with a kernel, and what was there by then is written."""
    source = tmp_path / "one.ipynb"
    nbformat.write(notebook("print('before')", "import os\nos._exit(3)"), source)
    with pytest.raises(DeadKernelError):
        executed(source, tmp_path, "bcrunbook")
    written = json.loads((tmp_path / "bcrunbook" / source.name).read_text("utf-8"))
    assert written["cells"][2]["outputs"][0]["text"] == ["before\n"]
    nbformat.write(notebook("import time\ntime.sleep(60)"), source)
    with pytest.raises(CellTimeoutError):
        executed(source, tmp_path, "bcrunbook", execution_timeout=1)


@pytest.mark.skipif("forkserver" not in get_all_start_methods(), reason="nothing is forked here")
def test_the_command_line_is_read_once_for_all_processes(tmp_path: Path) -> None:
    """Each process reads the program's file again; what that imports is there by then."""
    script = tmp_path / "program.py"
    script.write_text(
        "import sys\n"
        "print('typer' in sys.modules, flush=True)\n"
        "from bcrunbook.cli import main\n"
        "if __name__ == '__main__':\n"
        "    from bcrunbook.run.engine.processes import process_for\n"
        "    process = process_for(int)\n"
        "    process.start()\n"
        "    process.join()\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["False", "True"]


def test_nothing_is_read_from_the_folder_that_one_is_in(tmp_path: Path) -> None:
    """A workspace may have any file in it, and cells run in processes that hold secrets."""
    source = tmp_path / "in.ipynb"
    nbformat.write(notebook("print('well')"), source)
    folder = tmp_path / "workspace"
    folder.mkdir()
    for name in ("json", "bcrunbook", "multiprocessing", "IPython"):
        (folder / f"{name}.py").write_text("raise SystemExit('read from the folder')\n", "utf-8")
    script = tmp_path / "program.py"
    script.write_text(
        "import sys\n"
        "import papermill\n"
        "if __name__ == '__main__':\n"
        "    how = {'engine_name': 'bcrunbook', 'progress_bar': False}\n"
        "    papermill.execute_notebook(*sys.argv[1:], **how)\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script), str(source), str(tmp_path / "out.ipynb")],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    written = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert written["cells"][-1]["outputs"][0]["text"] == "well\n"
