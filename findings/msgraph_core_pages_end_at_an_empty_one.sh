#!/usr/bin/env bash
# msgraph-core 1.5.2 with msgraph-sdk 1.65.0 (Python): PageIterator takes an empty page for the last one,
# and does not tell the delta link.
#
# A page of Microsoft Graph may be empty and have an `@odata.nextLink` all the same: only the page without
# that link is the last. `PageIterator.iterate` ends at the first page that is empty. What stands on the
# pages behind it is never seen, and nothing is raised: a list of applications, users or sign-ins looks
# complete and is not. That its `has_next` is still true tells nothing, as it stays so at the true end.
#
# After a delta query was followed to its end, `delta_link` is where the next one begins. It is read once,
# from the first page, by a name that no page has, and so is always empty.
#
# Nothing is sent: an HTTP transport inside the process has three pages of applications, the second of them
# empty, and two of a delta query. Seen on 2026-11-29, CPython 3.11:
#   on the pages: a b c
#   iterated over: a b
#   the link of the page that it ended at: ?$skiptoken=3
#   has_next at the true end: True
#   delta link: ''
#
# Fails when any of the five lines differs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet msgraph-core==1.5.2 msgraph-sdk==1.65.0 microsoft-kiota-abstractions==1.16.0 \
  microsoft-kiota-http==1.16.0 microsoft-kiota-serialization-json==1.16.0 2>/dev/null
cat > pages.py <<'PY'
import asyncio

import httpx
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph_core.tasks.page_iterator import PageIterator

APPLICATIONS = "https://graph.microsoft.com/v1.0/applications"


def page(names, link="", value=""):
    found = {"value": [{"displayName": name} for name in names]}
    return {**found, link: value} if link else found


NEXT, DELTA = "@odata.nextLink", "@odata.deltaLink"
PAGES = {
    "": page("ab", NEXT, f"{APPLICATIONS}?$skiptoken=2"),
    "2": page("", NEXT, f"{APPLICATIONS}?$skiptoken=3"),
    "3": page("c"),
}
CHANGES = {
    "": page("d", NEXT, f"{APPLICATIONS}/delta()?$skiptoken=2"),
    "2": page("e", DELTA, f"{APPLICATIONS}/delta()?$deltatoken=1"),
}


def answer(request):
    pages = CHANGES if "delta" in request.url.path else PAGES
    return httpx.Response(200, json=pages[request.url.params.get("$skiptoken", "")])


async def main():
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client=client)
    graph = GraphServiceClient(request_adapter=adapter)
    seen = []

    def note(one):
        seen.append(one.display_name)
        return True

    print("on the pages:", *(one["displayName"] for one in sum((p["value"] for p in PAGES.values()), [])))
    iterator = PageIterator(await graph.applications.get(), adapter)
    await iterator.iterate(note)
    print("iterated over:", *seen)
    ended = iterator.current_page.odata_next_link
    print("the link of the page that it ended at:", ended.removeprefix(APPLICATIONS))
    changes = PageIterator(await graph.applications.delta.get(), adapter)
    await changes.iterate(note)
    assert seen[2:] == ["d", "e"]
    print("has_next at the true end:", changes.has_next)
    print("delta link:", repr(changes.delta_link))


asyncio.run(main())
PY
venv/bin/python pages.py | tee said.txt
diff said.txt - <<'SEEN'
on the pages: a b c
iterated over: a b
the link of the page that it ended at: ?$skiptoken=3
has_next at the true end: True
delta link: ''
SEEN
