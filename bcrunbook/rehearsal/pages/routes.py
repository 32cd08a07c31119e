"""What the pages server has of its own; the hosts' pages lie below their names."""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.pages import start_page
from bcrunbook.rehearsal.routing import Known, Router, at

ROUTER: Final = Router(
    "http://127.0.0.1:{port}",
    at("", Known.INFERRED, GET=start_page.show),
    note="A browser does not go through the proxy. It finds the pages of the other hosts below "
    "their names: `/login.microsoftonline.com`, `/link-api.codat.io`, "
    "`/dynamics365businesscentral.codat.io` and `/app.codat.io`; and `/devicelogin`.",
)
