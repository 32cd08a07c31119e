"""The person in front of the notebook, while a step waits for their part.

Nothing secret ever becomes a widget's value: the copy button hands the client secret from the
store to the clipboard of the machine on which the kernel runs, and says only that it did.
"""

from __future__ import annotations

import asyncio
import atexit
from functools import partial
from typing import Any, Final

from bcrunbook.core.confirmations import checked_name
from bcrunbook.core.step import Change
from bcrunbook.errors import FixInput, RunbookError
from bcrunbook.notebook.buttons import Buttons
from bcrunbook.secrets import Secret, clipboard
from bcrunbook.steps.client_secret.handover import copy_secret
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.codat_customer import fetch_link
from bcrunbook.views import cells

_COPY: Final = "Copy the client secret"
_COPY_LINK: Final = "Copy the customer's link"
_LOOK: Final = "Look now"
_STOP: Final = "Stop waiting"
_LATER: Final = "Not now"


class NotebookOperator:
    """Somebody who reads the cell's output and clicks (see `bcrunbook.core.runner.Operator`).

    Args:
        context: what the step works with.
    """

    def __init__(self, context: Context, show: Any) -> None:
        self._context = context
        self._put = show
        self._waiting: Buttons | None = None
        self._status: Any = None
        self._clearing: dict[asyncio.Task[None], Any] = {}

    async def confirm(self, change: Change) -> str:
        """Show what copies the secret, and wait until the person says that it is done."""
        import ipywidgets as widgets

        from bcrunbook.notebook.entry import Entry

        assert change.hand_off is not None
        done = change.hand_off.confirmation
        name = Entry("Your name", self._context.account.sign_in.username or "")
        status = widgets.Label()
        copies = (_COPY,) if change.hand_off.secret else ()
        buttons = Buttons(*copies, done, _LATER)
        first = [buttons.widgets[label] for label in copies]
        last = [name, *(buttons.widgets[label] for label in (done, _LATER))]
        self._put(
            widgets.VBox([widgets.HBox(first), widgets.HBox(last), status]), lambda: "Buttons"
        )
        try:
            while True:
                clicked = await buttons.clicked()
                if clicked == _COPY:
                    status.value = await self._copy(change, status)
                elif clicked == _LATER:
                    return ""
                elif not name.value.strip():
                    status.value = "Type your name first: it is noted who said so."
                else:
                    try:
                        return checked_name(name.value)
                    except FixInput as error:
                        name.value = ""
                        status.value = cells.in_line(error)
        finally:
            buttons.disable()
            name.disabled = True

    async def wait(self, change: Change, seconds: float) -> bool:
        """Wait for the time to pass, or for a click that says to look now or to stop.

        Where the customer's link is wanted, it can be copied meanwhile.

        Args:
            change: what the person does meanwhile.
            seconds: how long, in seconds of the cloud's time.
        """
        import ipywidgets as widgets

        assert change.hand_off is not None
        if self._waiting is None:
            links = (_COPY_LINK,) if change.hand_off.has_customer_link else ()
            self._waiting = Buttons(_LOOK, *links, _STOP)
            self._status = widgets.Label()
            self._put(widgets.VBox([self._waiting.row, self._status]), lambda: "Buttons")
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            clicked = await self._waiting.clicked(max(0.0, until - loop.time()))
            if clicked != _COPY_LINK:
                return clicked != _STOP
            self._status.value = await self._copy_link()

    async def ended(self, change: Change) -> bool:
        return False

    def leave(self) -> None:
        """The wait is over."""
        if self._waiting is not None:
            self._waiting.disable()

    async def _copy_link(self) -> str:
        """The link goes to the clipboard only: it may work but once."""
        try:
            address = self._context.cloud.page(await fetch_link(self._context))
            await clipboard.copy(Secret(address))
        except RunbookError as error:
            return cells.in_line(error)
        return "Copied. It may work only once, and for a day: send it now."

    async def _copy(self, change: Change, status: Any) -> str:
        try:
            secret = await copy_secret(self._context, wanted=change.subject)
        except RunbookError as error:
            return cells.in_line(error)
        # A second copy has a minute of its own.
        for earlier, its_end in self._clearing.items():
            earlier.cancel()
            atexit.unregister(its_end)

        # A kernel may be shut down before the minute is over.
        at_the_end = partial(clipboard.clear_now, secret)
        atexit.register(at_the_end)

        async def clear() -> None:
            await asyncio.sleep(clipboard.KEPT_SECONDS)
            if await clipboard.clear(secret):
                status.value = "Cleared from the clipboard."
            atexit.unregister(at_the_end)

        task = asyncio.create_task(clear())
        self._clearing[task] = at_the_end
        task.add_done_callback(lambda done: self._clearing.pop(done, None))
        seconds = round(clipboard.KEPT_SECONDS)
        return f"Copied. Paste it into Client secret; it is cleared after {seconds} seconds."
