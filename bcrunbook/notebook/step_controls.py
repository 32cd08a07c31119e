"""What a person has in front of them beside the plain outputs: pickers, forms, the way by hand.

Nothing of this exists where nobody answers: papermill, nbval and readers of a stored notebook have
the plain outputs alone, which say the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from bcrunbook.accounts import Account, Workspace, amend
from bcrunbook.errors import RunbookError
from bcrunbook.notebook.bar import account_label
from bcrunbook.notebook.by_hand import by_hand
from bcrunbook.notebook.form import Form, Use
from bcrunbook.notebook.inputs import inputs
from bcrunbook.notebook.secret_field import SecretField
from bcrunbook.notebook.surface import Told
from bcrunbook.notebook.tasks import Tasks
from bcrunbook.printable import printable
from bcrunbook.secrets import Secret
from bcrunbook.steps import step_named
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import AccountField, FieldChoice, StepDescription
from bcrunbook.views import cells

Switch = Callable[[str, str], Coroutine[Any, Any, None]]
Renew = Callable[[Workspace], Awaitable[None]]

_MOST_NAMES: Final = 8
"""How many accounts or customers are named where they cannot be chosen from a list."""


def account_pickers(
    workspace: Workspace, account: str, customer: str, switch: Switch
) -> tuple[Any, Told]:
    """A list of accounts, and of the account's customers where the step is about one.

    Args:
        workspace: the workspace.
        account: the account that is chosen.
        customer: the customer that is chosen; empty for a step of the account itself.
        switch: called with `account` or `customer` and another name.

    Returns:
        A widget, and the same in words.
    """
    import ipywidgets as widgets

    from bcrunbook.notebook.entry import Entry

    tasks = Tasks()

    def picker(what: str, label: str, options: list[tuple[str, str]], value: str) -> Any:
        def begin() -> None:
            tasks.begin(partial(switch, what, one.value))

        one = Entry(label, value, options=options, changed=begin)
        return one

    accounts = [(account_label(one), one.name) for one in workspace.accounts.values()]
    row = [picker("account", "Account", accounts, account)]
    customers = workspace.accounts[account].customers
    if customer in customers:
        named = [
            (printable(f"{one.display_name} ({one.name})"), one.name) for one in customers.values()
        ]
        row.append(picker("customer", "Customer", named, customer))
    box = widgets.HBox(row, layout={"flex_flow": "row wrap"})
    box.add_class("bcr-form")
    others = {
        "account": [name for name in workspace.accounts if name != account],
        "customer": [name for name in customers if name != customer] if customer else [],
    }
    return box, _told_of_others({what: names for what, names in others.items() if names})


def _told_of_others(others: Mapping[str, Sequence[str]]) -> Told:
    if not others:
        return Told("")
    words = [f"Another {what} can be chosen: {_some(names)}." for what, names in others.items()]
    parameters = " or ".join(f"the parameter {what}" for what in others)
    return Told("\n".join(words), f"set {parameters} and run the notebook from the top")


def _some(names: Sequence[str]) -> str:
    """Names in a row, as many as can be read."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _choices(field: AccountField, findings: Any, use: Use) -> list[Any]:
    """The values there are to choose from, each with a button that makes it the account's."""
    import ipywidgets as widgets

    choices = field.choices(findings)
    if not choices:
        return []
    tasks, message = Tasks(), widgets.HTML()

    async def switch(value: str) -> None:
        try:
            view = cells.message_view(await use({field.key: value}))
        except RunbookError as error:
            view = cells.error_view(error)
        message.value = view.shown_html

    def row(choice: FieldChoice) -> Any:
        switch_to = printable(f"Switch to {choice.name or choice.domain}")
        button = widgets.Button(
            description="This one" if choice.is_current else switch_to,
            disabled=choice.is_current,
            layout={"width": "auto"},
        )
        button.on_click(lambda _: tasks.begin(partial(switch, choice.value)))
        about = cells.tenant_view(choice.name, choice.domain, choice.value)
        return widgets.HBox([widgets.HTML(about.shown_html), button])

    return [widgets.VBox([*map(row, choices), message])]


