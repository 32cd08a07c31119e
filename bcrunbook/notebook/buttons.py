"""Buttons, and which of them the person clicks.

The wait is an `await`, during which ipykernel (7.4 and later) delivers the button's event; a cell
that waits can be interrupted like any other.
"""

from __future__ import annotations

import asyncio
from typing import Any


class Buttons:
    """Some buttons; the first is the one that does something.

    Args:
        labels: what the buttons say.
    """

    def __init__(self, *labels: str) -> None:
        import ipywidgets as widgets

        self._loop = asyncio.get_running_loop()
        self._clicks: asyncio.Queue[str] = asyncio.Queue()
        self.widgets: dict[str, Any] = {
            label: widgets.Button(description=label) for label in labels
        }
        """The buttons by what they say."""
        self.widgets[labels[0]].button_style = "primary"
        for button in self.widgets.values():
            button.layout.width = "auto"
            button.on_click(self._clicked)
        self.row = widgets.HBox(list(self.widgets.values()))
        """All of them beside each other."""

    def _clicked(self, button: Any) -> None:
        # Older kernels deliver the event in another thread.
        self._loop.call_soon_threadsafe(self._clicks.put_nowait, button.description)

    async def clicked(self, seconds: float | None = None) -> str:
        """Wait for a click.

        Args:
            seconds: how long; None waits until there is one.

        Returns:
            What the clicked button says; empty when the time was over.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._clicks.get()
        except TimeoutError:
            return ""

    def disable(self) -> None:
        """Let nobody click any more."""
        for button in self.widgets.values():
            button.disabled = True
