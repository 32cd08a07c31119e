"""A platform's token for the job that runs on it, asked for anew whenever it is needed.

Which platform, `token_from` in accounts.toml says; how each is asked is contract G26. The addresses
to ask come from the environment, which many write: what proves the job goes to hosts of the
platform's own and to no other, over https.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from bcrunbook import throttled
from bcrunbook.accounts.token_source import (
    AZURE_PIPELINES,
    ENVIRONMENT,
    GITHUB,
    MANAGED_IDENTITY,
    TokenSource,
)
from bcrunbook.errors import FixInput, RunbookError, not_the_service
from bcrunbook.hosts import AZURE_DEVOPS_HOSTS, GITHUB_ACTIONS_HOST, TOKEN_EXCHANGE
from bcrunbook.http.authorization import Authorization, Form
from bcrunbook.http.repeat import Repeat
from bcrunbook.http.response import is_strange, own_address
from bcrunbook.secrets import Secret
from bcrunbook.signin.from_thread import FromThread
from bcrunbook.signin.managed_identity import ManagedIdentity

if TYPE_CHECKING:
    from httpx import URL

    from bcrunbook.http.response import Response

_API_VERSION: Final = "7.1"
_KEEPER: Final = "you, or whoever keeps the pipeline"


def assertion_from(source: TokenSource, sender: FromThread, account: str) -> Callable[[], str]:
    """A function that asks the platform for its token, anew at each call; call it in a thread.

    Args:
        source: which platform.
        sender: sends for the thread that it is called in.
        account: the account's name, for messages.

    Raises:
        FixInput: (the function) the platform has not given this job what it takes; says what to
            add to the workflow.
        WaitAndRetry, Unreachable: (the function) the platform did not answer.
    """
    where = f'account "{account}", sign_in.token_from = "{source}"'
    if source.platform == MANAGED_IDENTITY:
        return ManagedIdentity(source.rest, sender, where)
    if source.platform == ENVIRONMENT:
        return lambda: _of_variable(source.rest, where)
    platforms = {GITHUB: _of_github, AZURE_PIPELINES: _of_azure_pipelines}
    ask = platforms[source.platform]
    return lambda: ask(sender, source.rest, where)


def _of_variable(name: str, where: str) -> str:
    value = os.environ.get(name, "").strip()
    if value:
        return Secret(value).reveal()
    raise FixInput(
        f"The environment variable {name} holds no token.",
        where=where,
        why="the platform sets it for jobs that ask for it, and this one does not",
        next=f'in GitLab, add to the job: id_tokens: {{{name}: {{aud: "{TOKEN_EXCHANGE}"}}}}',
        who=_KEEPER,
    )


def _of_github(sender: FromThread, server: str, where: str) -> str:
    """The token of a GitHub Actions job (contract G26.1 to G26.3)."""
    advice = "add to the job in the workflow: permissions: {id-token: write, contents: read}"
    url = _given("ACTIONS_ID_TOKEN_REQUEST_URL", "GitHub Actions", where, advice)
    proof = _given("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GitHub Actions", where, advice)
    own = f'name that server: token_from = "{GITHUB}:HOST"'
    address = _checked(
        url, (server or GITHUB_ACTIONS_HOST,), "ACTIONS_ID_TOKEN_REQUEST_URL", where, own
    )
    return _asked(
        sender,
        "GET",
        address.copy_merge_params({"audience": TOKEN_EXCHANGE}),
        proof,
        "GitHub Actions",
        "value",
        where,
    )


def _of_azure_pipelines(sender: FromThread, connection: str, where: str) -> str:
    """The token of a service connection (contract G26.6 to G26.8)."""
    advice = "give the step that runs this: env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}"
    url = _given("SYSTEM_OIDCREQUESTURI", "Azure Pipelines", where, "run it in Azure Pipelines")
    proof = _given("SYSTEM_ACCESSTOKEN", "Azure Pipelines", where, advice)
    own = "run it by an agent of Azure DevOps Services"
    address = _checked(url, AZURE_DEVOPS_HOSTS, "SYSTEM_OIDCREQUESTURI", where, own)
    asked = {"api-version": _API_VERSION, "serviceConnectionId": connection}
    return _asked(
        sender,
        "POST",
        address.copy_merge_params(asked),
        proof,
        "Azure Pipelines",
        "oidcToken",
        where,
        # Without it a refusal is a page to sign in at (contract G26.8).
        headers={"X-TFS-FedAuthRedirect": "Suppress", "Content-Type": "application/json"},
        form=Form(""),
    )


def _given(variable: str, platform: str, where: str, advice: str) -> Secret:
    value = os.environ.get(variable, "").strip()
    if value:
        return Secret(value)
    raise FixInput(
        f"{platform} has given this job no way to ask for a token: {variable} is not set.",
        where=where,
        why=f"the job does not ask for it, or this does not run in {platform}",
        next=advice,
        who=_KEEPER,
    )


def _checked(url: Secret, hosts: tuple[str, ...], variable: str, where: str, own: str) -> URL:
    """The address, if what proves the job may be sent there."""
    address = own_address(url.reveal(), hosts)
    if address is not None:
        return address
    raise FixInput(
        f"{variable} leads where nobody may see what proves this job.",
        where=where,
        why=f"only these hosts are asked, over https: {', '.join(hosts)} and those below",
        next=f"find out who has set the variable; if the server is yours, {own}",
        who=_KEEPER,
    )


def _asked(
    sender: FromThread,
    method: str,
    address: URL,
    proof: Secret,
    platform: str,
    field: str,
    where: str,
    **more: Any,
) -> str:
    """The token that a platform answers with, in one field of its answer."""
    response = sender.send(
        method,
        str(address),
        repeat=Repeat.SAFE,
        authorization=Authorization("Bearer", proof, f"https://{address.host}"),
        **more,
    )
    if is_strange(response):
        raise not_the_service(platform, where)
    answer = response.json() if response.is_success else None
    token = answer.get(field) if isinstance(answer, dict) else None
    if isinstance(token, str) and token:
        return Secret(token).reveal()
    raise _refusal(response, platform, where)


def _refusal(response: Response, platform: str, where: str) -> RunbookError:
    status = response.status_code
    said = f"{platform} gave no token ({status})."
    if status == 429 or status >= 500:
        return throttled.busy(said, response.headers.get("Retry-After", ""), where=where)
    return FixInput(
        said,
        where=where,
        why="what proves the job is that of another one, the job has ended, or it may not use what"
        " token_from names",
        next="run the job again from its beginning; if it stays, compare token_from with the"
        " platform's settings, and see there that the pipeline may use it",
        who=_KEEPER,
    )
