"""JupyterLab as somebody in front of it uses it, driven by Playwright.

Everything is found by what a person sees or what assistive technology reads (menus, labels,
buttons); only what has no name is found by JupyterLab's own classes.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError, expect

from bcrunbook.steps import notebook_of, step_named

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient
    from playwright.sync_api import Locator, Page

SHOTS_VARIABLE = "BCRUNBOOK_SHOTS"
PATIENCE_MS = 60_000
MENU_MS = 5_000
"""How long a menu that was opened may take to show what is chosen."""
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
OUTPUTS = ".jp-OutputArea"
_WORKING = re.compile(r"\[\*\]")
_SEVERE = ("serious", "critical")


class Server:
    """A running JupyterLab, asked directly: what a browser tab does not show.

    Args:
        url: the address that `bcrunbook lab` prints.
        root: the workspace.
        runtime: where Jupyter keeps the connection files of its kernels.
    """

    def __init__(self, url: str, root: Path, runtime: Path) -> None:
        self.url = url
        self.runtime = runtime
        parts = urlsplit(url)
        self.address = f"{parts.scheme}://{parts.netloc}"
        self.host = parts.netloc
        self.root = root
        (self.token,) = parse_qs(parts.query)["token"]

    def ask(self, method: str, path: str, data: Any = None) -> Any:
        """What the server answers, parsed; None if that is nothing."""
        connection = HTTPConnection(self.host, timeout=30)
        headers = {"Authorization": f"token {self.token}"}
        connection.request(method, path, None if data is None else json.dumps(data), headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status < 400, f"{method} {path}: {answer.status} {body[:200]!r}"
        return json.loads(body) if body else None

    def kernel_state(self, name: str) -> str:
        """What the kernel of a notebook does, once a tab is connected to it: `idle`, `busy`, ..."""
        for session in self.ask("GET", "/api/sessions"):
            if session["path"] == f"notebooks/{name}" and session["kernel"]["connections"]:
                return str(session["kernel"]["execution_state"])
        return ""

    def write(self, name: str, *sources: str, parameters: str = "", outputs: Any = ()) -> None:
        """Lay out a notebook with these code cells.

        Args:
            name: the file's name.
            sources: the cells' sources.
            parameters: the source of a cell of parameters above them; empty for none.
            outputs: what the last cell shows as it was saved.
        """
        import nbformat

        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        cells[-1]["outputs"] = [nbformat.from_dict(one) for one in outputs]
        if parameters:
            tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
            cells.insert(0, tagged)
        kernel = {"name": "python3", "display_name": "Python 3"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, self.root / "notebooks" / name)

    def kernel(self, name: str) -> str:
        """The id of a notebook's kernel."""
        (found,) = (
            session["kernel"]["id"]
            for session in self.ask("GET", "/api/sessions")
            if session["path"] == f"notebooks/{name}"
        )
        return str(found)

    @contextmanager
    def kernel_client(self, name: str) -> Iterator[BlockingKernelClient]:
        """Something that speaks to the kernel of a notebook past all pages."""
        from jupyter_client.blocking.client import BlockingKernelClient

        file = self.runtime / f"kernel-{self.kernel(name)}.json"
        client = BlockingKernelClient(connection_file=str(file))
        client.load_connection_file()
        client.start_channels()
        try:
            yield client
        finally:
            client.stop_channels()

    def set_theme(self, name: str) -> None:
        """Have tabs that are opened from now on in the theme `light` or `dark`."""
        path = "/lab/api/settings/@jupyterlab/apputils-extension:themes"
        self.ask("PUT", path, {"raw": json.dumps({"theme": THEMES[name]})})

    def forget(self, name: str) -> None:
        """End the kernel of a notebook, and take its outputs out of the file."""
        for session in self.ask("GET", "/api/sessions"):
            if session["path"] == f"notebooks/{name}":
                self.ask("DELETE", f"/api/sessions/{session['id']}")
        file = self.root / "notebooks" / name
        notebook = json.loads(file.read_text("utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
        file.write_text(json.dumps(notebook, indent=1), encoding="utf-8")


class Lab:
    """One browser tab with JupyterLab.

    Args:
        page: the tab.
        server: the JupyterLab in it.
        shots: where pictures go, unless the environment names a folder.
    """

    def __init__(self, page: Page, server: Server, shots: Path) -> None:
        self.page = page
        self.server = server
        self.shots = Path(os.environ.get(SHOTS_VARIABLE) or shots)
        self.name = ""
        self._number = 0

    # --- notebooks -------------------------------------------------------------------------------

    def open_start_page(self) -> None:
        """Open the address that `bcrunbook lab` prints, as its browser does, and wait."""
        self.page.goto(self.server.url)
        self.name = urlsplit(self.server.url).path.rpartition("/")[2]
        self.wait_for_kernel()

    def open_step(self, step: str) -> None:
        """Open a step's notebook alone, with a new kernel and no outputs, and wait for it."""
        self.open(notebook_of(step_named(step)))

    def open(self, name: str, *, fresh: bool = True) -> None:
        """Open a notebook alone, and wait for its kernel.

        Args:
            name: the file's name.
            fresh: whether with a new kernel and no outputs; otherwise as it was left.
        """
        # What the tab that is left saves on its way out must not come after `forget`.
        self.page.goto("about:blank")
        if fresh:
            self.server.forget(name)
        self.name = name
        self.page.goto(self.address(name))
        self.wait_for_kernel()

    def address(self, name: str) -> str:
        """Where a notebook is shown alone."""
        path = quote(f"notebooks/{name}")
        return f"{self.server.address}/doc/tree/{path}?reset&token={self.server.token}"

    def reload(self) -> None:
        """Load the page again, as with F5."""
        self.page.reload()
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        """Until the notebook is there, and its kernel has nothing to do."""
        expect(self.cells().first).to_be_visible(timeout=PATIENCE_MS)
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while self.server.kernel_state(self.name) != "idle":
            assert time.monotonic() < deadline, self.server.kernel_state(self.name)
            self.page.wait_for_timeout(50)
        idle = self.page.locator(".jp-NotebookPanel:visible .jp-Notebook-ExecutionIndicator")
        expect(idle).to_have_attribute("data-status", "idle", timeout=PATIENCE_MS)

    # --- cells -----------------------------------------------------------------------------------

    def cells(self) -> Locator:
        """All cells."""
        return self.page.locator(".jp-Notebook-cell")

    def code_cell(self, source: str) -> Locator:
        """The code cell with this in its source."""
        editor = self.page.locator(".jp-InputArea-editor", has_text=source)
        return self.page.locator(".jp-CodeCell", has=editor).first

    def output(self, source: str) -> Locator:
        """What the code cell with this in its source shows."""
        return self.code_cell(source).locator(OUTPUTS).first

    def start_all(self) -> None:
        """Run all cells; do not wait for them."""
        self.menu("Run", "Run All Cells")

    def run_all(self) -> None:
        """Run all cells, and wait until all have ended."""
        self.start_all()
        expect(self.prompts(r"\[\d+\]")).not_to_have_count(0, timeout=PATIENCE_MS)
        self.wait_for_end()

    def save(self) -> None:
        """Save the notebook, and wait until that is done."""
        file = self.server.root / "notebooks" / self.name
        before = file.stat().st_mtime_ns
        self.menu("File", "Save Notebook")
        deadline = time.monotonic() + PATIENCE_MS / 1000
        # The file is there and empty for a moment while it is being written.
        while file.stat().st_mtime_ns == before or not _is_whole(file):
            assert time.monotonic() < deadline, "not saved"
            self.page.wait_for_timeout(50)

    def start(self, source: str) -> None:
        """Run the code cell with this in its source; do not wait for it."""
        cell = self.code_cell(source)
        cell.locator(".jp-InputPrompt").first.click()
        self.page.keyboard.press("Control+Enter")

    def run(self, source: str) -> Locator:
        """Run the code cell with this in its source, and wait until it has ended.

        Returns:
            What it shows.
        """
        prompt = self.code_cell(source).locator(".jp-InputPrompt").first
        before = prompt.inner_text()
        self.start(source)
        expect(prompt).not_to_have_text(before, timeout=PATIENCE_MS)
        expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=PATIENCE_MS)
        return self.output(source)

    def unfold(self) -> None:
        """Show the cell with the parameters, which is folded until somebody has unfolded it."""
        folded = self.page.locator(".jp-CodeCell .jp-InputPlaceholder")
        if folded.count():
            folded.first.click()

    def prompts(self, pattern: str | re.Pattern[str]) -> Locator:
        """The prompts of code cells that look like this."""
        return self.page.locator(".jp-CodeCell .jp-InputPrompt", has_text=re.compile(pattern))

    def wait_for_end(self) -> None:
        """Until no cell runs or waits for its turn."""
        expect(self.prompts(_WORKING)).to_have_count(0, timeout=PATIENCE_MS)
        self.wait_for_kernel()

    def wait_for_text(self, source: str, text: str | re.Pattern[str]) -> Locator:
        """Until the code cell with this in its source shows a text.

        Returns:
            What the cell shows.
        """
        shown = self.output(source)
        expect(shown).to_contain_text(text, timeout=PATIENCE_MS)
        return shown

    # --- widgets ---------------------------------------------------------------------------------

    def button(self, label: str) -> Locator:
        """The button with this label among what cells show."""
        return self.page.locator(OUTPUTS).get_by_role("button", name=label).first

    def click(self, label: str) -> None:
        """Click a button that a cell shows, once it can be clicked."""
        self.button(label).click(timeout=PATIENCE_MS)

    def field(self, label: str) -> Locator:
        """The field with this label among what cells show."""
        return self.page.locator(OUTPUTS).get_by_label(label).first

    def type(self, label: str, text: str) -> None:
        """Type into a field that a cell shows, in place of what is in it."""
        field = self.field(label)
        field.fill("", timeout=PATIENCE_MS)
        field.press_sequentially(text)

    # --- JupyterLab itself -----------------------------------------------------------------------

    def menu(self, *words: str) -> None:
        """Choose something from the menus, by the words on the way to it.

        On a busy machine one has been seen closed again before anything was chosen: then it is
        opened once more, as a person does.
        """
        for patience in (MENU_MS, MENU_MS, None):
            try:
                self._choose(*words, patience=patience)
            except TimeoutError:
                if patience is None:
                    raise
                self.page.keyboard.press("Escape")
            else:
                return

    def _choose(self, top: str, *rest: str, patience: float | None) -> None:
        self.page.locator(".lm-MenuBar-item", has_text=top).first.click()
        for word in rest:
            exact = re.compile(rf"^{re.escape(word)}$")
            label = self.page.locator(".lm-Menu-itemLabel", has_text=exact)
            self.page.locator(".lm-Menu-item", has=label).last.click(timeout=patience)

    def theme(self, name: str) -> None:
        """Switch to the theme `light` or `dark`; what the cells show stays.

        On a busy machine a click in the menu has been seen to do nothing: then it is chosen again,
        as a person does.
        """
        shown = f"body[data-jp-theme-light={json.dumps(json.dumps(name == 'light'))}]"
        for patience in (MENU_MS, MENU_MS, None):
            self.menu("Settings", "Theme", THEMES[name])
            try:
                self.page.wait_for_selector(shown, state="attached", timeout=patience)
            except TimeoutError:
                if patience is None:
                    raise
            else:
                return

    def resize(self, width: int, height: int = 800) -> None:
        """Give the tab another size."""
        self.page.set_viewport_size({"width": width, "height": height})

    def nuisances(self) -> list[str]:
        """What JupyterLab puts in front of the notebook by itself: dialogs and notifications."""
        return self.page.locator(".jp-Dialog, .Toastify__toast").all_inner_texts()

    # --- pictures and barriers -------------------------------------------------------------------

    def shot(self, name: str, *, whole: bool = False) -> Path:
        """Take a picture: `shots`/NN-name.png.

        Args:
            name: what is to be seen.
            whole: whether all of the notebook, as long as it is, rather than what the tab shows.
        """
        self._number += 1
        self.shots.mkdir(parents=True, exist_ok=True)
        file = self.shots / f"{self._number:02}-{name}.png"
        size = self.page.viewport_size
        if whole and size:
            notebook = self.page.locator(".jp-WindowedPanel-outer:visible").first
            for _ in range(6):  # what comes into view may turn out longer than was thought
                notebook.evaluate("e => e.scrollTop = 0")
                # Where the notebook is laid out anew, a cell may be taken away and put back.
                if last := self.cells().last.bounding_box():
                    wanted = int(last["y"] + last["height"]) + 60
                    if wanted == self.page.evaluate("innerHeight"):
                        break
                    self.resize(size["width"], wanted)
                self.page.wait_for_timeout(150)
        self.page.mouse.move(0, 0)
        self.page.screenshot(path=file)
        if whole and size:
            self.resize(**size)
        return file

    def barriers(self, *, where: str = OUTPUTS) -> list[str]:
        """Serious and critical findings of axe-core: rule, place and what is wrong there."""
        found = Axe().run(self.page, context=where).response
        return list(_described(found["violations"]))

    def barriers_elsewhere(self) -> list[str]:
        """The same about JupyterLab itself, without what cells show."""
        elsewhere = {"exclude": [[OUTPUTS]]}
        return list(_described(Axe().run(self.page, context=elsewhere).response["violations"]))


def _is_whole(file: Path) -> bool:
    """Whether a notebook's file can be read."""
    try:
        return bool(json.loads(file.read_text("utf-8")))
    except ValueError:
        return False


def _described(violations: Iterable[dict[str, Any]]) -> Iterable[str]:
    for one in violations:
        if one["impact"] in _SEVERE:
            for node in one["nodes"]:
                why = " ".join(node["failureSummary"].split())
                yield f"{one['id']} ({one['impact']}): {node['html'][:160]}  {why}"
