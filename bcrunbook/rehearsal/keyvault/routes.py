"""Which operation serves which address and method, and what a caller needs for it.

Source: Azure REST reference, Key Vault, "Secrets"; data actions as in Azure's built-in roles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bcrunbook.rehearsal.keyvault import access, operations
from bcrunbook.rehearsal.keyvault.operations import Request
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.routing import Known, Router, at

DOCUMENTED: Final = Known.DOCUMENTED


@dataclass(frozen=True)
class Operation:
    """What serves a request.

    Args:
        action: the data action that the caller's role has to allow.
        serve: what is done then.
    """

    action: str
    serve: Callable[[Request], Answer]


_GET: Final = Operation(access.GET, operations.get_secret)
_UPDATE: Final = Operation(access.UPDATE, operations.update_secret)

ROUTER: Final = Router(
    "https://{vault}.vault.azure.net",
    (
        *at(
            "secrets",
            DOCUMENTED,
            GET=Operation(access.READ_METADATA, operations.list_secrets),
        ),
        *at(
            "secrets/{name}",
            DOCUMENTED,
            PUT=Operation(access.SET, operations.set_secret),
            GET=_GET,
            PATCH=_UPDATE,
            DELETE=Operation(access.DELETE, operations.delete_secret),
        ),
        *at(
            "secrets/{name}/versions",
            DOCUMENTED,
            GET=Operation(access.READ_METADATA, operations.list_versions),
        ),
        *at("secrets/{name}/{version}", DOCUMENTED, GET=_GET, PATCH=_UPDATE),
        *at(
            "deletedsecrets",
            DOCUMENTED,
            GET=Operation(access.READ_METADATA, operations.list_deleted),
        ),
        *at(
            "deletedsecrets/{name}",
            DOCUMENTED,
            GET=Operation(access.READ_METADATA, operations.get_deleted),
            DELETE=Operation(access.PURGE, operations.purge_deleted),
        ),
        *at(
            "deletedsecrets/{name}/recover",
            DOCUMENTED,
            POST=Operation(access.RECOVER, operations.recover_deleted),
        ),
    ),
    # `backup` is an operation that is left out here, not a version.
    accepts={"version": lambda part: part != "backup"},
)
