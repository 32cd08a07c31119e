"""What Azure Resource Manager has and the rehearsal does not (contract G24.12).

Source: Azure REST reference, Resource Management: all that belongs to a subscription or a provider.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.not_stood_in import NotStoodIn

ELSEWHERE: Final = NotStoodIn(("subscriptions/*/**", "providers/**"))
"""Below the root of the host."""
