"""A step in a notebook that nobody sits at: papermill, nbclient, nbval. Each cell does its part.

An error does not stop the notebook where it happens: the cells after it say that they were not run,
and the last one displays the outcome (so that whoever runs the notebook can read it) and only then
raises, so that papermill fails as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

from IPython.display import display

from bcrunbook.core.runner import StepRunner
from bcrunbook.core.step import Finding, Mode, State
from bcrunbook.errors import FixInput, RunbookError
from bcrunbook.notebook.bar import bar
from bcrunbook.notebook.opening import Opening, failed, open_runner
from bcrunbook.notebook.progress import PlainProgress
from bcrunbook.notebook.secret_end import with_secret_end
from bcrunbook.notebook_files import parameters
from bcrunbook.notebook_files.cells import CALLS
from bcrunbook.steps.pages import pages_of
from bcrunbook.views import cells
from bcrunbook.views.cells import View


class StepFailed(Exception):
    """Raised by the last cell after the outcome was displayed. Shown without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class HeadlessStep:
    """One step in one notebook without anybody. Get it from `open_step`.

    Args:
        opening: what the notebook asked for.
    """

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._runner: StepRunner[Any, Any] | None = None
        self._held: RunbookError | None = None
        self._stack = AsyncExitStack()
        self._called: list[str] = []
        self._rows: tuple[Finding, ...] = ()

    async def open(self) -> None:
        """Open the step, or keep the error that says why it cannot be opened."""
        try:
            parameters.check(**self._opening.values)
            step = self._opening.runbook_step
            parameters.refuse_unknown(step)
            parameters.refuse_lost(step, self._opening.values)
            self._runner = await open_runner(self._opening, self._stack, person=None)
        except RunbookError as error:
            await self._hold(error)

    async def _hold(self, error: RunbookError) -> None:
        """Go no further: the cells that follow say that they were not run."""
        await self._stack.aclose()
        self._runner, self._held = None, error

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self._session()._repr_mimebundle_()

    def _session(self) -> View:
        if self._runner is None:
            assert self._held is not None
            return cells.styled(cells.error_view(self._held))
        runner = self._runner
        return bar(runner.context, runner.mode.value, runner.step.id)

    @contextmanager
    def _noting(self, call: str) -> Iterator[None]:
        """Note that a call has come to its end."""
        yield
        self._called.append(call)

    async def _refuse_lost(self) -> None:
        """Go no further where values were put into a cell below the one that opened the step."""
        if self._runner is None:
            return
        try:
            parameters.refuse_lost(self._runner.step, self._opening.values)
        except RunbookError as error:
            await self._hold(error)

    async def examine(self) -> View:
        """Read what is there, and show it against what is wanted."""
        await self._refuse_lost()
        with self._noting("examine"):
            if self._runner is None:
                return cells.not_run_view()
            rows = await self._runner.examine()
            if self._runner.error is not None:
                return cells.error_view(self._runner.error)
            self._rows = rows
            return cells.findings_view(rows)

    def plan(self) -> View:
        """Show what would be done."""
        with self._noting("plan"):
            if self._runner is None or self._runner.error is not None:
                return cells.not_run_view()
            return planned_view(self._runner)

    async def apply(self) -> View:
        """Do what the mode allows."""
        await self._refuse_lost()
        with self._noting("apply"):
            runner = self._runner
            if runner is None or runner.error is not None:
                return cells.not_run_view()
            progress = PlainProgress()
            runner.on_progress = progress.tell
            was = before_applying(runner)
            await runner.apply()
            progress.end()
            if runner.error is not None:
                return cells.error_view(runner.error)
            return cells.message_view(applied_text(runner, was))

    def check(self) -> View:
        """Show what was found after the changes."""
        with self._noting("check"):
            if self._runner is None or self._runner.findings is None:
                return cells.not_run_view()
            return cells.findings_view(
                self._runner.rows, self._runner.findings.timeline, before=self._rows
            )

    async def outcome(self) -> None:
        """Display the outcome and close the step.

        Raises:
            StepFailed: the outcome is `failed`; it was displayed before.
        """
        await self._refuse_lost()
        if self._runner is not None and self._runner.error is None:
            self._runner.error = _other_calls(self._called)
        if self._runner is None:
            assert self._held is not None
            outcome = failed(self._opening, self._held)
            shown = cells.outcome_view(outcome)
        else:
            runner = self._runner
            outcome = runner.outcome
            links = pages_of(runner.context, runner.step.id)
            view = cells.outcome_view(outcome, links=links, applied=runner.applied)
            shown = with_secret_end(view, runner)
        await self._stack.aclose()
        display(shown)
        if outcome.state is State.FAILED:
            advice = f"\n  next: {outcome.error['next']}" if outcome.error else ""
            raise StepFailed(f"{outcome.step}: {outcome.summary}{advice}")


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


def planned_view(runner: StepRunner[Any, Any]) -> View:
    """What would be done.

    Args:
        runner: it has examined, without an error.
    """
    changes = runner.plan()
    return cells.plan_view(changes, nothing_to_do(runner))


def nothing_to_do(runner: StepRunner[Any, Any]) -> str:
    """What is said where the plan is empty."""
    findings = runner.findings
    if findings is not None and findings.under_way:
        return f"Nothing to change. Under way: {findings.under_way}."
    return runner.nothing_to_change


def before_applying(runner: StepRunner[Any, Any]) -> tuple[bool, bool]:
    """Whether something is under way, and whether something is a person's part."""
    under_way = runner.findings is not None and bool(runner.findings.under_way)
    return under_way, any(change.by == "person" for change in runner.changes)


def applied_text(runner: StepRunner[Any, Any], was: tuple[bool, bool]) -> str:
    """What applying came to.

    Args:
        runner: it has applied, without an error.
        was: what `before_applying` said before.
    """
    was_under_way, was_handed = was
    done = runner.applied
    is_handed = any(change.by == "person" for change in runner.changes)
    if not done and was_under_way and runner.mode is not Mode.PLAN:
        return "Followed. The check below shows how it stands now."
    if not done and was_handed and not is_handed:
        return "Done by a person. The check below shows what is there now."
    if not done and not any(change.by == "program" for change in runner.changes):
        return "Nothing to do for the program."
    if not done and runner.mode is Mode.PLAN:
        return "Nothing: this is plan mode. Run with mode = apply, or step through and click."
    if not done:
        return "Nothing: see the outcome below."
    return f"{len(done)} changed. The check below shows what is there now."
