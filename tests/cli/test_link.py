"""`bcrunbook link`, `notice --with-link` and `check`, for a customer in the rehearsal cloud."""

from __future__ import annotations

import asyncio
import email
import email.policy
from pathlib import Path

from bcrunbook.hosts import CODAT_HOST
from bcrunbook.rehearsal import launch
from bcrunbook.steps.opening import open_context
from tests.cli.conftest import Command
from tests.conftest import requests_of
from tests.support.linking import lab_customer, run_link_customer, set_up


def test_the_link_is_shown_and_kept_nowhere(command: Command, tmp_path: Path) -> None:
    """On stdout alone, for the customer's browser; in the draft only when asked for.

    contract C8.17, C8.19 and C8.21
    """
    with launch(tmp_path / "rehearsal" / "cloud", skips=True, lags="worst") as cloud:
        customers = [lab_customer("ready", "Normal")]
        workspace = asyncio.run(set_up(tmp_path / "rehearsal", cloud, customers))
        root = workspace.root
        early = command("link", "trial", "ready", "-w", root)
        assert early.code == 2 and "bcrunbook run trial --customer ready" in early.err

        async def prepare() -> None:
            async with open_context(workspace, workspace.account("trial")) as context:
                await run_link_customer(context, "ready")

        asyncio.run(prepare())
        shown = command("link", "trial", "ready", "-w", root)
        assert shown.code == 0
        link = shown.out.strip()
        assert link.startswith(f"{cloud.pages}/link-api.codat.io/")
        before = len(requests_of(cloud, CODAT_HOST))
        assert command("link", "trial", "ready", "-w", root, "--json").data["link"] == link
        read = [one["path"] for one in requests_of(cloud, CODAT_HOST)[before:]]
        assert [path for path in read if "/connections" in path]
        assert command("notice", "trial", "ready", "-w", root).code == 0
        holding = [one for one in root.rglob("*") if one.is_file()]
        assert not [one for one in holding if link.encode() in one.read_bytes()]
        asked = command("notice", "trial", "ready", "-w", root, "--with-link")
        assert asked.code == 0 and "only once" in asked.err
        draft = (root / "notices" / "trial" / "ready.eml").read_bytes()
        message = email.message_from_bytes(draft, policy=email.policy.default)
        body = message.get_body(("plain",))
        assert body is not None and link in body.get_content()
        checked = command("check", "trial", "-w", root, "--json")
        assert checked.code == 0, checked.err
        (account,) = checked.data["accounts"]
        assert account["step"] == "health_check"
        assert command("check", "-w", root).code == 0
        assert command("check", "trial", "--all", "-w", root).code == 2
