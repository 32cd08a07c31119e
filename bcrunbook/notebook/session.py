"""One step in one notebook: what its cells call, in order.

    step = await open_step("client_secret", account=account, mode=mode, workspace=workspace)
    await step.examine()
    step.plan()
    await step.apply()
    step.check()
    await step.outcome()

A person steps through these cells, papermill runs them, nbval compares them: nothing here differs
between the three but the mode. An error does not stop the notebook where it happens: the cells
after it say that they were not run, and the last one displays the outcome (so that whoever runs the
notebook can read it) and only then raises, so that papermill fails as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from bcrunbook.accounts import Workspace, find_workspace
from bcrunbook.core.runner import StepRunner, chosen_mode, failed_outcome
from bcrunbook.core.step import Change, Mode, State
from bcrunbook.errors import FixInput, RunbookError
from bcrunbook.given_as import Place, speak_to
from bcrunbook.job_options import job_options
from bcrunbook.notebook import choices, step_controls
from bcrunbook.notebook.approval import Approval
from bcrunbook.notebook.bar import bar
from bcrunbook.notebook.operator import NotebookOperator
from bcrunbook.notebook.progress import ProgressView
from bcrunbook.notebook.tracebacks import scrub_tracebacks
from bcrunbook.notebook_files import parameters
from bcrunbook.notebook_files.cells import CALLS
from bcrunbook.secrets import install_log_redaction, leave_no_core_dump
from bcrunbook.signin import DeviceCode
from bcrunbook.steps import STEPS, notebook_of, step_named
from bcrunbook.steps.context import Context
from bcrunbook.steps.opening import open_context
from bcrunbook.views import cells
from bcrunbook.views.cells import View


class StepFailed(Exception):
    """Raised by the last cell after the outcome was displayed. Shown without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class _PersonAtNotebook:
    """Somebody who reads the cell's output."""

    def show_device_code(self, code: DeviceCode) -> None:
        from IPython.display import display

        from bcrunbook.notebook.copy_button import CopyButton

        _display(cells.device_code_view(code.url, code.code, code.expires_in))
        display(CopyButton("Copy the code", code.code))

    def say_browser_opens(self) -> None:
        _display(cells.message_view("A browser window opens for the sign-in."))


def _display(view: View) -> None:
    from IPython.display import display

    display(view)


@dataclass(frozen=True)
class _SessionOpening:
    """What a notebook asked for: its parameters, as they are meant."""

    step: str
    account: str
    mode: str
    workspace: str
    customer: str

    @property
    def values(self) -> dict[str, str]:
        """The parameters, by name."""
        return {name: value for name, value in asdict(self).items() if name != "step"}


