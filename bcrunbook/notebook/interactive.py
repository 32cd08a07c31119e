"""A step in a notebook that somebody sits at: no cell waits for them, and every cell may run again.

Each verb shows a surface and sees that something is shown in it. What takes a person's click, or
their time, goes on as one task in the kernel's loop: so widgets stay answered, a page that is
loaded again shows the same, "Run All" ends, and the stop button stops. What a run comes to is
recorded when its work is over; what is asked for after that is another run, which opens itself
again.

Invariant: there is at most one task at work, and while it writes (`_is_busy`) nothing else of this
step looks, plans or asks.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any, Final

from bcrunbook.accounts import Workspace, find_workspace
from bcrunbook.core.runner import StepRunner
from bcrunbook.core.step import Change, Film, Finding, Mode
from bcrunbook.errors import FixInput, RunbookError
from bcrunbook.job_options import job_options
from bcrunbook.notebook import step_controls
from bcrunbook.notebook.bar import account_label, bar, journey_known, where_of
from bcrunbook.notebook.closing_card import closing_card
from bcrunbook.notebook.copy_button import CopyButton
from bcrunbook.notebook.headless import applied_text, before_applying, nothing_to_do
from bcrunbook.notebook.interrupts import heed_interrupts
from bcrunbook.notebook.opening import Opening, failed, open_runner
from bcrunbook.notebook.operator import NotebookOperator
from bcrunbook.notebook.progress import Lines, Ticks
from bcrunbook.notebook.question import Question
from bcrunbook.notebook.secret_end import with_secret_end
from bcrunbook.notebook.session_file import SessionFile
from bcrunbook.notebook.sign_in import PersonAtNotebook
from bcrunbook.notebook.surface import Surface, Told
from bcrunbook.notebook_files import choices, parameters
from bcrunbook.notebook_files.kernel_sessions import KernelAttention, KernelSession
from bcrunbook.printable import printable
from bcrunbook.secrets import scrub
from bcrunbook.steps import STEPS, notebook_of
from bcrunbook.steps.pages import pages_of
from bcrunbook.steps.whereabouts import Whereabouts
from bcrunbook.views import cells
from bcrunbook.views.cells import View
from bcrunbook.views.film import film_view

_LOOK_EVERY: Final = 0.5
"""Seconds between two looks whether another account was chosen elsewhere."""

_MOMENT: Final = 0.2
"""Seconds for which a cell may show nothing: a display that nobody renews says more then."""

_LOOKING: Final = "Looking at what is there."
_AT_WORK: Final = "At work"
_SIGNING_IN: Final = "Waiting for you to sign in"

_here: InteractiveStep | None = None
"""The step that this kernel has open."""


async def interactive_step(opening: Opening) -> InteractiveStep:
    """The step for the cells that follow.

    A notebook whose cells are run again has the same step again, so that what is shown of it
    elsewhere, and what is being done, stays one.

    Args:
        opening: what the notebook asks for.
    """
    global _here
    if _here is not None and _here.opening != opening:
        await _here.close()
        _here = None
    if _here is None:
        _here = InteractiveStep(opening)
    heed_interrupts(_here.stop)
    await _here.open()
    return _here


class InteractiveStep:
    """One step in one notebook, with somebody there. Get it from `interactive_step`.

    Args:
        opening: what the notebook asked for.
    """

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        """What the notebook asked for."""
        self._chosen = opening
        self._runner: StepRunner[Any, Any] | None = None
        self._held: RunbookError | None = None
        self._stack = AsyncExitStack()
        self._turn = asyncio.Lock()
        self._session, self._findings, self._plan, self._work, self._check, self._outcome = (
            Surface(cells.message_view("")) for _ in range(6)
        )
        self._stage = self._session
        self._signing_in: list[tuple[Surface, Any]] = []
        self._controls: step_controls.Controls | None = None
        self._is_plan_shown = self._is_plan_below = False
        self._is_applying = self._is_handed = False
        self._task: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._is_withdrawn = False
        self._is_shown = asyncio.Event()
        self._question: Question | None = None
        self._unlocked = ""
        self._attention = KernelAttention()
        self._rows: tuple[Finding, ...] = ()
        self._lines, self._ticks = Lines(), Ticks()
        self._film: View | None = None
        self._file: SessionFile | None = None
        self._where: Whereabouts | None = None
        self._watch: asyncio.Task[None] | None = None

    # Opening and closing

    async def open(self) -> None:
        """Begin anew, unless something is being done: that goes on, and is shown."""
        self._stage = self._session
        if not self._is_busy:
            await self._guarded(self._session, self._open_anew)
        if self._watch is None:
            self._watch = asyncio.ensure_future(self._follow_choice())

    async def _open_anew(self) -> None:
        await self._end_look()
        async with self._turn:
            await self._begin_anew("")

    async def close(self) -> None:
        """Stop everything: another step takes this one's place in the kernel."""
        if self._watch is not None:
            self._watch.cancel()
        await self._end_look()
        await self._end_task()
        await self._close_context()
        if self._file is not None:
            self._file.remove()

    def stop(self) -> None:
        """Stop what goes on behind the cells."""
        for one in (self._looking, self._task):
            if one is not None:
                one.cancel()

    async def _begin_anew(self, text: str) -> None:
        await self._withdraw()
        self._is_applying = False
        await self._close_context()
        self._runner = self._held = None
        self._controls = None
        self._attention = KernelAttention()
        await self._open()
        for surface in (self._findings, self._plan, self._work, self._check, self._outcome):
            surface.take_away()
            surface.say(cells.message_view(text or "Not run yet."))
        self._show_session()

    async def _open(self) -> None:
        """Open what the step works with, or keep the error that says why that cannot be."""
        given, chosen, runner, held = self.opening, self._chosen, None, None
        try:
            parameters.check(**given.values)
            root = find_workspace(given.workspace or None)
            loaded = job_options().load(root)
            chosen = _chosen(loaded, given)
            self._file = self._file or SessionFile(root)
            person = PersonAtNotebook(self._show_on_stage)
            runner = await open_runner(chosen, self._stack, person=person)
        except RunbookError as error:
            await self._close_context()
            held = error
        # At once: what the page, the bar and the file say is never of two accounts.
        self._chosen, self._runner, self._held = chosen, runner, held

    async def _close_context(self) -> None:
        # After an error that nobody foresaw, closing may be what is broken too.
        with suppress(Exception):
            await self._stack.aclose()

    async def _ready(self) -> StepRunner[Any, Any] | None:
        """A run that is not over; None where none can be begun."""
        if self._runner is None or self._runner.is_finished:
            await self._close_context()
            self._runner = None
            await self._open()
            self._show_session()
        return self._runner

    def _show_on_stage(self, widget: Any, told: Told) -> None:
        self._signing_in.append((self._stage, widget))
        self._stage.put(widget, lambda: told)
        if self._attention.verb == "examine":
            self._attention = KernelAttention("person", _SIGNING_IN, "examine")
            self._show_end()
            self._tell()
        self._is_shown.set()

    def _clear_sign_in(self) -> None:
        for surface, widget in self._signing_in:
            surface.remove(widget)
        self._signing_in.clear()

    @property
    def _is_busy(self) -> bool:
        """Whether something is being done or followed, which nothing may disturb."""
        is_over = self._task is None or self._task.done()
        return not is_over and self._attention.kind == "working"

    # What the cells ask for

    def _ipython_display_(self) -> None:
        self._session.display()

    async def examine(self) -> None:
        """Read what is there, and show it against what is wanted."""
        self._stage = self._findings
        if self._is_busy:
            self._findings.display()
            return
        await self._end_look()
        self._findings.say(cells.message_view(_LOOKING))
        await self._until_shown(self._begin_look(self._findings), self._findings)

    def plan(self) -> None:
        """Show what would be done, and what can be changed about it."""
        self._is_plan_shown, self._is_plan_below = True, False
        with self._in_words(self._plan):
            self._show_plan()
            self._show_controls()
        if self._runner is None or self._runner.findings is None:
            self._plan.say(cells.message_view(_LOOKING))
            if not self._is_looking:
                self._stage = self._plan
                self._begin_look(self._plan)
        self._plan.display()

    async def apply(self) -> None:
        """Do what the mode allows; in `ask` mode, after the click. Does not wait for a person."""
        self._stage = self._work
        self._is_plan_below = True
        if self._is_busy:
            self._work.display()
            return
        if self._is_looking:
            # Somebody has to sign in for it, perhaps, and no cell waits for them.
            self._is_applying = True
            self._work.say(cells.message_view("Goes on as soon as the look above has ended."))
            self._work.display()
            return
        async with self._turn:
            await self._withdraw()
            self._begin()
        assert self._task is not None
        await self._until_shown(self._task, self._work)

    async def _until_shown(self, task: asyncio.Task[None], surface: Surface) -> None:
        """Until some work is over, or shows what somebody has to do: no cell waits for them.

        Args:
            task: the work. It is stopped if the cell is.
            surface: where it shows what it does.
        """
        shown = asyncio.ensure_future(self._is_shown.wait())
        try:
            await _displayed_soon(surface, task, shown)
            await asyncio.wait({task, shown}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
        finally:
            shown.cancel()

    def check(self) -> None:
        """Show what was found after the changes."""
        with self._in_words(self._check):
            self._show_end()
        self._check.display()

    async def outcome(self) -> None:
        """Display the outcome, or what it waits for."""
        with self._in_words(self._outcome):
            self._show_end()
        self._outcome.display()

    # Looking

    @property
    def _is_looking(self) -> bool:
        return self._looking is not None and not self._looking.done()

    def _begin_look(self, surface: Surface) -> asyncio.Task[None]:
        """Begin a look as a task of the kernel's loop: it may wait until somebody signs in."""
        self._is_shown.clear()
        self._looking = asyncio.ensure_future(self._guarded(surface, self._look_again))
        return self._looking

    async def _end_look(self) -> None:
        if self._looking is not None and self._is_looking:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def _look_again(self) -> None:
        async with self._turn:
            await self._withdraw()
            self._attention = KernelAttention("working", _LOOKING, "examine")
            self._tell()
            try:
                await self._look()
            finally:
                self._attention = KernelAttention()
                self._tell()
            if self._is_applying:
                self._begin()

    async def _look(self) -> None:
        runner = await self._ready()
        if runner is None:
            self._say_held(self._findings, self._plan)
            return
        runner.error = None
        try:
            await runner.examine()
        finally:
            self._clear_sign_in()
        runner.plan()
        self._ticks = Ticks()
        self._show_look()

    def _show_look(self) -> None:
        runner = self._runner
        assert runner is not None
        if runner.error is not None:
            self._findings.say(cells.error_view(runner.error))
            self._plan.say(cells.not_run_view())
        else:
            self._rows = runner.rows
            self._findings.say(cells.findings_view(runner.rows))
            self._show_plan()
        self._show_controls()
        self._tell()

    def _show_plan(self) -> None:
        """The plan stands where it was asked for last: in its own cell, or with its button.

        What a person has to do stands in one place alone while they may do it: in their list.
        """
        if self._runner is None or self._runner.findings is None or self._runner.error:
            return
        is_begun = bool(self._ticks.changes) or any(
            one.by == "program" for one in self._runner.changes
        )
        if self._is_handed:
            self._plan.say(cells.message_view("What is to be done stands as a list, below."))
        elif self._is_plan_below and self._task is not None and is_begun:
            self._plan.say(cells.message_view("The plan stands below, where it is applied."))
        else:
            changes = self._runner.changes
            self._plan.say(cells.plan_view(changes, nothing_to_do(self._runner)))

    def _show_controls(self) -> None:
        """The fields below the plan, made once for an account and what was found of it."""
        runner = self._runner
        if not self._is_plan_shown or runner is None or runner.findings is None:
            return
        if self._controls is None:
            self._plan.take_away()
            self._controls = step_controls.controls(
                runner.step.id,
                runner.context,
                runner.findings,
                step_controls.Desk(self._renew, self._context, self._look_at_question),
            )
            if self._controls is not None:
                told = self._controls.told
                self._plan.put(self._controls.widget, lambda: told)

    def _say_held(self, *surfaces: Surface) -> None:
        assert self._held is not None
        for surface in surfaces:
            surface.say(cells.not_run_view(self._held.what))
        self._tell()

    async def _context(self) -> Any:
        """What the step works with, opened again if need be."""
        async with self._turn:
            runner = await self._ready()
        if runner is None:
            assert self._held is not None
            raise self._held
        return runner.context

    async def _renew(self, workspace: Workspace) -> None:
        """Look and plan again: accounts.toml has changed, or what is there has."""
        if self._is_busy:
            return
        async with self._turn:
            await self._withdraw()
            runner = await self._ready()
            if runner is None:
                self._say_held(self._findings, self._plan)
                return
            account = workspace.account(runner.context.account.name)
            if account.tenant != runner.context.account.tenant:
                # Another tenant is another sign-in, which is for the cell to ask for.
                await self._begin_anew("Another tenant was chosen: run this cell again.")
                return
            runner.context = replace(runner.context, workspace=workspace, account=account)
            await self._look()
            self._show_session()
            if self._is_applying:
                self._begin()

    # Applying

    def _begin(self) -> None:
        """Begin the work of the apply cell as a task of the kernel's loop."""
        self._is_applying = True
        self._is_shown.clear()
        self._lines, self._film = Lines(), None
        self._stage = self._work
        self._work.take_away()
        self._work.say(cells.message_view(f"{_AT_WORK}."))
        self._outcome.take_away()
        self._task = asyncio.ensure_future(self._guarded(self._work, self._apply))

    async def _withdraw(self) -> None:
        """Take back a question that nobody has answered, or a wait for somebody."""
        if self._task is not None and not self._task.done():
            self._is_withdrawn = True
            await self._end_task()
            self._is_withdrawn = False

    async def _end_task(self) -> None:
        self._is_handed = False
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _apply(self) -> None:
        if self._runner is None or self._runner.is_finished or self._runner.findings is None:
            self._attend("working", _LOOKING)
            await self._look()
        runner = self._runner
        if runner is None:
            self._say_held(self._work)
            self._show_end()
            return
        runner.on_progress, runner.on_change = self._progress, self._change
        runner.on_film = self._followed
        was = before_applying(runner)
        assert self._where is not None
        by_notebook = NotebookOperator(
            runner.context, self._command(), self._where.person, self._put_below
        )
        operator = _Attended(by_notebook, self._attend)
        try:
            if runner.error is None:
                self._attend("working", _AT_WORK)
                await runner.apply(self._ask, operator)
        except asyncio.CancelledError:
            if self._is_withdrawn:
                raise
            runner.stop()
            self._finish(runner, "Stopped. What was done by then is noted, and nothing is lost.")
            await self._close_context()
            return
        self._finish(runner, applied_text(runner, was) if runner.error is None else "")
        await self._close_context()

    def _finish(self, runner: StepRunner[Any, Any], text: str) -> None:
        """The work is over: record what it came to, and show that everywhere."""
        self._attention = KernelAttention()
        self._is_handed = False
        outcome = runner.outcome
        self._work.take_away()
        end = cells.error_view(runner.error) if runner.error else cells.message_view(text)
        self._show_work(end)
        self._show_plan()
        seconds = None
        if outcome.started is not None and outcome.ended is not None:
            seconds = (outcome.ended - outcome.started).total_seconds()
        shown = cells.outcome_view(
            outcome,
            _following(outcome.step),
            seconds=seconds,
            links=pages_of(runner.context, outcome.step),
            applied=runner.applied,
        )
        shown = with_secret_end(shown, runner)
        self._outcome.take_away()
        if client_id := cells.client_id_of(outcome):
            self._put_copy_button(CopyButton("Copy the client ID", client_id))
        assert self._where is not None
        if card := closing_card(runner, outcome, self._where.tenant_name):
            shown = cells.joined([shown, card[0]])
            for button in card[1]:
                self._put_copy_button(button)
        self._outcome.say(shown)
        findings = runner.findings
        if findings is not None:
            view = cells.findings_view(runner.rows, findings.timeline, before=self._rows)
            self._check.say(view)
        self._show_session()

    def _put_copy_button(self, button: CopyButton) -> None:
        """Below the outcome, whose words say the same to who is shown no button."""
        self._outcome.put(button, lambda: Told(""))

    async def _ask(self, changes: tuple[Change, ...]) -> bool:
        """Whether the person says yes to `changes`, which are on the screen with the question."""
        runner = self._runner
        assert runner is not None
        account = runner.context.account
        assert self._where is not None
        label = cells.apply_label(len(changes), self._where.tenant_name, account.name)
        key = f"{account.identity}"
        self._question = Question(
            label,
            account,
            self._held_up,
            self._command(),
            is_unlocked=not account.is_production or self._unlocked == key,
        )
        # What is asked about is on the screen with the question.
        self._show_work()
        self._attend("click", label)
        try:
            is_wanted = await self._question.answer(self._work)
        finally:
            self._question = None
            self._show_work()
        if is_wanted:
            self._unlocked = key
            self._attend("working", label)
        return is_wanted

    def _held_up(self) -> str:
        return self._controls.held_up() if self._controls is not None else ""

    def _look_at_question(self) -> None:
        if self._question is not None:
            self._question.look()

    def _progress(self, line: str) -> None:
        if self._lines.add(line):
            self._show_work()

    def _change(self, change: Change, state: Any) -> None:
        self._ticks.note(change, state)
        self._show_work()

    def _followed(self, film: Film) -> None:
        self._film = film_view(film)
        if self._is_handed:
            # What the person had to do is done, as the film shows.
            self._is_handed = False
            self._work.take_away()
        self._show_work()
        self._attend("working", film.words, minutes=film.minutes)
        self._is_shown.set()

    def _put_below(self, widget: Any, told: Callable[[], Told]) -> None:
        self._work.put(widget, told)

    def _command(self) -> str:
        """What runs the step in a terminal, up to its end."""
        chosen = self._chosen
        customer = f" --customer {chosen.customer}" if chosen.customer else ""
        return f"bcrunbook run {chosen.account} {chosen.step}{customer} --mode apply"

    def _show_work(self, end: View | None = None) -> None:
        """What is asked about, how far each change is, and at last what all that came to."""
        runner, ticks = self._runner, self._ticks
        ahead = [one for one in runner.changes if one.by == "program"] if runner else []
        changes = [*ticks.changes, *(one for one in ahead if one not in ticks.changes)]
        parts = []
        if changes and self._question is not None:
            parts.append(cells.plan_view(changes, "", ticks=ticks.all))
        elif changes:
            parts.append(cells.ticked_view(changes, ticks.all))
        if self._film is not None and end is None:
            parts.append(self._film)
        elif lines := self._lines_beside(changes):
            is_over = end is not None or self._attention.kind == "ended"
            parts.append(cells.progress_view(lines, is_over=is_over))
        if end is not None:
            parts.append(end)
        self._work.say(cells.joined(parts))

    def _lines_beside(self, changes: list[Change]) -> list[str]:
        """What was told meanwhile, without what the changes' own lines say."""
        told = {one.title.casefold() for one in changes}
        return [line for line in self._lines.all if line.casefold() not in told]

    # What is shown of it elsewhere

    def _attend(self, kind: Any, text: str, minutes: int | None = None) -> None:
        """Say what is waited for, or done, to whoever does not see the cell."""
        self._attention = KernelAttention(kind, text, "apply", minutes)
        if kind != "working":
            self._is_shown.set()
        if kind in ("person", "ended"):
            self._is_handed = True
            # It is not the program that is at work now.
            self._show_work()
        self._show_plan()
        self._show_end()
        self._tell()

    def _show_end(self) -> None:
        """Check and outcome: what they wait for, as long as nothing has come of it."""
        runner = self._runner
        if runner is not None and runner.is_finished:
            return
        if self._held is not None:
            self._check.say(cells.not_run_view())
            self._outcome.say(cells.outcome_view(failed(self._chosen, self._held)))
            return
        text = self._attention.sentence
        view = cells.note_view(
            text or "This step is still open: run the cell with step.apply().",
            "amber" if self._attention.kind in ("ended", "") else "info",
        )
        self._outcome.say(view)
        self._check.say(view)

    def _show_session(self) -> None:
        runner = self._runner
        if runner is None:
            assert self._held is not None
            self._session.take_away()
            self._session.say(cells.styled(cells.error_view(self._held)))
        else:
            context, chosen = runner.context, self._chosen
            known = journey_known(context)
            self._where = where_of(context, known)
            self._session.say(bar(context, runner.mode.value, runner.step.id, known))
            self._session.take_away()
            pickers, told = step_controls.account_pickers(
                context.workspace, chosen.account, chosen.customer, self._switch
            )
            self._session.put(pickers, lambda: told)
        self._tell()

    def _tell(self) -> None:
        """Write the kernel's own account of itself, for the bar that is always in view."""
        if self._file is None:
            return
        given, chosen, error = self.opening, self._chosen, self._held
        session = KernelSession(
            step=given.step,
            given={"account": given.account, "customer": given.customer},
            account=chosen.account,
            account_label=chosen.account,
            customer=chosen.customer,
            mode=Mode.ASK.value,
            error=error.what if error is not None else "",
            attention=self._attention,
        )
        if self._runner is not None and self._where is not None:
            context, customer = self._runner.context, self._runner.context.customer
            session = replace(
                session,
                account_label=account_label(context.account),
                customer_label=printable(customer.display_name) if customer else "",
                is_production=context.account.is_production,
                cloud=context.cloud.kind,
                tenant=self._where.tenant,
                signed_in=self._where.signed_in,
                mode=self._runner.mode.value,
            )
        self._file.write(session)

    async def _switch(self, what: str, name: str) -> None:
        """Go on with another account or customer: this kernel, and every other one."""
        runner = self._runner
        if runner is None:
            return
        given: str = getattr(self.opening, what)
        choices.choose(runner.context.workspace.root, what, given, name)
        if not self._is_busy:
            await self._end_look()
            async with self._turn:
                await self._begin_anew(f"Another {what} was chosen: run this cell again.")

    async def _follow_choice(self) -> None:
        """Go along when another account or customer is chosen elsewhere."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            is_signing_in = self._is_looking and self._attention.kind == "person"
            if self._is_busy or self._runner is None:
                continue
            if self._turn.locked() and not is_signing_in:
                continue
            workspace = self._runner.context.workspace
            if _chosen(workspace, self.opening) != self._chosen:
                await self._end_look()
                async with self._turn:
                    with self._in_words(self._session):
                        await self._begin_anew("Another account was chosen: run this cell again.")

    async def _guarded(
        self, surface: Surface, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        """Do some work; whatever ends it ends in words.

        Args:
            surface: where they are shown.
            work: what is done. Begun here: what is stopped before that was never begun.
        """
        try:
            with self._in_words(surface):
                await work()
        except asyncio.CancelledError:
            if not self._is_withdrawn:
                self._attention = KernelAttention()
                self._is_handed = False
                surface.say(cells.note_view("Stopped. Run this cell again to go on.", "amber"))
                self._show_end()
                self._tell()

    @contextmanager
    def _in_words(self, surface: Surface) -> Iterator[None]:
        """An error of the block is shown, and goes no further.

        Args:
            surface: where it is shown.
        """
        try:
            yield
        except RunbookError as error:
            self._attention = KernelAttention()
            surface.say(cells.error_view(error))
            self._tell()
        except Exception as error:
            self._runner, self._held = None, _unforeseen()
            self._attention = KernelAttention()
            details = scrub("".join(traceback.format_exception(error)), "a notebook output")
            surface.take_away()
            surface.say(cells.unforeseen_view(type(error).__name__, details))
            self._tell()


async def _displayed_soon(surface: Surface, *expected: asyncio.Future[Any]) -> None:
    """Show a surface once it has something to say, at the latest after a moment.

    Programs with widgets renew what they show. Others may not even renew a display (a server that
    runs the cells on behalf of a page): there stays what was said first.

    Args:
        surface: what is shown.
        expected: what it may have something to say after.
    """
    try:
        await asyncio.wait(expected, timeout=_MOMENT, return_when=asyncio.FIRST_COMPLETED)
    finally:
        surface.display()


class _Attended:
    """The person's part, with word of it to whoever does not see the cell."""

    def __init__(self, operator: NotebookOperator, attend: Any) -> None:
        self._operator = operator
        self._attend = attend

    async def confirm(self, change: Change) -> str:
        self._attend("person", change.waiting)
        by = await self._operator.confirm(change)
        self._attend("working", _LOOKING)
        return by

    async def wait(self, change: Change, seconds: float) -> bool:
        self._attend("person", change.waiting)
        goes_on = await self._operator.wait(change, seconds)
        if goes_on:
            self._attend("working", "Looking whether it was done")
        return goes_on

    async def ended(self, change: Change) -> bool:
        self._attend("ended", change.waiting)
        return await self._operator.ended(change)

    def leave(self) -> None:
        self._operator.leave()


def _unforeseen() -> RunbookError:
    return FixInput(
        "Something happened that nobody foresaw, and the step was closed.",
        why="a fault of this program",
        next="run the notebook's cells again, from the first",
    )


def _chosen(workspace: Workspace, given: Opening) -> Opening:
    """The account and the customer that a person chose, where they are still there."""
    customers = {name: one.customers for name, one in workspace.accounts.items()}
    account, customer = choices.chosen_pair(
        workspace.root, given.account, given.customer, customers
    )
    return replace(given, account=account, customer=customer)


def _following(step: str) -> tuple[str, str] | None:
    """Title and notebook of the step after this one; None after the last, and beside the way."""
    ids = [one.id for one in STEPS]
    after = ids.index(step) + 1 if step in ids else len(ids)
    if after == len(ids):
        return None
    return STEPS[after].title, notebook_of(STEPS[after])
