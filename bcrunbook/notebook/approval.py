"""The click that `ask` mode waits for.

The wait is an `await`, during which ipykernel (7.4 and later) delivers the button's event; a cell
that waits can be interrupted like any other.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bcrunbook.steps.step import Change


async def ask(changes: tuple[Change, ...]) -> bool:
    """Show two buttons and wait for one of them.

    Args:
        changes: what would be done; the plan above shows them.
    """
    import ipywidgets as widgets
    from IPython.display import display

    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bool] = loop.create_future()

    def answered(said: bool) -> None:
        if not answer.done():
            answer.set_result(said)

    def clicked(said: bool) -> Any:
        # Older kernels deliver the event in another thread.
        return lambda _: loop.call_soon_threadsafe(answered, said)

    count = len(changes)
    apply = widgets.Button(
        description=f"Apply {count} change{'s' if count > 1 else ''}", button_style="primary"
    )
    leave = widgets.Button(description="Not now")
    apply.on_click(clicked(True))
    leave.on_click(clicked(False))
    display(widgets.HBox([apply, leave]))  # type: ignore[no-untyped-call]
    try:
        return await answer
    finally:
        apply.disabled = leave.disabled = True