class NotebookStep:
    """One step in one notebook. Get it from `open_step`.

    Args:
        opening: what the notebook asked for.
        answered: whether a person is there who can click.
    """

    def __init__(self, opening: _SessionOpening, *, answered: bool) -> None:
        self._opening = opening
        self._answered = answered
        self._chosen = opening
        self._runner: StepRunner[Any, Any] | None = None
        self._held: RunbookError | None = None
        self._stack = AsyncExitStack()
        self._shown: dict[str, Any] = {}
        self._at_work = asyncio.Lock()
        self._called: list[str] = []

    async def open(self) -> None:
        """Open the step, or keep the error that says why it cannot be opened."""
        await self._stack.aclose()
        self._runner = self._held = None
        self._called.clear()
        try:
            await self._open()
        except RunbookError as error:
            await self._hold(error)

    async def _hold(self, error: RunbookError) -> None:
        """Go no further: the cells that follow say that they were not run."""
        await self._stack.aclose()
        self._runner, self._held = None, error

    async def _open(self) -> None:
        given, answered = self._opening, self._answered
        parameters.check(**given.values)
        step = step_named(given.step)
        if not answered:
            # In a person's own session old cells mean nothing: what they ran last counts.
            parameters.refuse_unknown(step)
            parameters.refuse_lost(step, given.values)
        loaded = job_options().load(find_workspace(given.workspace or None))
        chosen = _chosen(loaded, given) if answered else given
        self._chosen = chosen
        context: Context = await self._stack.enter_async_context(
            open_context(
                loaded,
                loaded.account(chosen.account),
                person=_PersonAtNotebook() if answered else None,
                customer=loaded.customer(chosen.account, chosen.customer)
                if step.is_per_customer
                else None,
            )
        )
        mode = chosen_mode(given.mode, live=context.cloud.is_live, answered=answered)
        self._runner = StepRunner(step, context, mode)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self._session()._repr_mimebundle_()

    def _ipython_display_(self) -> None:
        if not self._answered:
            raise NotImplementedError
        self._show("session", self._session())
        if self._runner is not None:
            from IPython.display import display

            context, chosen = self._runner.context, self._chosen
            row = step_controls.account_pickers(
                context.workspace, chosen.account, chosen.customer, self._switch
            )
            display(row)

    def _session(self) -> View:
        if self._runner is None:
            assert self._held is not None
            return cells.error_view(self._held)
        runner = self._runner
        return bar(runner.context, runner.mode.value, runner.step.id, with_rail=self._answered)

    def _show(self, name: str, view: View) -> None:
        """Display a view that can be shown anew in its place when something has changed."""
        from IPython.display import display

        self._shown[name] = display(view, display_id=True)

    def _show_anew(self, name: str, view: View) -> None:
        if name in self._shown:
            self._shown[name].update(view)

    async def _switch(self, what: str, name: str) -> None:
        """Go on with another account or customer."""
        async with self._at_work:
            assert self._runner is not None
            given: str = getattr(self._opening, what)
            choices.choose(self._runner.context.workspace.root, what, given, name)
            await self._begin_anew(f"Another {what} was chosen: run this cell again.")

    async def _begin_anew(self, text: str) -> None:
        await self.open()
        self._show_anew("session", self._session())
        for shown in ("findings", "plan"):
            self._show_anew(shown, cells.message_view(text))

    async def _renew(self, workspace: Workspace) -> None:
        """Look and plan again: accounts.toml has changed, or what is there has."""
        runner = self._runner
        if runner is None:
            return
        async with self._at_work:
            account = workspace.account(runner.context.account.name)
            if account.tenant != runner.context.account.tenant:
                # Another tenant is another sign-in, which is for the cell to ask for.
                await self._begin_anew("Another tenant was chosen: run this cell again.")
                return
            runner.context = replace(runner.context, workspace=workspace, account=account)
            self._show_anew("session", self._session())
            self._show_anew("findings", await self._examined())
            self._show_anew("plan", self._planned())

    @contextmanager
    def _noting(self, call: str) -> Iterator[None]:
        """Note that a call has come to its end."""
        yield
        self._called.append(call)

    async def _refuse_lost(self) -> None:
        """Go no further where values were put into a cell below the one that opened the step."""
        if self._runner is None or self._answered:
            return
        try:
            parameters.refuse_lost(self._runner.step, self._opening.values)
        except RunbookError as error:
            await self._hold(error)

    async def examine(self) -> View | None:
        """Read what is there, and show it against what is wanted."""
        await self._refuse_lost()
        with self._noting("examine"):
            if self._runner is None:
                return _not_run()
            async with self._at_work:
                view = await self._examined()
            if not self._answered:
                return view
            self._show("findings", view)
            return None

    async def _examined(self) -> View:
        assert self._runner is not None
        self._runner.error = None
        rows = await self._runner.examine()
        if self._runner.error is not None:
            return cells.error_view(self._runner.error)
        return cells.findings_view(rows)

    def plan(self) -> View | None:
        """Show what would be done, and to a person what they can change about it."""
        with self._noting("plan"):
            if self._runner is None or self._runner.error is not None:
                return _not_run()
            view = self._planned()
            if not self._answered:
                return view
            from IPython.display import display

            self._show("plan", view)
            runner = self._runner
            tabs = step_controls.controls(
                runner.step.id, runner.context, runner.findings, self._renew
            )
            if tabs is not None:
                display(tabs)
            return None

    def _planned(self) -> View:
        runner = self._runner
        if runner is None or runner.error is not None:
            return _not_run()
        changes = runner.plan()
        findings = runner.findings
        if findings is not None and findings.under_way:
            return cells.plan_view(changes, f"Nothing to change. Under way: {findings.under_way}.")
        return cells.plan_view(changes, runner.nothing_to_change)

    async def apply(self) -> View:
        """Do what the mode allows; in `ask` mode, after the click."""
        await self._refuse_lost()
        with self._noting("apply"):
            return await self._applied()

    async def _applied(self) -> View:
        runner = self._runner
        if runner is None or runner.error is not None:
            return _not_run()
        progress = ProgressView(is_watched=self._answered)
        runner.on_progress = progress.tell
        was_under_way = runner.findings is not None and bool(runner.findings.under_way)
        handed = [one.title for one in runner.changes if one.by == "person"]
        here = NotebookOperator(runner.context) if self._answered else None
        done = await runner.apply(_Asking(runner).ask, here)
        progress.end()
        if runner.error is not None:
            return cells.error_view(runner.error)
        still = [one.title for one in runner.changes if one.by == "person"]
        if not done and was_under_way and runner.mode is not Mode.PLAN:
            return cells.message_view("Followed. The check below shows how it stands now.")
        if not done and handed and not still:
            return cells.message_view("Done by a person. The check below shows what is there now.")
        if not done:
            return cells.message_view(_nothing_applied(runner.mode, runner.changes))
        return cells.message_view(f"{len(done)} changed. The check below shows what is there now.")

    def check(self) -> View:
        """Show what was found after the changes."""
        with self._noting("check"):
            if self._runner is None or self._runner.findings is None:
                return _not_run()
            return cells.findings_view(self._runner.rows, self._runner.findings.timeline)

    async def outcome(self) -> None:
        """Display the outcome and close the step.

        Raises:
            StepFailed: the outcome is `failed`; it was displayed before.
        """
        await self._refuse_lost()
        if self._runner is not None and self._runner.error is None and not self._answered:
            self._runner.error = _other_calls(self._called)
        if self._runner is None:
            assert self._held is not None
            shown, given = parameters.shown, self._opening
            outcome = failed_outcome(
                given.step,
                shown(given.account),
                shown(given.mode),
                "unknown",
                self._held,
                shown(given.customer),
            )
        else:
            outcome = self._runner.outcome
            self._show_anew("session", self._session())
        await self._stack.aclose()
        following = _following(outcome.step) if self._answered else None
        _display(cells.outcome_view(outcome, following))
        if outcome.state is State.FAILED:
            advice = f"\n  next: {outcome.error['next']}" if outcome.error else ""
            raise StepFailed(f"{outcome.step}: {outcome.summary}{advice}")


