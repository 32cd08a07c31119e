"""Find, read and check a workspace's `accounts.toml`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

from bcrunbook.accounts.customers import CustomerFiles
from bcrunbook.accounts.mistakes import Keys, Report, keys_of, raise_if_any, shown
from bcrunbook.accounts.model import (
    ALLOWED,
    FILE_NAME,
    ONE_OF,
    REQUIRED,
    Account,
    LedgerTable,
    NetworkSettings,
    NotifySettings,
    RehearsalTable,
    RunsTable,
    SignInSettings,
    Workspace,
)
from bcrunbook.accounts.toml_report import TomlReport
from bcrunbook.accounts.which_workspace import other_workspace
from bcrunbook.errors import FixInput, nearest
from bcrunbook.limits import MAX_NAME_LENGTH
from bcrunbook.person import WORKSPACE_VARIABLE
from bcrunbook.secrets import keep_from_others
from bcrunbook.skipped import dates

_ACCOUNT_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,29}")
_NAME_EXPECTED: Final = (
    "expected a name of at most 30 lower-case letters, digits and dashes that begins with a letter"
)


def template() -> str:
    """The starter `accounts.toml` of `bcrunbook init`; two values in it say PLACEHOLDER."""
    import importlib.resources

    file = importlib.resources.files(__package__) / "template.toml"
    text = file.read_text(encoding="utf-8")
    return text.replace("MAX_NAME_LENGTH", str(MAX_NAME_LENGTH))


def find_workspace(start: Path | str | None) -> Path:
    """The workspace folder that is meant.

    Args:
        start: what the person named, if anything: the folder, or the accounts.toml in it. Otherwise
            it is BCRUNBOOK_WORKSPACE, or the nearest folder upwards that holds an accounts.toml.

    Raises:
        FixInput: nothing was named, and there is none here or above.
    """
    named = start or os.environ.get(WORKSPACE_VARIABLE)
    if named:
        path = Path(named).expanduser().resolve()
        return path.parent if path.name == FILE_NAME and not path.is_dir() else path
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    raise FixInput(
        "There is no workspace here.",
        where=f"{here} and the folders above it",
        why=f"a workspace is a folder that holds {FILE_NAME}",
        next=other_workspace(None),
    )


def load(workspace: Path) -> Workspace:
    """Read and check `accounts.toml`, and the files of customers that it names.

    Args:
        workspace: the folder that holds it.

    Raises:
        FixInput: a file cannot be read or used; lists every mistake.
    """
    root = Path(workspace).expanduser().resolve()
    report = TomlReport(root / FILE_NAME)
    data = report.parse()
    context = {"root": root}

    def table(key: str) -> dict[str, Any]:
        return report.table(data, key)

    known = ("defaults", "network", "ledger", "runs", "rehearsal", "notify", "accounts")
    report.unknown_keys(data, (), known)
    network = report.check(NetworkSettings, table("network"), ("network",), context)
    ledger = report.check(LedgerTable, table("ledger"), ("ledger",), context)
    runs = report.check(RunsTable, table("runs"), ("runs",), context)
    rehearsal = report.check(RehearsalTable, table("rehearsal"), ("rehearsal",), context)
    notify = report.check(NotifySettings, table("notify"), ("notify",), context)
    if table("notify") and "webhook" not in table("notify"):
        wanted = NotifySettings.model_fields["webhook"].description
        report.add(("notify", "webhook"), f"is missing; expected {wanted}")
    defaults, raw = table("defaults"), table("accounts")
    report.unknown_keys(defaults, ("defaults",), keys_of(Account) - {"name", "customers"})
    files = CustomerFiles(root)
    if not raw and set(data) <= set(known):
        report.add(
            ("accounts",),
            "at least one account is needed, under a heading such as [accounts.trial]",
        )
    accounts: dict[str, Account] = {}
    for name, own in raw.items():
        keys = ("accounts", name)
        if not _ACCOUNT_NAME.fullmatch(name):
            report.add(keys, _NAME_EXPECTED)
        elif isinstance(own, dict):
            merged = _with_defaults(own, defaults)
            _check_keys(report, keys, merged, raw, defaults)
            if merged.get("cloud") == "rehearsal" and not table("rehearsal").get("dir"):
                report.add(
                    ("rehearsal", "dir"),
                    f'is missing, and accounts.{name}.cloud is "rehearsal"; expected the folder '
                    "that holds rehearsal.json",
                )
            customers = merged.get("customers", {})
            merged["customers"] = files.customers(report, (*keys, "customers"), customers)
            account = report.check(Account, {**merged, "name": name}, keys, context)
            if account is not None:
                accounts[name] = account
        else:
            report.table(raw, name, ("accounts",))
    _check_instances(report, accounts)
    raise_if_any([report, *files.reports.values()])
    assert network is not None and ledger is not None
    assert runs is not None and rehearsal is not None and notify is not None
    found = Workspace(
        root=root,
        accounts=accounts,
        ledger_url=ledger.url,
        runs_url=runs.url,
        journal=runs.journal,
        network=network,
        rehearsal=rehearsal.dir,
        notify=notify,
    )
    keep_secrets_from_others(found)
    dates.follow(found.rehearsal)
    return found


def keep_secrets_from_others(workspace: Workspace) -> None:
    """See that what an account has in an environment variable is for this program alone.

    `load` does so; whoever got a workspace in another way has to ask for it.
    """
    webhook = workspace.notify.webhook
    if webhook is not None and webhook.scheme == "env":
        keep_from_others(webhook.rest)
    for account in workspace.accounts.values():
        sign_in = account.sign_in
        for one in (account.codat_api_key, sign_in.secret, sign_in.certificate_password):
            if one is not None and one.scheme == "env":
                keep_from_others(one.rest)
        if sign_in.token_from is not None and sign_in.token_from.variable:
            keep_from_others(sign_in.token_from.variable)


def _check_instances(report: Report, accounts: dict[str, Account]) -> None:
    """Note where two accounts share a Codat instance: it keeps one pair of keys."""
    first: dict[tuple[str, str], str] = {}
    for account in accounts.values():
        for key, shared in (
            ("codat_instance", account.identity.instance),
            ("codat_api_key", str(account.codat_api_key or "")),
        ):
            other = first.setdefault((account.cloud, f"{key} {shared}"), account.name)
            if shared and other != account.name:
                report.add(
                    ("accounts", account.name, key),
                    f"is that of the account {other} as well; expected an instance of its own, as"
                    " an instance keeps the keys of one application",
                )
                break


def _check_one_of(report: Report, inside: Keys, sign_in: dict[str, Any], method: str) -> None:
    """Note where a method has neither of two keys, or both."""
    first, second = ONE_OF[method]
    if first in sign_in and second in sign_in:
        report.add((*inside, second), f"does not go with {first}; leave out one of the two")
    if first not in sign_in and second not in sign_in:
        fields = SignInSettings.model_fields
        report.add(
            (*inside, first),
            f'is missing; method = "{method}" needs {first}, {fields[first].description}, or'
            f" {second}, {fields[second].description}",
        )


def _with_defaults(own: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """An account's keys over those of [defaults]."""
    merged = {**defaults, **own}
    if merged.get("kind") == "trial" and "requires" not in own:
        # It says of production accounts what they wait for; a trial waits for nothing.
        merged.pop("requires", None)
    ours, theirs = own.get("sign_in"), defaults.get("sign_in")
    if isinstance(ours, dict) and isinstance(theirs, dict):
        # Keys of one method make no sense under another.
        same = ours.get("method") in (None, theirs.get("method", "browser"))
        merged["sign_in"] = {**theirs, **ours} if same else ours
    return merged


