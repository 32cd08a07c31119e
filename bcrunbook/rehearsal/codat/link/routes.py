"""Which page serves which address and method.

Sources: Codat docs, "Connections" (linkUrl) and the Business Central set-up page (the address that
Microsoft sends a customer back to). What lies behind the first page is undocumented.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bcrunbook.rehearsal.codat.link import choice, microsoft, start, window
from bcrunbook.rehearsal.codat.link.attempt import Attempt
from bcrunbook.rehearsal.codat.world import CALLBACK_HOST, LINK_HOST
from bcrunbook.rehearsal.messages import Answer, Call
from bcrunbook.rehearsal.routing import Known, Router, at

DOCUMENTED: Final = Known.DOCUMENTED
INFERRED: Final = Known.INFERRED

Page = Callable[[Attempt, Call], Answer]

ROUTER: Final[Router[Page]] = Router(
    f"https://{LINK_HOST}",
    (
        *at("companies/{company}/connections/{connection}/start", DOCUMENTED, GET=start.show),
        *at("companies/{company}/connections/{connection}/start", INFERRED, POST=start.go_on),
        *at(
            "companies/{company}/connections/{connection}/company",
            INFERRED,
            GET=choice.show,
            POST=choice.choose,
        ),
        *at(
            "companies/{company}/connections/{connection}/installation",
            INFERRED,
            GET=window.show,
        ),
        *at("companies/{company}/connections/{connection}/close", INFERRED, POST=window.close),
    ),
)

CALLBACK: Final = Router(
    f"https://{CALLBACK_HOST}",
    at(microsoft.CALLBACK_PATH.strip("/"), DOCUMENTED, GET=microsoft.returned),
)
