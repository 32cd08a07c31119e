"""What a person has in front of them beside the plain outputs: pickers, forms, the way by hand.

Nothing of this exists where nobody answers: papermill, nbval and readers of a stored notebook have
the plain outputs alone, which say the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from bcrunbook.accounts import Workspace, amend
from bcrunbook.errors import RunbookError
from bcrunbook.notebook.bar import account_label
from bcrunbook.notebook.by_hand import by_hand
from bcrunbook.notebook.form import Form, Use
from bcrunbook.notebook.inputs import brought_back, inputs
from bcrunbook.notebook.tasks import Tasks
from bcrunbook.printable import printable
from bcrunbook.secrets import Secret
from bcrunbook.services.azure import Tenant
from bcrunbook.steps.client_secret.adopt import adopt
from bcrunbook.steps.context import Context
from bcrunbook.steps.start_here import StartFindings
from bcrunbook.views import cells

Switch = Callable[[str, str], Coroutine[Any, Any, None]]
Renew = Callable[[Workspace], Awaitable[None]]


def account_pickers(workspace: Workspace, account: str, customer: str, switch: Switch) -> Any:
    """A list of accounts, and of the account's customers where the step is about one.

    Args:
        workspace: the workspace.
        account: the account that is chosen.
        customer: the customer that is chosen; empty for a step of the account itself.
        switch: called with `account` or `customer` and another name.
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
    return box


def _tenants(findings: Any, use: Use) -> list[Any]:
    """The tenants in sight, each with a button that makes it the account's."""
    import ipywidgets as widgets

    if not isinstance(findings, StartFindings) or not findings.tenants.value:
        return []
    tasks, said = Tasks(), widgets.HTML()

    async def switch(tenant: str) -> None:
        said.value = cells.message_view(await use({"tenant": tenant})).shown_html

    def row(one: Tenant) -> Any:
        is_this = one.id == findings.organization.id
        button = widgets.Button(
            description="This one" if is_this else printable(f"Switch to {one.name or one.domain}"),
            disabled=is_this,
            layout={"width": "auto"},
        )
        button.on_click(lambda _: tasks.begin(partial(switch, one.id)))
        about = cells.tenant_view(one.name, one.domain, one.id)
        return widgets.HBox([widgets.HTML(about.shown_html), button])

    return [widgets.VBox([*map(row, findings.tenants.value), said])]


def controls(step: str, context: Context, findings: Any, renew: Renew) -> Any:
    """Two tabs below the plan: the step's values, and the way by hand.

    Args:
        step: the step's id.
        context: what the step works with.
        findings: what it found.
        renew: called with the workspace after accounts.toml was changed, or with the same one
            when something was brought that changes what a look shows.

    Returns:
        The widget; None where the step has neither.
    """
    import ipywidgets as widgets

    root, name = context.workspace.root, context.account.name

    async def use(values: dict[str, str]) -> str:
        try:
            await renew(amend(root, name, values))
        except RunbookError as error:
            return cells.in_line(error)
        return "Kept in accounts.toml. The plan above follows it."

    async def bring(secret: Secret) -> str:
        try:
            where = await adopt(context, secret)
            await renew(context.workspace)
        except RunbookError as error:
            return cells.in_line(error)
        return f"It works, and is kept in {where}. The plan above follows it."

    pages: list[tuple[str, Any]] = []
    fields = inputs(step, context.account, findings)
    if fields:
        form = Form(fields, "Use these values", use).widget
        pages.append(("Values", widgets.VBox([*_tenants(findings, use), form])))
    told = by_hand(step)
    if told:
        parts: list[Any] = [widgets.HTML(f'<div class="bcr">{told}</div>')]
        back = brought_back(step, context.account)
        if back:
            parts.append(Form(back, "Note it in accounts.toml", use).widget)
        if step == "client_secret":
            from bcrunbook.notebook.secret_field import SecretField

            parts.append(SecretField("Value of the secret", "Put it into the store", bring))
        pages.append(("By hand instead", widgets.VBox(parts)))
    if not pages:
        return None
    tabs = widgets.Tab(children=[page for _, page in pages], titles=[title for title, _ in pages])
    tabs.add_class("bcr-desk")
    return tabs
