"""Which page lies at which path, and what acts on a post to it.

Sources: Codat docs, "Set up the Dynamics 365 Business Central integration", and the links between
their pages. The address of one integration's page follows from those of others; signing in and out
and the choice of an instance have addresses of the rehearsal's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.page_frame import see_other
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.portal import (
    api_keys_page,
    integrations_list,
    manage_page,
    sign_in,
    start_page,
)
from bcrunbook.rehearsal.portal.visit import ACCOUNTING, Page, Visit
from bcrunbook.rehearsal.routing import Known, Router, at

DOCUMENTED: Final = Known.DOCUMENTED
INFERRED: Final = Known.INFERRED


@dataclass(frozen=True)
class Served:
    """What shows a page, or acts on a post to it.

    Args:
        serve: what does it, given the visit and what stands in the path.
        anywhere: whether an act does not depend on which instance the form was shown for.
    """

    serve: Page
    anywhere: bool = False


def _to_accounting(_: Visit) -> Answer:
    return see_other(ACCOUNTING)


_MANAGED: Final = frozenset(
    platform.key for platform in integrations_list.of_type("Accounting") if platform.needs_keys
)

ENTRANCE: Final = Router(
    f"https://{world.PORTAL_HOST}",
    at("sign-in", INFERRED, GET=sign_in.show, POST=sign_in.check),
)
"""Where somebody is who has not signed in."""

ROUTER: Final = Router(
    f"https://{world.PORTAL_HOST}",
    (
        *at("", DOCUMENTED, GET=Served(start_page.show)),
        *at("settings/integrations", INFERRED, GET=Served(_to_accounting)),
        *at(
            "settings/integrations/accounting",
            DOCUMENTED,
            GET=Served(integrations_list.show_accounting),
            POST=Served(integrations_list.toggle),
        ),
        *at(
            "settings/integrations/accounting/manage/{platform}",
            INFERRED,
            GET=Served(manage_page.show),
            POST=Served(manage_page.act),
        ),
        *at(
            "settings/integrations/banking", DOCUMENTED, GET=Served(integrations_list.show_banking)
        ),
        *at("developers/api-keys", DOCUMENTED, GET=Served(api_keys_page.show)),
        *at("sign-out", INFERRED, POST=Served(sign_in.leave, anywhere=True)),
        *at("switch-instance", INFERRED, POST=Served(sign_in.switch_instance, anywhere=True)),
    ),
    accepts={"platform": _MANAGED.__contains__},
    note="A person's browser finds these pages below `/app.codat.io` of the pages server.",
)
