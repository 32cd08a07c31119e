"""MSAL's failures as errors with advice: its answers, which are dicts, and what it raises."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from bcrunbook import aadsts
from bcrunbook.errors import (
    AskAdministrator,
    FixInput,
    ReportBug,
    RunbookError,
    SignInAgain,
    Unreachable,
    WaitAndRetry,
    not_the_service,
    without_frames,
)
from bcrunbook.secrets import Secret, scrub
from bcrunbook.signin.msal_http import MsalHttpClient

BROWSER_TIMEOUT: Final = 300
"""Seconds that a person has for the sign-in in a browser."""

_OF_APPLICATION: Final = (
    "compare sign_in in accounts.toml (client id, secret, certificate or federated token) with the"
    " application in Entra; its sign-in log there, service principals, says more"
)

R = TypeVar("R")

_TOKENS: Final = frozenset({"access_token", "refresh_token", "id_token"})

# OAuth errors (RFC 6749, RFC 8628, Entra's own); any other is answered by signing in again, or,
# where an application signs in, by looking after its registration.
_KINDS: Final[dict[str, type[RunbookError]]] = {
    "consent_required": AskAdministrator,
    "access_denied": AskAdministrator,
    "authorization_declined": AskAdministrator,
    "invalid_client": FixInput,
    "unauthorized_client": FixInput,
    "invalid_request": FixInput,
    "invalid_resource": FixInput,
    "invalid_scope": ReportBug,
    "unsupported_grant_type": ReportBug,
    "temporarily_unavailable": WaitAndRetry,
    "server_error": WaitAndRetry,
}


def sign_in_error(answer: dict[str, Any], where: str, *, by_person: bool) -> RunbookError:
    """Turn MSAL's failure dict into an error with advice.

    Args:
        answer: what MSAL returned (`error`, `error_description`, `error_codes`, ...).
        where: which sign-in it was.
        by_person: whether a person signs in, who could do so again; not so an application.
    """
    error = str(answer.get("error", ""))
    description = scrub(str(answer.get("error_description", "")), where="sign-in error")
    first = (description.splitlines() or [error])[0]
    kind = _KINDS.get(error, SignInAgain if by_person else FixInput)
    # MSAL calls the suberror of a kept sign-in its classification.
    if "consent_required" in (answer.get("suberror"), answer.get("classification")):
        kind = AskAdministrator
    return advised(
        kind,
        f"Entra refused the sign-in: {first}",
        where=where,
        text=description,
        otherwise="sign in again" if by_person else _OF_APPLICATION,
        request_id=str(answer.get("correlation_id", "")),
        code=error,
    )


def advised(
    kind: Callable[..., RunbookError],
    what: str,
    *,
    where: str,
    text: str,
    next: str = "",
    otherwise: str = "",
    code: str = "",
    request_id: str = "",
) -> RunbookError:
    """An error with the advice that an AADSTS code in its text stands for.

    Args:
        kind: makes the error.
        what: what happened.
        where: which sign-in it was.
        text: where a code may stand.
        next: the next action, whatever the code; empty to take the code's.
        otherwise: the next action without a known code.
        code: what the error bears when the text has no AADSTS code.
        request_id: what Microsoft's support asks for.
    """
    number, advice = aadsts.code_in(text), aadsts.advice_in(text)
    if kind is AskAdministrator:
        # Who is not allowed to ask for a token may still be let in, or do the same as themselves.
        kind = partial(AskAdministrator, by_hand=True)
    return kind(
        what,
        where=where,
        why=advice.meaning if advice else "",
        next=next or (advice.next if advice else otherwise),
        who=advice.who if advice else "you",
        code=f"AADSTS{number}" if number is not None else code,
        request_id=request_id,
        section="start_here#sign-in",
    )


async def in_thread(
    client: MsalHttpClient, where: str, call: Callable[..., R], *args: Any, **kwargs: Any
) -> R:
    """Make one of MSAL's blocking calls; whatever it raises comes out as an error with advice.

    No frame of MSAL's is left in it, and no token is plain in what it returns: the access token is
    a `Secret`, and the others stay in MSAL's cache.

    Args:
        client: what MSAL sends through.
        where: which sign-in it is.
        call: the call.
        *args: what it takes.
        **kwargs: what it takes by name.
    """
    failed: BaseException
    try:
        answer = await asyncio.to_thread(call, *args, **kwargs)
    except RunbookError as error:
        failed = without_frames(error)
    except Exception as error:
        failed = client.asked_to_wait(where) or fault(error, where)
    else:
        if isinstance(answer, dict):
            refused = client.asked_to_wait(where) if "error" in answer else None
            if refused is None:
                return _veiled(answer)  # type: ignore[return-value]
            failed = refused
        else:
            return answer
    raise failed


def _veiled(answer: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in answer.items() if name not in _TOKENS}
    if token := answer.get("access_token"):
        kept["access_token"] = Secret(token)
    return kept


def fault(error: Exception, where: str) -> RunbookError:
    """What an exception of MSAL means: it raises for service, network and browser alike."""
    from msal.exceptions import MsalError
    from msal.oauth2cli.oauth2 import BrowserInteractionTimeoutError

    if isinstance(error, BrowserInteractionTimeoutError):
        return SignInAgain(
            "Nobody finished the sign-in in the browser.",
            where=where,
            why=f"the window was closed, or {BROWSER_TIMEOUT // 60} minutes went by",
            next="run again and sign in, or choose method device_code",
            section="start_here#sign-in",
        )
    if isinstance(error, MsalError):
        text = scrub(str(error), where="sign-in error")
        return WaitAndRetry(
            f"Entra is out of order: {text}.", where=where, next="wait a minute and run again"
        )
    if isinstance(error, json.JSONDecodeError | RecursionError):
        return not_the_service("Entra", where)
    if isinstance(error, OSError):
        return Unreachable(
            f"The sign-in failed on this machine ({type(error).__name__}).",
            where=where,
            why="a port for the browser's answer, or the kept sign-in's file, cannot be used",
            next="run again; if it stays, choose method device_code and cache memory",
        )
    return ReportBug(
        f"The sign-in failed in a way nobody expected ({type(error).__name__}).",
        where=where,
        why=scrub(str(error), where="sign-in error"),
        next="run again; if it stays, report this",
    )
