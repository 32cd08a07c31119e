"""Signing in, for somebody who reads the cell's output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bcrunbook.notebook.surface import Told
from bcrunbook.signin import DeviceCode
from bcrunbook.views import cells
from bcrunbook.views.cells import View


class PersonAtNotebook:
    """Somebody who reads the cell's output.

    Args:
        show: shows a widget where the person looks, with words for who sees none.
    """

    def __init__(self, show: Callable[[Any, Told], None]) -> None:
        self._show = show

    def show_device_code(self, code: DeviceCode) -> None:
        """Show where to go and what to type there."""
        from bcrunbook.notebook.copy_button import CopyButton

        self._say(cells.device_code_view(code.url, code.code, code.expires_in))
        # The code to copy stands above it.
        self._show(CopyButton("Copy the code", code.code), Told(""))

    def say_browser_opens(self) -> None:
        """Say that a window opens for the sign-in."""
        self._say(cells.message_view("A browser window opens for the sign-in."))

    def _say(self, view: View) -> None:
        import ipywidgets as widgets

        self._show(widgets.HTML(view.shown_html), Told(view.text))
