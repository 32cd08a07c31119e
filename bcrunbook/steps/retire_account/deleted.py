"""Applications that were deleted can be restored for 30 days (contract G6.8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bcrunbook.services.graph.models import Application
from bcrunbook.services.wire import Seen

KEPT_FOR: Final = timedelta(days=30)
"""How long a deleted application can be restored (contract G6.8)."""


def among_deleted(deleted: Seen[tuple[Application, ...]], client_id: str) -> Seen[Application]:
    """An application among those that were deleted.

    Args:
        deleted: these, as far as they may be read.
        client_id: which one.
    """
    if deleted.unknown:
        return Seen(None, deleted.unknown)
    there = (one for one in deleted.value or () if one.app_id.lower() == client_id.lower())
    return Seen(next(there, None))


def restorable_until(app: Application) -> datetime | None:
    """Until when a deleted application can be restored; None where it does not say.

    Args:
        app: the application, as the deleted items have it.
    """
    return app.deleted_date_time + KEPT_FOR if app.deleted_date_time else None
