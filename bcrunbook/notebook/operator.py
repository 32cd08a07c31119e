"""The person in front of the notebook, while a step waits for their part."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

from bcrunbook.core.confirmations import checked_name
from bcrunbook.core.runner import WATCHING
from bcrunbook.core.step import Change
from bcrunbook.errors import FixInput, RunbookError
from bcrunbook.notebook.checklist import CONFIRM, LATER, Checklist, Pressed
from bcrunbook.notebook.rehearsed_people import RehearsedPerson, who_can
from bcrunbook.notebook.secret_copy import SecretCopy
from bcrunbook.notebook.surface import Told
from bcrunbook.notice import folder_of, render, write_notice
from bcrunbook.secrets import Secret, clipboard
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.codat_customer import fetch_link
from bcrunbook.views import cells

_LOOK: Final = ("look", "Look now")
_LOOK_AGAIN: Final = ("look", "Look again")
_KEEP: Final = ("keep", "Keep waiting")
_STOP: Final = ("stop", "Stop waiting")

_BY_ITSELF: Final = "It is looked for by itself, every half minute."
_NOT_SEEN: Final = f"Not done yet: it was not seen within {WATCHING.deadline / 60:.0f} minutes."
_STILL_NOT_SEEN: Final = "Looked again: it is not done yet."
_STOPPED: Final = "Stopped. Run the cell with step.apply() to go on."
_OVER: Final = "Nothing is waited for here any more."


class NotebookOperator:
    """Somebody who reads a list and clicks (see `bcrunbook.core.runner.Operator`).

    Times are real ones, also in a rehearsal: it hurries services, never people.

    Args:
        context: what the step works with.
        command: runs the step in a terminal.
        person: who is signed in; empty where that is an application.
        show: shows a widget; given what says the same in words, too.
    """

    def __init__(
        self,
        context: Context,
        command: str,
        person: str,
        show: Callable[[Any, Callable[[], Told]], None],
    ) -> None:
        self._context = context
        self._command = command
        self._person = person
        self._show = show
        self._secret = SecretCopy(context)
        self._lists: dict[tuple[str, str], Checklist] = {}
        self._look: Literal["", "due", "had"] = ""

    async def confirm(self, change: Change) -> str:
        """Show what is to be done, and wait until the person says that they have."""
        checklist = self._list(change)
        with _stopping(checklist):
            while True:
                pressed = await checklist.pressed()
                assert pressed is not None
                if pressed.key == LATER:
                    return ""
                if pressed.key != CONFIRM:
                    await self._hand_over(change, checklist, pressed)
                elif not pressed.name.strip():
                    needed = "Type your name first: it is noted who said so."
                    checklist.say(CONFIRM, needed, is_problem=True)
                else:
                    try:
                        return checked_name(pressed.name)
                    except FixInput as error:
                        checklist.say(CONFIRM, cells.in_line(error), is_problem=True)

    async def wait(self, change: Change, seconds: float) -> bool:
        """Wait for the time to pass, or for a click that says to look now or to stop.

        Args:
            change: what the person does meanwhile.
            seconds: how long.
        """
        if self._look == "due":
            self._look = "had"
            return True
        if self._look == "had":
            return await self._goes_on(change, _STILL_NOT_SEEN)
        checklist = self._list(change)
        checklist.offer(_BY_ITSELF, _LOOK, _STOP)
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        with _stopping(checklist):
            while True:
                pressed = await checklist.pressed(max(0.0, until - loop.time()))
                if pressed is None or pressed.key == _LOOK[0]:
                    return True
                if pressed.key == _STOP[0]:
                    return False
                await self._hand_over(change, checklist, pressed)

    async def ended(self, change: Change) -> bool:
        """Say that the time is over, and wait until the person says how to go on.

        Args:
            change: what was waited for.

        Returns:
            Whether to go on waiting.
        """
        goes_on = await self._goes_on(change, _NOT_SEEN)
        self._look = "due" if self._look == "had" else ""
        return goes_on

    async def _goes_on(self, change: Change, text: str) -> bool:
        """Whether to go on; after "look again" there is one look, and then the same question."""
        checklist = self._list(change)
        checklist.offer(text, _LOOK_AGAIN, _KEEP, _STOP, tone="amber")
        with _stopping(checklist):
            while True:
                pressed = await checklist.pressed()
                assert pressed is not None
                if pressed.key in (_LOOK_AGAIN[0], _KEEP[0]):
                    self._look = "had" if pressed.key == _LOOK_AGAIN[0] else ""
                    return True
                if pressed.key == _STOP[0]:
                    return False
                await self._hand_over(change, checklist, pressed)

    def leave(self) -> None:
        """The wait is over."""
        for checklist in self._lists.values():
            checklist.close_with(_OVER)

    def _list(self, change: Change) -> Checklist:
        name = (change.key, change.subject)
        if name not in self._lists:
            rehearsed = who_can(self._context, change)
            checklist = Checklist(
                change,
                self._command,
                sign_in_as=rehearsed.told if rehearsed is not None else "",
                name=self._probable_name(rehearsed),
            )
            self._lists[name] = checklist
            self._show(checklist, checklist.told)
        return self._lists[name]

    def _probable_name(self, rehearsed: RehearsedPerson | None) -> str:
        """Who will probably say that it is done; can be changed before it is said."""
        by_role = rehearsed.name if rehearsed is not None else ""
        return self._person or self._context.account.sign_in.username or by_role

    async def _hand_over(self, change: Change, checklist: Checklist, pressed: Pressed) -> None:
        """Give the person what they asked for, where they asked for it."""
        if pressed.key.startswith("copy_secret"):
            await self._secret.copy(checklist, pressed.key, change.subject)
        elif pressed.key.startswith("copy_link"):
            await self._copy_link(checklist, pressed.key)
        elif pressed.key.startswith("write_notice"):
            self._write_notice(checklist, pressed.key)

    def _write_notice(self, checklist: Checklist, key: str) -> None:
        """The mail that says what to have ready; the link is not in it."""
        context, customer = self._context, self._context.customer
        assert customer is not None
        account, root = context.account, context.workspace.root
        try:
            notice = render(
                customer,
                account,
                application=account.application,
                templates=root / "templates",
            )
            draft, _ = write_notice(notice, folder_of(root, account.name), customer.name)
        except RunbookError as error:
            checklist.say(key, cells.in_line(error), is_problem=True)
            return
        checklist.give(key, draft.name, draft.read_bytes())
        checklist.tick(key)
        where = draft.relative_to(root).as_posix()
        checklist.say(key, f"Written to {where}, and given to your browser: read it, and send it.")

    async def _copy_link(self, checklist: Checklist, key: str) -> None:
        """The link goes to the clipboard only: it may work but once."""
        try:
            address = self._context.cloud.page(await fetch_link(self._context))
            await clipboard.copy(Secret(address))
        except RunbookError as error:
            checklist.say(key, cells.in_line(error), is_problem=True)
            return
        checklist.tick(key)
        checklist.say(key, "Copied. It may work only once, and for a day: send it now.")


@contextmanager
def _stopping(checklist: Checklist) -> Iterator[None]:
    """Whoever stops the work finds the list closed, and why."""
    try:
        yield
    except asyncio.CancelledError:
        checklist.close_with(_STOPPED)
        raise
