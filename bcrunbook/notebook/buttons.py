"""Buttons, and which of them the person clicks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


def _always(_: str) -> bool:
    """The default for `allowed`: every button may be pressed."""
    return True


class Buttons:
    """Some buttons; the first is the one that does something.

    Args:
        labels: what the buttons say.
        allowed: asked with a button's label when its click arrives, whether it counts.
    """

    def __init__(self, *labels: str, allowed: Callable[[str], bool] = _always) -> None:
        import ipywidgets as widgets

        self._loop = asyncio.get_running_loop()
        self._clicks: asyncio.Queue[str] = asyncio.Queue()
        self._allowed = allowed
        self.widgets: dict[str, Any] = {
            label: widgets.Button(description=label) for label in labels
        }
        """The buttons by what they say."""
        self.widgets[labels[0]].button_style = "primary"
        for label, button in self.widgets.items():
            button.layout.width = "auto"
            button.tooltip = label
            button.on_click(self._clicked)
        self.row = widgets.HBox(list(self.widgets.values()), layout={"flex_flow": "row wrap"})
        """All of them beside each other."""

    def _clicked(self, button: Any) -> None:
        # Older kernels deliver the event in another thread. In turn with what was typed before.
        self._loop.call_soon_threadsafe(self._take, button)

    def _take(self, button: Any) -> None:
        if not button.disabled and self._allowed(button.description):
            self._clicks.put_nowait(button.description)

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