@dataclass(frozen=True)
class Desk:
    """What the controls of a step ask of whoever shows them.

    Args:
        renew: called with the workspace after accounts.toml was changed, or with the same one when
            a secret was adopted, which changes what a look shows.
        context: gives what the step works with, open.
        changed: called when `Controls.held_up` may say something else.
    """

    renew: Renew
    context: Callable[[], Awaitable[Context]]
    changed: Callable[[], None]


class Controls:
    """What stands below a plan: the step's values, and the way by hand.

    Args:
        pages: titles and widgets.
        forms: the forms on them.
        told: the same in words.
    """

    def __init__(self, pages: list[tuple[str, Any]], forms: list[Form], told: Told) -> None:
        import ipywidgets as widgets

        self._forms = forms
        self.told = told
        """The same in words."""
        titles, children = zip(*pages, strict=True)
        self.widget = widgets.Tab(children=children, titles=titles)
        """All of it as one widget."""
        self.widget.add_class("bcr-desk")

    def held_up(self) -> str:
        """Why nothing may be applied now; empty when it may."""
        return next((one.held_up for one in self._forms if one.held_up), "")


def controls(step: str, context: Context, findings: Any, desk: Desk) -> Controls | None:
    """Two tabs below the plan: the step's values, and the way by hand.

    Args:
        step: the step's id.
        context: what the step works with.
        findings: what it found.
        desk: what they ask of whoever shows them.

    Returns:
        The controls; None where the step has neither.
    """
    import ipywidgets as widgets

    root, name = context.workspace.root, context.account.name
    description = step_named(step).description
    by_hand_secret = description.secret_by_hand

    async def use(values: dict[str, str]) -> str:
        await desk.renew(amend(root, name, values))
        return "Kept in accounts.toml. The plan follows it."

    async def keep(secret: Secret) -> str:
        assert by_hand_secret is not None
        try:
            opened = await desk.context()
            where = await by_hand_secret.adopt(opened, secret)
            await desk.renew(opened.workspace)
        except RunbookError as error:
            return cells.in_line(error)
        return f"It works, and is kept in {where}. The plan follows it."

    pages: list[tuple[str, Any]] = []
    forms: list[Form] = []
    if fields := inputs(description.fields, context.account, findings):
        choices = [box for field in description.fields for box in _choices(field, findings, use)]
        forms.append(Form(fields, use, desk.changed))
        pages.append(("Values", widgets.VBox([*choices, forms[-1].widget])))
    if way := by_hand(step, context.cloud):
        parts: list[Any] = [widgets.HTML(f'<div class="bcr">{way}</div>')]
        if back := inputs(description.fields_by_hand, context.account, findings):
            forms.append(Form(back, use, desk.changed))
            parts.append(forms[-1].widget)
        if by_hand_secret is not None:
            parts.append(SecretField(by_hand_secret.label, by_hand_secret.action, keep))
        pages.append(("By hand instead", widgets.VBox(parts)))
    told = _told_of_values(description, context.account, has_way=bool(way))
    return Controls(pages, forms, told) if pages else None


def _told_of_values(description: StepDescription, account: Account, *, has_way: bool) -> Told:
    """What can be filled in, and where that is done without a form."""
    fields = {one.key: one for one in (*description.fields, *description.fields_by_hand)}
    lines = [
        f"{one.label}: {one.value(account) or 'nothing yet'} ({one.key} in accounts.toml)"
        for one in fields.values()
    ]
    if has_way:
        lines.append('The way by hand stands further down, under "The same by hand".')
    instead = []
    if fields:
        instead.append(
            f"change them in accounts.toml, below [accounts.{account.name}], and run the notebook"
            " from the top"
        )
    if description.secret_by_hand is not None:
        instead.append('hand in a secret that was made by hand in JupyterLab ("bcrunbook lab")')
    return Told("\n".join(lines), "; or ".join(instead))
