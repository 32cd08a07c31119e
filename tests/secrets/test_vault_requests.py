"""What Key Vault's own library sends for the program."""

from __future__ import annotations

import re

from azure.keyvault.secrets._shared import HttpChallengeCache

from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.secrets import Secret
from tests.conftest import requests_of
from tests.secrets.test_vault import MakeStore, in_vault, opened

__all__ = ["in_vault"]


async def test_what_is_written_is_read_back(
    in_vault: MakeStore, cloud: RehearsalDescription
) -> None:
    """First a question without token, then the version that was made.

    contract G22.5, G22.8 and G23.8
    """
    host = cloud.accounts["trial"]["vault"].removeprefix("https://")
    # The library remembers for the whole process what a vault asks for, whoever asked first.
    HttpChallengeCache.clear()
    before = len(requests_of(cloud, host))
    async with opened(in_vault()) as (store, _):
        await store.put("read/back", Secret("a-value-to-read-back-3391"))
    asked = requests_of(cloud, host)[before:]
    assert asked[0]["status"] == 401 and asked[1]["status"] != 401
    assert all("api-version=2026-04-01" in one["path"] for one in asked)
    path = r"/secrets/bcrunbook-read--back/[0-9a-f]{32}\?"
    assert [one for one in asked if one["method"] == "GET" and re.match(path, one["path"])]
