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

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from bcrunbook.accounts import find_workspace, load
from bcrunbook.errors import RunbookError
from bcrunbook.notebook import approval, parameters, views
from bcrunbook.notebook.attendance import PersonHere
from bcrunbook.notebook.views import View
from bcrunbook.signin import DeviceCode
from bcrunbook.steps import step_named
from bcrunbook.steps.context import Context, open_context
from bcrunbook.steps.step import Change, Mode, State
from bcrunbook.steps.walk import Walk, chosen_mode, failed_outcome


class StepFailed(Exception):
    """Raised by the last cell after the outcome was displayed. Shown without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class _PersonAtNotebook:
    """Somebody who reads the cell's output."""

    def show_device_code(self, code: DeviceCode) -> None:
        _display(views.device_code_view(code.url, code.code, code.expires_in // 60))

    def say_browser_opens(self) -> None:
        _display(views.message_view("A browser window opens for the sign-in."))


def _display(view: View) -> None:
    from IPython.display import display

    display(view)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class _Held:
    """What has to be known of a step that could not begin."""

    step: str
    account: str
    mode: str
    error: RunbookError
    customer: str = ""


class NotebookStep:
    """One step in one notebook. Get it from `open_step`."""

    def __init__(
        self,
        walk: Walk[Any] | None,
        stack: AsyncExitStack,
        held: _Held | None = None,
        *,
        answered: bool = False,
    ) -> None:
        self._walk = walk
        self._stack = stack
        self._held = held
        self._answered = answered

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self._session()._repr_mimebundle_()

    def _session(self) -> View:
        if self._walk is None:
            assert self._held is not None
            return views.error_view(self._held.error)
        account, cloud = self._walk.context.account, self._walk.context.cloud
        customer = self._walk.context.customer
        lines = [
            ("Account", f"{account.name} ({account.kind})"),
            *([("Customer", f"{customer.display_name} ({customer.name})")] if customer else []),
            ("Cloud", cloud.kind),
            ("Tenant", account.tenant),
            ("Sign-in", account.sign_in.method),
            ("Mode", self._walk.mode.value),
        ]
        return views.session_view(lines, is_live=cloud.is_live, is_production=account.is_production)

    async def examine(self) -> View:
        """Read what is there, and show it against what is wanted."""
        if self._walk is None:
            return _not_run()
        rows = await self._walk.examine()
        if self._walk.error is not None:
            return views.error_view(self._walk.error)
        return views.findings_view(rows)

    def plan(self) -> View:
        """Show what would be done."""
        if self._walk is None or self._walk.error is not None:
            return _not_run()
        changes = self._walk.plan()
        findings = self._walk.findings
        if findings is not None and findings.under_way:
            return views.plan_view(changes, f"Nothing to change. Under way: {findings.under_way}.")
        return views.plan_view(changes, "0 to change: everything is as it should be.")

    async def apply(self) -> View:
        """Do what the mode allows; in `ask` mode, after the click."""
        walk = self._walk
        if walk is None or walk.error is not None:
            return _not_run()
        progress = _Progress()
        walk.told = progress.tell
        was_under_way = walk.findings is not None and bool(walk.findings.under_way)
        handed = [one.title for one in walk.changes if one.by == "person"]
        here = PersonHere(walk.context) if self._answered else None
        done = await walk.apply(_Approval().ask, here)
        progress.end()
        if here is not None:
            here.leave()
        if walk.error is not None:
            return views.error_view(walk.error)
        still = [one.title for one in walk.changes if one.by == "person"]
        if not done and was_under_way and walk.mode is not Mode.PLAN:
            return views.message_view("Followed. The check below shows how it stands now.")
        if not done and handed and not still:
            return views.message_view("Done by a person. The check below shows what is there now.")
        if not done:
            return views.message_view(_nothing_applied(walk.mode, walk.changes))
        return views.message_view(f"{len(done)} changed. The check below shows what is there now.")

    def check(self) -> View:
        """Show what was found after the changes."""
        if self._walk is None or self._walk.findings is None:
            return _not_run()
        return views.findings_view(self._walk.rows, self._walk.findings.timeline)

    async def outcome(self) -> None:
        """Display the outcome and close the step.

        Raises:
            StepFailed: the outcome is `failed`; it was displayed before.
        """
        if self._walk is None:
            assert self._held is not None
            held = self._held
            outcome = failed_outcome(
                held.step, held.account, held.mode, "unknown", held.error, held.customer
            )
        else:
            outcome = self._walk.outcome
        await self._stack.aclose()
        _display(views.outcome_view(outcome))
        if outcome.state is State.FAILED:
            advice = f"\n  next: {outcome.error['next']}" if outcome.error else ""
            raise StepFailed(f"{outcome.step}: {outcome.summary}{advice}")


class _Approval:
    """Asks for a click; from the second time on with what is new, which no plan above shows."""

    def __init__(self) -> None:
        self._asked = False

    async def ask(self, changes: tuple[Change, ...]) -> bool:
        """Whether the person says yes to `changes`."""
        if self._asked:
            _display(views.plan_view(changes, ""))
        self._asked = True
        return await approval.ask(changes)


def _not_run() -> View:
    return views.message_view("Not run: see the message above.")


def _nothing_applied(mode: Mode, changes: tuple[Change, ...]) -> str:
    if not any(change.by == "program" for change in changes):
        return "Nothing to do for the program."
    if mode is Mode.PLAN:
        return "Nothing: this is plan mode. Run with mode = apply, or step through and click."
    return "Nothing: see the outcome below."


class _Progress:
    """Shows line after line in one place of the running cell."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._handle: Any = None

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
        """Show that it is over."""
        if self._lines:
            self._show(is_over=True)

    def _show(self, *, is_over: bool) -> None:
        from IPython.display import display

        view = views.progress_view(self._lines, is_over=is_over)
        if self._handle is None:
            self._handle = display(view, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(view)


def _head(line: str) -> str:
    return line.partition(" (")[0]


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
    stack = AsyncExitStack()
    try:
        walk = await _open(step, account, mode, workspace, customer, stack)
    except RunbookError as error:
        await stack.aclose()
        shown = parameters.shown
        held = _Held(step, shown(account), shown(mode), error, shown(customer))
        return NotebookStep(None, stack, held)
    return NotebookStep(walk, stack, answered=parameters.somebody_answers())


async def _open(
    step: str, account: str, mode: str, workspace: str, customer: str, stack: AsyncExitStack
) -> Walk[Any]:
    answered = parameters.somebody_answers()
    parameters.check(account=account, mode=mode, workspace=workspace, customer=customer)
    chosen = step_named(step)
    parameters.refuse_unknown(parameters.names_of(chosen), answered=answered)
    loaded = load(find_workspace(workspace or None))
    person = _PersonAtNotebook() if answered else None
    context: Context = await stack.enter_async_context(
        open_context(
            loaded,
            loaded.account(account),
            person=person,
            customer=loaded.customer(account, customer) if chosen.is_per_customer else None,
        )
    )
    return Walk(chosen, context, chosen_mode(mode, live=context.cloud.is_live, answered=answered))
