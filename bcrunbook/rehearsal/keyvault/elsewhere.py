"""What a vault has and the rehearsal does not (contract G24.12).

Source: Azure REST reference, Key Vault, the operations of a vault's own address.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.not_stood_in import NotStoodIn

ELSEWHERE: Final = NotStoodIn(
    (
        *("keys/**", "deletedkeys/**", "certificates/**", "deletedcertificates/**"),
        *("storage/**", "deletedstorage/**", "POST rng"),
        *("POST secrets/*/backup", "POST secrets/restore"),
    )
)
"""Below the root of a vault."""
