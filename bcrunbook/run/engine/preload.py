"""What a process has done before it is forked: whatever every run would do first, once for all.

It reads what cells come to import, and has what is made on first use made: the notebook format's
checks, the templates, some shells. It touches no file of a workspace and no network.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import signal
from typing import Final

from bcrunbook.reading import reading
from bcrunbook.secrets import leave_no_core_dump

_NEEDED: Final = (
    "IPython.core.application",
    "IPython.core.completerlib",
    "IPython.core.crashhandler",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.utils.wildcard",
    "anyio._backends._asyncio",
    "anyio.streams.tls",
    # multiprocessing has each process read the program's own file again, which reads this.
    "bcrunbook.cli",
    "bcrunbook.notebook",
    "bcrunbook.run.batch.worker",
    "bcrunbook.run.engine.execution",
    "concurrent.futures.thread",
    "httpcore._async.http2",
    "httpcore._async.http_proxy",
    "httpcore._backends.anyio",
    "msal_extensions",
    "papermill.cli",
    "psutil",
    "sqlalchemy.dialects.sqlite",
)


def _ignore_the_terminal() -> None:
    """Whoever made this process decides when it ends; Ctrl-C was blocked until here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def _read() -> None:
    for name in _NEEDED:
        importlib.import_module(name)


def _first_uses() -> None:
    import nbformat

    from bcrunbook.core.step import outcome_reader
    from bcrunbook.run.engine.shell import fresh_shell, stock_up
    from bcrunbook.steps import SETUP_STEPS
    from bcrunbook.views.cells import make_templates

    make_templates()
    outcome_reader()
    cell = nbformat.v4.new_code_cell("1")
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
    asyncio.run(fresh_shell().run("1"))
    # One for each of an account's notebooks.
    stock_up(len(SETUP_STEPS))


_ignore_the_terminal()
leave_no_core_dump()
# What is there by then stays: nobody who is forked has to look through it, and so to copy it.
with reading():
    _read()
    _first_uses()
    gc.collect()
