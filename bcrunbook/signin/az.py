"""A token from the Azure CLI's own login."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Final

from bcrunbook import aadsts
from bcrunbook.errors import FixInput, RunbookError, SignInAgain, Unreachable
from bcrunbook.hosts import AZURE_MANAGEMENT, GRAPH
from bcrunbook.secrets import Secret, Veiled, environment_for_others, scrub
from bcrunbook.signin.model import Token
from bcrunbook.signin.refusals import advised

_TIMEOUT: Final = 120
# What a header may hold: a program in between may have made quotes curly.
_TOKEN: Final = re.compile("[!-~]+")

# Those that the Azure CLI has a word for; any other is named by its address.
_KINDS: Final = {
    GRAPH: ("--resource-type", "ms-graph"),
    AZURE_MANAGEMENT: ("--resource-type", "arm"),
}


def ask_az(resource: str, account: str, tenant: str) -> tuple[Token, float]:
    """Ask the Azure CLI for a token; blocks for about a second.

    Args:
        resource: what the token is for.
        account: the account's name, for messages.
        tenant: the tenant's id or domain.

    Returns:
        The token, and when it ends (seconds since 1970; 0 when az did not say).

    Raises:
        FixInput, SignInAgain, Unreachable: there is no az, no login, or no answer.
    """
    where = "az account get-access-token"
    program = shutil.which("az")
    if program is None:
        raise FixInput(
            "The Azure CLI is not on this machine's PATH.",
            where=f'account "{account}", sign_in.method = "az"',
            next="install it and run az login, or choose method browser",
        )
    command = [
        program,
        "account",
        "get-access-token",
        *_KINDS.get(resource, ("--resource", resource)),
    ]
    command += ["--tenant", tenant, "--output", "json"]
    try:
        code, answer, errors = _run(command)
    except (OSError, subprocess.TimeoutExpired) as error:
        failed: RunbookError = Unreachable(
            f"The Azure CLI could not be asked ({type(error).__name__}).",
            where=where,
            next="run az account show in a terminal: it has to answer there",
        )
    else:
        if code != 0:
            raise _refusal(errors, where, tenant)
        if (token := _token(answer)) is not None:
            return token
        failed = SignInAgain(
            "The Azure CLI answered in a form that is not known here.",
            where=where,
            next="update the Azure CLI, or choose method browser",
        )
    raise failed


def _run(command: list[str]) -> tuple[int, Veiled[str], str]:
    """Its exit code, its answer, and what it wrote to stderr."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_TIMEOUT,
        env=environment_for_others(),
        check=False,
    )
    return done.returncode, Veiled(done.stdout), done.stderr


def _token(answer: Veiled[str]) -> tuple[Token, float] | None:
    """The token in an answer, and when it ends; None when the answer is not understood."""
    try:
        fields = json.loads(answer.reveal())
        value, issuer = fields["accessToken"], fields["tenant"]
        if not (isinstance(value, str) and _TOKEN.fullmatch(value) and isinstance(issuer, str)):
            return None
        ends = float(fields.get("expires_on") or 0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Token(Secret(value), issuer, "", frozenset(), None), ends


def _refusal(text: str, where: str, tenant: str) -> RunbookError:
    lines = [line.removeprefix("ERROR:").strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if aadsts.code_in(line) is not None] or lines
    advice = aadsts.advice_in(text)
    login = f"run: az login --tenant {tenant}"
    return advised(
        SignInAgain,
        "The Azure CLI gave no token: "
        + scrub(telling[0] if telling else "no message", where="az error"),
        where=where,
        next=f"{advice.next}; then {login}" if advice else login,
        text=text,
    )
