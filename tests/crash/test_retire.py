"""Killed, or an answer lost, while something is retired or restored: the next run goes on.

Nothing of ours is left over, nobody else's is touched, and what is at rest stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import FILE_NAME, load
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    LINK_CUSTOMER,
    RESTORE_ACCOUNT,
    RETIRE_ACCOUNT,
    RETIRE_CUSTOMER,
)
from bcrunbook.steps.retired import note_restored, retired
from tests.conftest import stored_secrets
from tests.crash.harness import CrashHarness, set_up_harness
from tests.rehearsal.codat_support import Codat
from tests.rehearsal.support import client_of
from tests.support.independent_client import IndependentClient
from tests.support.portal import set_enabled
from tests.support.running import ALONE

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked, to be quick")

ANY_REQUEST = ""
WRITES = r"/(oauth2PermissionGrants|servicePrincipals|applications|deletedItems|connections)/."
"""The paths of what is written; what is read goes by other addresses, or in a batch."""
MOST_REQUESTS = 40
MOMENTS = ("before", "after", "lost")


@dataclass
class Ending:
    """One account that is retired and restored again and again, and what has to hold meanwhile.

    Args:
        harness: where it happens.
        account: its name.
        path: which requests are disturbed, as a regular expression.
    """

    harness: CrashHarness
    account: str
    path: str

    def __post_init__(self) -> None:
        """Set it up, beside an application of somebody else's."""
        self.root = self.harness.workspace(self.account)
        self.client = IndependentClient(self.harness.cloud)
        other = {"displayName": "Of another team", "tags": [f"other-{self.account}"]}
        made = self.client.call("POST", "/applications", other).json()
        self.client.call("POST", "/servicePrincipals", {"appId": made["appId"]})
        path = f"/applications/{made['id']}/addPassword"
        self.client.call("POST", path, {"passwordCredential": {"displayName": "theirs"}})
        assert self.harness.program.run(self.root, self.account, ALONE) is not None
        self.app_id = self.client.application(self.account)["appId"]
        self.others = self.strangers()

    def disturb(self, nth: int, moment: str, step: str, customer: str = "") -> bool:
        """Disturb a run at its nth request; False when it makes no such request."""
        whole = (self.root, self.account, (step,), "", customer, self.path)
        if moment == "lost":
            return self.harness.lose_answer(nth, *whole)
        return self.harness.kill_at(nth, moment, *whole)

    def run(self, *steps: str, customer: str = "") -> Sequence[str]:
        """Run undisturbed until it has passed; a lost answer may have ended the run before."""
        self.harness.set()
        states: Sequence[str] | None = None
        for _ in range(2):
            states = self.harness.program.run(self.root, self.account, steps, customer)
            if states is not None and set(states) <= {"done", "changed"}:
                break
        assert states is not None and set(states) <= {"done", "changed"}, states
        return states

    def strangers(self) -> list[Any]:
        """What somebody else has in the tenant."""
        listed = self.client.call("GET", "/applications").json()["value"]
        theirs = [one for one in listed if f"other-{self.account}" in one["tags"]]
        found = [
            self.client.call("GET", f"/servicePrincipals(appId='{one['appId']}')").json()["id"]
            for one in theirs
        ]
        return [*theirs, *found]

    def is_retired(self, customer: str = "") -> bool:
        """Whether the ledger has it for retired."""
        workspace = load(self.root)
        whose = workspace.account(self.account).identity
        with open_ledger(workspace.ledger_url, self.root) as ledger:
            return retired(ledger, whose, customer) is not None

    def check_gone(self) -> None:
        """Nothing of the account is left, and everything of the others'."""
        assert self.client.applications(self.account) == []
        own = f"/servicePrincipals(appId='{self.app_id}')"
        assert self.client.call("GET", own).status_code == 404
        assert stored_secrets(self.root.parent / "secret-store", self.account) == []
        assert self.strangers() == self.others
        assert self.is_retired()

    def check_back(self) -> None:
        """The same application is there again, without a secret that anybody could use."""
        app = self.client.application(self.account)
        assert (app["appId"], app["passwordCredentials"]) == (self.app_id, [])
        own = f"/servicePrincipals(appId='{self.app_id}')"
        assert self.client.call("GET", own).status_code == 200
        assert not self.is_retired()


