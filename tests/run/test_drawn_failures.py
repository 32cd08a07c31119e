"""However a run fails, no secret is in what it leaves: notebooks, report, ledger, what it said."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from tests.conftest import lay_out
from tests.run.conftest import leaks
from tests.support.program import PROGRAM
from tests.support.share import number
from tests.support.troubled import troubled

RUNS = number("FAILED_RUNS", usual=2, whole=5)
ASKED = {
    "graph.microsoft.com": ("batch", "applications", "addPassword", "servicePrincipals", "Grants"),
    "login.microsoftonline.com": ("token", "openid-configuration", "instance"),
    "api.codat.io": ("profile", "integrations"),
    "management.azure.com": ("tenants",),
}
FAILS: tuple[dict[str, Any], ...] = (
    {"status": 500, "body": "<html>gateway</html>"},
    {"status": 200, "body": "<html>sign on to this network</html>"},
    {"status": 302, "headers": {"Location": "https://portal.example/"}},
    {"status": 200, "body": {"value": 5, "access_token": 5, "responses": None}},
    {"status": 401, "body": {"error": {"code": "InvalidAuthenticationToken", "message": "No."}}},
    {"status": 403, "body": {"error": {"code": "Authorization_RequestDenied", "message": "No."}}},
    {"status": 400, "body": {"error": "invalid_client", "error_description": "AADSTS7000215: No"}},
    {"drop": "before"},
    {"drop": "after"},
)


def drawn(random: Random) -> list[dict[str, Any]]:
    """Rules for one run: which requests go wrong, and how."""
    rules = []
    for _ in range(random.randint(1, 3)):
        host = random.choice(list(ASKED))
        rule = {"host": host, "path": random.choice(ASKED[host]), **random.choice(FAILS)}
        if random.random() < 0.5:
            rule["nth"] = random.randint(1, 3)
        rules.append(rule)
    return rules


def test_no_secret_is_in_what_a_failed_run_leaves(tmp_path: Path) -> None:
    """With the log switched on; run again with DRAWN_FAILURES set to the seed that is printed."""
    seed = int(os.environ.get("DRAWN_FAILURES") or SystemRandom().randrange(10**9))
    print(f"DRAWN_FAILURES={seed}")
    random = Random(seed)
    with troubled(tmp_path) as cloud:
        workspace = lay_out(tmp_path, cloud.cloud, {"trial": {}})
        printed = []
        for _ in range(RUNS):
            cloud.now(*drawn(random))
            done = subprocess.run(
                [*PROGRAM, "--debug", "run", "trial", "-w", str(workspace.root)],
                capture_output=True,
                text=True,
                timeout=200,
            )
            printed += [done.stdout, done.stderr]
        assert leaks(Path(cloud.cloud.canaries), [workspace.root], *printed) == []
        key = cloud.cloud.codat["api_key"]
        kept = [one for one in workspace.root.rglob("*") if one.is_file()]
        assert not [one for one in kept if key.encode() in one.read_bytes()]