class _Asking:
    """Asks for a click; from the second time on with what is new, which no plan above shows."""

    def __init__(self, runner: StepRunner[Any, Any]) -> None:
        self._approval = Approval(runner.context.account)
        self._asked = False

    async def ask(self, changes: tuple[Change, ...]) -> bool:
        """Whether the person says yes to `changes`."""
        if self._asked:
            _display(cells.plan_view(changes, ""))
        self._asked = True
        return await self._approval.ask(changes)


def _other_calls(called: list[str]) -> FixInput | None:
    """What is wrong with a notebook that has called `called`; None when nothing is."""
    wanted = CALLS[:-1]
    if tuple(dict.fromkeys(called)) == wanted:
        return None
    return FixInput(
        "The notebook has not run the step's cells in their order and to their end, so nothing can"
        " be said about the step.",
        where=f"run: {', '.join(called) or 'none'}; wanted: {', '.join(wanted)}",
        why="it was edited or belongs to another version, or one of them broke down",
        next="look at the cells above; if one is missing, move the notebook away and lay out a"
        " fresh one with bcrunbook init",
    )


def _chosen(workspace: Workspace, given: _SessionOpening) -> _SessionOpening:
    """The account and the customer that a person chose, where they are still there."""
    account = choices.chosen(workspace.root, "account", given.account)
    if account not in workspace.accounts:
        account = given.account
    customer = given.customer
    if customer and account in workspace.accounts:
        customers = workspace.accounts[account].customers
        customer = choices.chosen(workspace.root, "customer", customer)
        if customer not in customers and account != given.account and customers:
            customer = next(iter(customers))
    return replace(given, account=account, customer=customer)


def _following(step: str) -> tuple[str, str] | None:
    """Title and notebook of the step after this one; None after the last."""
    after = [one.id for one in STEPS].index(step) + 1
    if after == len(STEPS):
        return None
    return STEPS[after].title, notebook_of(STEPS[after])


def _not_run() -> View:
    return cells.message_view("Not run: see the message above.")


def _nothing_applied(mode: Mode, changes: tuple[Change, ...]) -> str:
    if not any(change.by == "program" for change in changes):
        return "Nothing to do for the program."
    if mode is Mode.PLAN:
        return "Nothing: this is plan mode. Run with mode = apply, or step through and click."
    return "Nothing: see the outcome below."


async def open_step(
    step: str, *, account: str, mode: str, workspace: str = "", customer: str = ""
) -> NotebookStep:
    """Open a step for the cells that follow.

    Args:
        step: the step's id.
        account: a name from accounts.toml.
        mode: `auto`, `plan`, `apply` or `ask`.
        workspace: the folder with accounts.toml; empty searches from the current folder upwards.
        customer: for a step about a customer, one of the account's.
    """
    leave_no_core_dump()
    scrub_tracebacks()
    install_log_redaction()
    speak_to(Place.NOTEBOOK)
    opened = NotebookStep(
        _SessionOpening(step, account, mode, workspace, customer),
        answered=parameters.somebody_answers(),
    )
    await opened.open()
    return opened
