"""`bcrunbook doctor`: is this machine ready; what it prints is safe to paste into a ticket."""

from __future__ import annotations

import asyncio
import platform
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import typer

from bcrunbook.accounts import Account, Workspace, find_workspace, load
from bcrunbook.cli import options, output
from bcrunbook.cli.tables import print_check
from bcrunbook.cloud import Cloud, cloud_of
from bcrunbook.errors import FixInput, ReportBug, RunbookError, SignInAgain
from bcrunbook.http.client import Http
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import CLIENT_SECRET, notebook_name
from bcrunbook.person import home_folder, no_home
from bcrunbook.secrets import Secret, open_store, read
from bcrunbook.services.codat.client import Codat
from bcrunbook.signin import SignIn
from bcrunbook.signin.authority import authority_error
from bcrunbook.steps.instance import check_instance


@dataclass(frozen=True)
class Check:
    """One thing that was checked: what, whether it is fine, and what to do if not."""

    name: str
    ok: bool
    text: str


def doctor(workspace: options.Workspace = None, as_json: options.Json = False) -> None:
    """Check this machine and the workspace: versions, kernel, ledger, secret stores, network."""
    checks: list[Check] = []

    def made(check: Check) -> None:
        checks.append(check)
        if not as_json:
            print_check("ok" if check.ok else "failed", check.name, check.text)

    code = asyncio.run(_every_check(workspace, made))
    if as_json:
        output.print_json(
            [{"name": check.name, "ok": check.ok, "told": check.text} for check in checks]
        )
    raise typer.Exit(code)


async def _every_check(workspace: Path | None, made: Callable[[Check], None]) -> int:
    """Make the checks, each told of when it has been made.

    Returns:
        The exit code.
    """
    made(Check("Python", True, f"{platform.python_version()} on {platform.system()}"))
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    made(Check("Packages", True, packages))
    codes: list[int] = []

    async def check(name: str, test: Callable[[], Awaitable[str]]) -> None:
        try:
            made(Check(name, True, _pasteable(await test())))
        except RunbookError as error:
            codes.append(error.exit_code)
            made(Check(name, False, _pasteable(str(error))))
        except Exception as error:
            # One check that nobody foresaw the end of says nothing about the others.
            codes.append(ReportBug.exit_code)
            made(Check(name, False, f"could not be made ({type(error).__name__})"))

    await check("Jupyter kernel", _kernel)
    try:
        loaded = load(find_workspace(workspace))
    except RunbookError as error:
        made(Check("Workspace", False, _pasteable(str(error))))
        return error.exit_code
    counted = output.counted(len(loaded.accounts), "account")
    made(Check("Workspace", True, f"{counted}, no mistakes"))
    await check("Ledger", partial(_ledger, loaded))
    for account in loaded.accounts.values():
        output.say(f"Looking at {account.name}.")
        await check(f"Secret store of {account.name}", partial(_store, loaded, account))
        await check(f"Entra, as {account.name} sees it", partial(_entra, loaded, account))
        if account.codat_api_key is not None:
            await check(f"Codat, as {account.name} sees it", partial(_codat, loaded, account))
    return next((code for code in (2, 1, 3, 4) if code in codes), 0)


_HASTE: Final = 30.0


def _pasteable(text: str) -> str:
    """The text without the person's name: not in a home folder's path, nor in an address."""
    if (home := home_folder()) is not None:
        for spelled in {home, home.resolve()} - {Path(home.anchor)}:
            text = text.replace(str(spelled), "~")
    return re.sub(r"//[^/@\s]+@", "//", text)


_PACKAGES: Final = ("bcrunbook", "ipykernel", "papermill", "msal", "httpx")


async def _kernel() -> str:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except RuntimeError:
        raise no_home() from None
    except NoSuchKernel:
        raise FixInput(
            "There is no Jupyter kernel called python3.",
            next="install it into this environment: python -m ipykernel install --sys-prefix",
        ) from None
    program = spec.argv[0]
    # jupyter_client puts this Python in the place of a bare "python".
    same = program in ("python", "python3") or Path(program) == Path(sys.executable)
    return "python3, this environment" if same else f"python3, but it starts {program}"


async def _ledger(workspace: Workspace) -> str:
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        known = [ledger.outcomes(one.identity) for one in workspace.accounts.values()]
        return f"opens, {output.counted(sum(map(len, known)), 'outcome')}"


_PROBED: Final = "a value was written, read back and removed"


async def _store(workspace: Workspace, account: Account) -> str:
    spec = account.secret_store
    if spec.startswith("keyvault:"):
        return await _vault(workspace, account)
    await open_store(spec, workspace.root).probe()
    return f"{spec}: {_PROBED}"


async def _vault(workspace: Workspace, account: Account) -> str:
    """Probe a vault where the account's sign-in works without a person; otherwise say it was not.

    A person's sign-in that is kept on this machine works, too.
    """
    async with Http(cloud_of(workspace, account)) as http:
        sign_in = SignIn(account, http, workspace.root)
        store = open_store(account.secret_store, workspace.root, vault=sign_in.vaults)
        try:
            await store.probe()
        except SignInAgain:
            if account.sign_in.method not in ("browser", "device_code"):
                raise
            return (
                f"{account.secret_store}: not tried, because it is opened with a person's sign-in"
                f" and nobody is signed in; notebook {notebook_name(CLIENT_SECRET)} tries it"
            )
    return f"{account.secret_store}: {_PROBED}"


def _hasty(workspace: Workspace, account: Account) -> Cloud:
    """The account's cloud, where a person waits for the answer: as many tries, shorter pauses."""
    cloud = cloud_of(workspace, account)
    return replace(cloud, pace=replace(cloud.pace, haste=_HASTE))


async def _codat(workspace: Workspace, account: Account) -> str:
    reference = account.codat_api_key
    assert reference is not None
    async with Http(_hasty(workspace, account)) as http:
        sign_in = SignIn(account, http, workspace.root)

        async def key() -> Secret:
            return await read(reference, workspace.root, vault=sign_in.vaults)

        profile = await Codat(http, key, client=account.codat_client).instance()
    check_instance(account, profile)
    return f'the API key works, instance "{profile.name}"'


async def _entra(workspace: Workspace, account: Account) -> str:
    cloud = _hasty(workspace, account)
    where = f'account "{account.name}", tenant = "{account.tenant}"'
    async with Http(cloud) as http:
        error = await authority_error(http, account.tenant, where=where, account=account.name)
    if error is not None:
        raise error
    return f"reached, {cloud.kind} cloud"
