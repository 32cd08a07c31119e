"""Telling somebody by a webhook that a run needs a person; no run fails for it."""

from __future__ import annotations

from collections.abc import Sequence

from bcrunbook.accounts import Workspace
from bcrunbook.cloud import Cloud
from bcrunbook.core.step import State
from bcrunbook.errors import RunbookError
from bcrunbook.http.client import Http
from bcrunbook.http.repeat import Repeat
from bcrunbook.http.response import safe_address
from bcrunbook.run.ended import Ended
from bcrunbook.run.messages import WebhookMessage
from bcrunbook.secrets import SecretReference, read


async def notify(workspace: Workspace, ended: Sequence[Ended], title: str, again: str) -> str:
    """Tell who keeps the webhook of `[notify]`, if anything needs a person.

    Args:
        workspace: the workspace.
        ended: how each step ended.
        title: what was run.
        again: the command that looks again.

    Returns:
        A sentence about it; empty where nobody was to be told.
    """
    webhook = workspace.notify.webhook
    open_ = [one for one in ended if one.state is State.NEEDS_PERSON]
    if webhook is None or not open_:
        return ""
    accounts = dict.fromkeys(one.who.partition("/")[0] for one in open_)
    clouds = sorted({workspace.account(name).cloud for name in accounts})
    message = WebhookMessage(title, ", ".join(clouds), open_, again)
    try:
        problem = await _sent(workspace, webhook, message)
    except RunbookError as error:
        problem = error.what
    if not problem:
        return f"Told by the webhook of [notify]: {message.heading}."
    return f"The webhook of [notify] could not be told: {problem} All else was done."


async def _sent(workspace: Workspace, webhook: SecretReference, message: WebhookMessage) -> str:
    """Send it; why it did not arrive, in a sentence that says nothing of the address."""
    address = await read(webhook, workspace.root)
    if safe_address(address.reveal()) is None:
        return f"{webhook} holds no https address."
    network = workspace.network
    way = Cloud("live", network.proxy, network.ca, network.strict)
    async with Http(way) as http:
        # Once: a second message would be a second alarm.
        answer = await http.send(
            "POST", address, repeat=Repeat.ONCE, json=message.form(workspace.notify.form)
        )
    return "" if answer.is_success else f"it answered {answer.status_code}."
