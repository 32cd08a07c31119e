"""What the program adds to Jupyter's server: loaded by it, in its process.

No widget's state gets into a notebook's file, whatever a person has set in JupyterLab: what was
typed into a widget may be a secret. Files that hold secrets are neither listed nor served. The bar
of its pages is answered. A kernel is held in readiness. And the server ends with the program that
has started it, in whatever way that ends. Imports nothing heavy, because the server waits for it.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

from bcrunbook.run.lab.addresses import add_addresses
from bcrunbook.run.lab.secret_files import SecretFiles, keep_from_pages
from bcrunbook.run.lab.start import STARTED_VARIABLE
from bcrunbook.run.lab.warm import keep_warm


def without_widget_state(model: dict[str, Any], **_: Any) -> None:
    """Take the widgets' state out of what is about to be saved."""
    if model["type"] == "notebook" and model["content"]:
        model["content"]["metadata"].pop("widgets", None)


def _end_with_starter(server: Any) -> None:
    """Stop the server once nobody holds the other end of its stdin any more."""
    # Not through a buffer, whose lock the interpreter may want when it ends.
    while os.read(sys.stdin.fileno(), 1):
        pass
    server.io_loop.add_callback(server.stop)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    server.contents_manager.register_pre_save_hook(without_widget_state)
    keep_from_pages(server, SecretFiles(Path(server.root_dir)))
    add_addresses(server)
    server.io_loop.add_callback(keep_warm)
    if os.environ.pop(STARTED_VARIABLE, ""):
        threading.Thread(target=_end_with_starter, args=[server], daemon=True).start()
