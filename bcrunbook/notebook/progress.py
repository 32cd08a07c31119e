"""Line after line of what is being done, in one place of the running cell.

To a person it is a widget: its text comes from the kernel, so that it goes on after the page was
loaded again, which a cell's plain output does not. At the end there is a plain one too, for where
no widget is shown.
"""

from __future__ import annotations

from typing import Any

from bcrunbook.views import cells


class ProgressView:
    """What is being done.

    Args:
        is_watched: whether a person is there.
    """

    def __init__(self, *, is_watched: bool) -> None:
        self._is_watched = is_watched
        self._lines: list[str] = []
        self._handle: Any = None
        self._widget: Any = None

    def tell(self, line: str) -> None:
        """Show one more line."""
        text = f"{line[0].upper()}{line[1:]}"
        if self._lines[-1:] != [text]:
            # What only counts on takes the place of the line before.
            if self._lines and _head(self._lines[-1]) == _head(text):
                self._lines.pop()
            self._lines.append(text)
            self._show(is_over=False)

    def end(self) -> None:
        """Show that it is over; what was done stays readable where no widget is."""
        if not self._lines:
            return
        self._show(is_over=True)
        if self._is_watched:
            self._show_plainly(is_over=True)

    def _show(self, *, is_over: bool) -> None:
        if not self._is_watched:
            self._show_plainly(is_over=is_over)
            return
        import ipywidgets as widgets
        from IPython.display import display

        if self._widget is None:
            self._widget = widgets.HTML()
            display(self._widget)
        view = cells.progress_view(self._lines, is_over=is_over, is_live=True)
        self._widget.value = view.shown_html

    def _show_plainly(self, *, is_over: bool) -> None:
        from IPython.display import display

        view = cells.progress_view(self._lines, is_over=is_over)
        if self._handle is None:
            self._handle = display(view, display_id=True)
        else:
            self._handle.update(view)


def _head(line: str) -> str:
    return line.partition(" (")[0]