def _check_keys(
    report: Report,
    keys: Keys,
    account: dict[str, Any],
    accounts: dict[str, Any],
    defaults: dict[str, Any],
) -> None:
    """Note which keys do not go together, which no key can tell by itself."""
    if "name" in account:
        report.unknown_keys(["name"], keys, keys_of(Account) - {"name"})
    sign_in = account.get("sign_in", {})
    method = sign_in.get("method", "browser") if isinstance(sign_in, dict) else None
    if isinstance(method, str) and method in ALLOWED:
        allowed, inside = ALLOWED[method], (*keys, "sign_in")
        for key in sign_in.keys() & keys_of(SignInSettings) - allowed - {"method"}:
            goes = ", ".join(sorted(allowed)) or "no other key"
            report.add((*inside, key), f'does not go with method = "{method}", which takes: {goes}')
        for key in REQUIRED.get(method, ()):
            if key not in sign_in:
                wanted = SignInSettings.model_fields[key].description
                report.add((*inside, key), f'is missing; method = "{method}" needs {wanted}')
        if method in ONE_OF:
            _check_one_of(report, inside, sign_in, method)
    required = account.get("requires")
    if isinstance(required, str):
        where = (*keys, "requires")
        other = accounts.get(required)
        # One whose kind is misspelt is reported for that, and meant all the same.
        trials = [
            name
            for name, table in accounts.items()
            if isinstance(table, dict) and table.get("kind", defaults.get("kind")) != "production"
        ]
        if account.get("kind") == "trial":
            report.add(where, "only a production account can require another")
        elif other is None:
            report.add(
                where,
                f"there is no account {shown(required)}; {nearest(required, trials)}",
            )
        elif required not in trials:
            report.add(
                where,
                f"expected a trial account, and {shown(required)} is none; "
                f"{nearest(required, trials)}",
            )
