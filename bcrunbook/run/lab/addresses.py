"""What Jupyter's server answers to the bar in its pages: below /bcrunbook, and with its token.

Loaded in the server's process.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jupyter_core.paths import jupyter_runtime_dir
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from bcrunbook.notebook_files.kernel_sessions import read_sessions
from bcrunbook.run.lab.bar import Bar, Kernels, OpenNotebook
from bcrunbook.run.lab.glance import Glimpse, glance
from bcrunbook.views.style_files import CELLS, one_line

if TYPE_CHECKING:
    from bcrunbook.run.lab.known import Known

# By then the page, which the server has to serve meanwhile, is nearly there.
READ_AFTER_SECONDS: Final = 2.0

_SETTING: Final = "bcrunbook_bars"
_HERE: Final = Path(__file__).resolve().parent
_SCRIPTS: Final = _HERE / "jupyter" / "labextensions" / "bcrunbook" / "static"


class _Bars:
    """The bar of the server's workspace, and the thread in which it looks.

    Args:
        root: the workspace.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bar = Bar(root)
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="bcrunbook")
        self._known: Known | None = None
        self._reading: asyncio.Future[None] | None = None

    def read(self) -> None:
        """Begin to read the rest of the program, once."""
        if self._reading is None:
            loop = asyncio.get_running_loop()
            self._reading = loop.run_in_executor(self.thread, self._read)

    def _read(self) -> None:
        from bcrunbook.run.lab.known import Known
        from bcrunbook.secrets import install_log_redaction, leave_no_core_dump

        leave_no_core_dump()
        install_log_redaction()
        self._known = Known(self.root)

    def look(self, account: str, customer: str) -> Glimpse:
        """What is known of the workspace; until the program has been read, less."""
        if self._known is None:
            return glance(self.root)
        return self._known.look(account, customer)

    def asks_first(self, notebook: str) -> bool:
        """Whether a notebook is known to ask before it writes."""
        return self._known is not None and self._known.asks_first(notebook)

    async def work(self, call: Any) -> Any:
        """Do something that looks: at once as long as it is a glance, else in the thread."""
        if self._known is None:
            return call()
        return await asyncio.get_running_loop().run_in_executor(self.thread, call)


class _Handler(APIHandler):
    """What the addresses have in common."""

    _track_activity = False

    @property
    def bars(self) -> _Bars:
        """The workspace's."""
        found: _Bars = self.settings[_SETTING]
        return found

    async def kernels(self) -> Kernels:
        """What the server's kernels do."""
        alive = set(self.kernel_manager.list_kernel_ids())
        sessions = read_sessions(self.bars.root, alive, Path(jupyter_runtime_dir()))
        manager: Any = self.session_manager
        listed = await manager.list_sessions() if sessions else []
        return Kernels(sessions, {one["kernel"]["id"]: one["path"] for one in listed})


class BarHandler(_Handler):
    """The bar beside a notebook."""

    @web.authenticated
    async def get(self) -> None:
        """Answer what it shows, or 204 where that is what the page has already."""
        notebook = OpenNotebook(
            self.get_query_argument("notebook", ""), self.get_query_argument("kernel", "")
        )
        kernels, bars = await self.kernels(), self.bars
        shown = await bars.work(partial(bars.bar.shown, notebook, kernels, bars.look))
        version = hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]
        if self.get_query_argument("version", "") == version:
            self.set_status(204)
            await self.finish()
            return
        await self.finish(json.dumps({**shown, "version": version}))


class ChoiceHandler(_Handler):
    """What a person chooses in the bar."""

    @web.authenticated
    async def post(self) -> None:
        """Keep it, or answer 409 with a sentence that says why not."""
        told = self.get_json_body() or {}
        what, name, path, kernel = (
            str(told.get(key, "")) for key in ("what", "name", "notebook", "kernel")
        )
        kernels, bars = await self.kernels(), self.bars
        notebook = OpenNotebook(path, kernel)
        refused = await bars.work(
            partial(bars.bar.choose, what, name, notebook, kernels, bars.look)
        )
        if refused:
            self.set_status(409)
        await self.finish(json.dumps({"refused": refused}))


class AsksFirstHandler(_Handler):
    """Whether a notebook may be run by the link that leads to it."""

    @web.authenticated
    async def get(self) -> None:
        """Answer whether it asks before it writes."""
        bars, notebook = self.bars, self.get_query_argument("notebook", "")
        answer = await bars.work(partial(bars.asks_first, notebook))
        await self.finish(json.dumps({"asks_first": answer}))


class StyleHandler(JupyterHandler):
    """The style sheet of what cells show."""

    @web.authenticated
    async def get(self) -> None:
        """Answer it."""
        sheet = one_line(CELLS)
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        await self.finish(sheet)


class ScriptHandler(web.StaticFileHandler):
    """The bar's own files, for which browsers ask each time: another version may be here."""

    def set_extra_headers(self, path: str) -> None:
        """See `StaticFileHandler`."""
        self.set_header("Cache-Control", "no-cache")


def add_addresses(server: Any) -> None:
    """Have Jupyter's server answer to the bar.

    Args:
        server: a `ServerApp` on a workspace.
    """
    bars = _Bars(Path(server.root_dir))
    server.web_app.settings[_SETTING] = bars

    def below(address: str) -> str:
        return str(url_path_join(server.base_url, "bcrunbook", address))

    server.web_app.add_handlers(
        ".*$",
        [
            (below("bar"), BarHandler),
            (below("choice"), ChoiceHandler),
            (below("asks-first"), AsksFirstHandler),
            (below(r"style\.css"), StyleHandler),
            (below(r"static/(.*\.(?:js|css))"), ScriptHandler, {"path": str(_SCRIPTS)}),
        ],
    )
    server.io_loop.add_callback(server.io_loop.call_later, READ_AFTER_SECONDS, bars.read)