@contextmanager
def ending(harness: CrashHarness, account: str, path: str) -> Iterator[Ending]:
    """An account that is set up, for as long as it is retired again and again."""
    one = Ending(harness, account, path)
    try:
        yield one
    finally:
        one.client.http.close()


def disturb_all(one: Ending, moment: str) -> int:
    """Retire and restore, disturbed at the first request, then at the second, and so on.

    Returns:
        At how many requests one was.
    """
    points = 0
    for nth in range(1, MOST_REQUESTS):
        first = one.disturb(nth, moment, RETIRE_ACCOUNT)
        one.run(RETIRE_ACCOUNT)
        one.check_gone()
        assert one.run(RETIRE_ACCOUNT) == ["done"], "at rest nothing is changed"
        second = one.disturb(nth, moment, RESTORE_ACCOUNT)
        one.run(RESTORE_ACCOUNT)
        one.check_back()
        if not first and not second:
            break
        points += first + second
        one.run(CLIENT_SECRET, API_PERMISSIONS)
    return points


@pytest.mark.parametrize("moment", ["after", "lost"])
def test_an_account_disturbed_at_every_write(
    harness: CrashHarness, moment: str, tmp_path: Path
) -> None:
    """Four writes take it down, and two bring it back."""
    with ending(replace(harness, folder=tmp_path), f"write-{moment}", WRITES) as one:
        assert disturb_all(one, moment) == 6


@pytest.mark.lasting
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_account_disturbed_at_every_request(moment: str, tmp_path: Path) -> None:
    """The same at each request, of which most only look; a day's calls to Codat are for one."""
    with set_up_harness(tmp_path) as harness, ending(harness, moment, ANY_REQUEST) as one:
        assert disturb_all(one, moment) > 20


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_customer_disturbed_at_the_write(
    harness: CrashHarness, moment: str, tmp_path: Path
) -> None:
    """The open connection is removed, and a company of somebody else's has its own still."""
    with ending(replace(harness, folder=tmp_path), f"customer-{moment}", WRITES) as one:
        assert disturb_customer(one, moment) == 1


@pytest.mark.lasting
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_customer_disturbed_at_every_request(moment: str, tmp_path: Path) -> None:
    """The same at each request."""
    with set_up_harness(tmp_path) as harness, ending(harness, moment, ANY_REQUEST) as one:
        assert disturb_customer(one, moment) >= 6


def disturb_customer(one: Ending, moment: str) -> int:
    """Retire a customer, disturbed at the first request, then at the second, and so on.

    Returns:
        At how many requests one was.
    """
    with (one.root / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(
            f'[accounts.{one.account}.customers.mill]\nname = "Mill Ltd"\n'
            'contact = "ada@mill.example"\n'
        )
    set_enabled(one.harness.cloud, True)
    workspace = load(one.root)
    whose = workspace.account(one.account).identity
    tag = f"/companies?page=1&tags=bcrunbook-customer={one.account}.mill"
    with client_of(one.harness.cloud) as http:
        codat = Codat(http, one.harness.cloud.codat["api_key"])
        others = codat.company(name="Of another team")["id"]
        codat.connection(others)
        for nth in range(1, MOST_REQUESTS):
            one.harness.set()
            one.harness.program.run(one.root, one.account, (LINK_CUSTOMER,), "mill")
            (company,) = codat("GET", tag).json()["results"]
            assert len(company["dataConnections"]) == 1
            was_disturbed = one.disturb(nth, moment, RETIRE_CUSTOMER, "mill")
            one.run(RETIRE_CUSTOMER, customer="mill")
            (company,) = codat("GET", tag).json()["results"]
            assert company["dataConnections"] == []
            assert one.is_retired("mill")
            assert len(codat("GET", f"/companies/{others}").json()["dataConnections"]) == 1
            if not was_disturbed:
                return nth - 1
            with open_ledger(workspace.ledger_url, one.root) as ledger:
                note_restored(ledger, Scope(whose, RETIRE_CUSTOMER, "mill"))
    raise AssertionError("a retirement makes fewer requests than these")
