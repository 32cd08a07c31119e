"""What a cell shows to somebody who is there: a widget that says what is the case now.

A page that is loaded again forgets the displays that it could renew, but it asks for the state of
widgets; so does a second page. So what a person goes by is a widget, whose content comes from the
kernel alone. Beside it stand the same words as text and HTML: for programs that show no widgets,
for who cannot see one, and for the saved notebook, whose widgets end with the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

from bcrunbook.views.cells import View, message_view, without_widgets


@dataclass(frozen=True)
class Told:
    """A widget in words, for who is shown none.

    Args:
        words: what it says; empty where all of it is said elsewhere.
        instead: what does the same without it, as an instruction; empty where the words suffice.
    """

    words: str
    instead: str = ""

    def __str__(self) -> str:
        return without_widgets(self.words, self.instead)


class Surface:
    """One place that shows a view and, below it, what can be used.

    Args:
        view: what it shows at first.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._told: dict[Any, Callable[[], Told]] = {}
        self._below: list[Any] = []
        self._html = widgets.HTML(view.shown_html)
        self._handle: Any = None
        self._box = widgets.VBox([self._html])
        self._box.add_class("bcr-surface")

    @property
    def view(self) -> View:
        """What it shows now."""
        return self._view

    def display(self) -> None:
        """Show it in the cell that runs; where it was shown before it stays the same widget."""
        from IPython.display import display

        self._handle = display(self, display_id=True)

    def say(self, view: View) -> None:
        """Show another view from now on."""
        self._view = view
        self._html.value = view.shown_html
        self._record()

    def put(self, one: Any, told: Callable[[], Told]) -> None:
        """Put something that can be used below the view.

        Args:
            one: a widget.
            told: says what it is, to whom it is not shown.
        """
        self._below.append(one)
        self._told[one] = told
        self._lay_out()

    def remove(self, one: Any) -> None:
        """Take one of them away again."""
        if one in self._below:
            self._below.remove(one)
            del self._told[one]
            self._lay_out()

    def take_away(self) -> None:
        """Leave nothing below the view."""
        if self._below:
            self._below.clear()
            self._told.clear()
            self._lay_out()

    def _lay_out(self) -> None:
        self._box.children = (self._html, *self._below)
        self._record()

    def _record(self) -> None:
        """Renew what stands beside the widget, as far as the page still knows the display."""
        if self._handle is not None:
            self._handle.update(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = dict(self._box._repr_mimebundle_())
        words = [text for text in (str(self._told[one]()) for one in self._below) if text]
        plain = self._view._repr_mimebundle_()
        plain["text/plain"] = "\n".join([plain["text/plain"], *words])
        if words:
            # Of the two, programs that show no widgets prefer this one.
            told = message_view("\n".join(words)).shown_html
            plain["text/html"] += f'<div style="white-space:pre-line">{told}</div>'
        return bundle | plain
