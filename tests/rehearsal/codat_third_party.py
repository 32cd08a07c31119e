"""The life of a company as somebody else's program does it: Codat's own client, unmodified.

Run as a program. Where the network is, it knows from the environment alone (HTTPS_PROXY and a CA
bundle); the API key comes on stdin. It imports nothing of this package.
"""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
from codat_platform import CodatPlatform
from codat_platform.models import shared
from codat_platform.models.errors import ResponseValidationError

BUSINESS_CENTRAL_PLATFORM = "trji"
SANDBOX = "mqjo"
DEADLINE = 20.0


def main() -> None:
    """Go the whole way and print what was seen, without a secret."""
    key = str(json.load(sys.stdin)["api_key"])
    security = shared.Security(auth_header=f"Basic {base64.b64encode(key.encode()).decode()}")
    with httpx.Client() as web, CodatPlatform(security=security, client=web) as codat:
        seen = {
            "integrations": integrations(codat),
            "companies": companies(codat),
            "connections": connections(codat, web),
            "settings": settings(codat),
        }
    print(json.dumps(seen))


def integrations(codat: CodatPlatform) -> dict[str, Any]:
    """What can be connected to."""
    page = codat.integrations.list(request={"page": 1, "query": "sourceType=Accounting"})
    one = codat.integrations.get(request={"platform_key": BUSINESS_CENTRAL_PLATFORM})
    branding = codat.integrations.get_branding(request={"platform_key": BUSINESS_CENTRAL_PLATFORM})
    return {
        "keys": [item.key for item in page.results],
        "name": one.name,
        "enabled": one.enabled,
        "same_source": branding.source_id == one.source_id,
    }


def companies(codat: CodatPlatform) -> dict[str, Any]:
    """Create, find by tag, change, replace and delete."""
    tag = f"t{time.time_ns()}"
    made = codat.companies.create(request={"name": "Wickham (1) Ltd", "tags": {"case": tag}})
    found = codat.companies.list(request={"page": 1, "tags": f"case={tag}"})
    changed = codat.companies.update(
        request={"company_id": made.id, "company_update_request": {"tags": {"case": "b"}}}
    )
    replaced = codat.companies.replace(
        request={"company_id": made.id, "company_request_body": {"name": "Wickham"}}
    )
    token = codat.companies.get_access_token(request={"company_id": made.id})
    codat.companies.delete(request={"company_id": made.id})
    return {
        "name": made.name,
        "found": [one.id for one in found.results] == [made.id],
        "changed": changed.tags,
        "replaced": [replaced.name, replaced.tags],
        "token": token.token_type,
        "gone": refused(lambda: codat.companies.get(request={"company_id": made.id})),
    }


def connections(codat: CodatPlatform, web: httpx.Client) -> dict[str, Any]:
    """Connect, link in a browser, refresh, read what came of it, unlink and delete."""
    company = codat.companies.create(request={"name": "Wickham Linked"}).id
    made = codat.connections.create(
        request={"company_id": company, "request_body": {"platform_key": SANDBOX}}
    )
    one = {"company_id": company, "connection_id": made.id}
    page = web.get(made.link_url)
    linked = codat.connections.get(request=one)
    settled(codat, company)
    codat.refresh_data.all(request={"company_id": company})
    settled(codat, company)
    pull = codat.refresh_data.by_data_type(
        request={"company_id": company, "data_type": "company", "connection_id": made.id}
    )
    done = settled(codat, company)
    kept = codat.refresh_data.get_pull_operation(
        request={"company_id": company, "dataset_id": pull.id}
    )
    status = codat.refresh_data.get(request={"company_id": company})
    unlinked = codat.connections.unlink(
        request={**one, "update_connection_status": {"status": "Unlinked"}}
    )
    codat.connections.delete(request=one)
    left = codat.connections.list(request={"company_id": company, "page": 1})
    codat.companies.delete(request={"company_id": company})
    return {
        "statuses": [made.status.value, linked.status.value, unlinked.status.value],
        "page": page.status_code,
        "pulls": done,
        "pull": [kept.data_type, kept.status.value, kept.is_completed],
        "latest": status.company.latest_sync_id == pull.id,
        "left": len(left.results),
    }


def settings(codat: CodatPlatform) -> dict[str, Any]:
    """Profile, allowed origins, keys and webhooks."""
    profile = codat.settings.get_profile()
    sync = codat.settings.get_sync_settings()
    origins = codat.cors.set(request={"allowed_origins": ["https://app.wickham.example"]})
    key = codat.settings.create_api_key(request={"name": "stranger"})
    with contextlib.suppress(ResponseValidationError):
        # Version 6.0.0 looks for an error's body in the 204; the effect is what counts.
        codat.settings.delete_api_key(request={"api_key_id": key.id})
    hook = codat.webhooks.create_consumer(
        request={"url": "https://hooks.wickham.example/a", "event_types": ["connection.connected"]}
    )
    listed = codat.webhooks.list_consumers()
    codat.webhooks.delete_consumer(request={"webhook_id": hook.id})
    return {
        "instance": profile.name,
        "types": len(sync.settings),
        "origins": origins.allowed_origins,
        "key": key.name,
        "key_gone": key.id not in [one.id for one in codat.settings.list_api_keys().results],
        "hook": hook.id in [one.id for one in listed.results],
    }


def settled(codat: CodatPlatform, company: str) -> int:
    """Wait until no pull is on its way; answers how many there are."""
    deadline = time.monotonic() + DEADLINE
    while True:
        running = codat.refresh_data.list_pull_operations(
            request={"company_id": company, "page": 1, "query": "status!=Complete"}
        )
        if not running.results:
            break
        assert time.monotonic() < deadline, "the pulls do not end"
        time.sleep(0.05)
    everything = codat.refresh_data.list_pull_operations(request={"company_id": company, "page": 1})
    return int(everything.total_results)


def refused(call: Callable[[], Any]) -> int:
    """The status with which a call is refused; 0 when it is not."""
    try:
        call()
    except Exception as problem:
        return int(getattr(problem, "status_code", -1))
    return 0


if __name__ == "__main__":
    main()
