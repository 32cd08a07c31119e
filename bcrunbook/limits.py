"""How much Microsoft Entra lets an application have and how fast it takes writes.

The figures are those of the audience that Codat's setup page asks for, all Microsoft accounts
(`AzureADandPersonalMicrosoftAccount`); what the rehearsal cloud refuses stands in
`bcrunbook/rehearsal/graph/limits.py`, on purpose a second time.

Source: contract G4 and G14.1 (docs/contracts/graph.md).
"""

from __future__ import annotations

from typing import Final

MAX_NAME_LENGTH: Final = 90
"""Characters of an application's display name."""
MAX_REDIRECT_URIS: Final = 100
MAX_SECRETS: Final = 2
MAX_APIS: Final = 50
"""APIs that an application may ask for permissions of."""
MAX_PERMISSIONS: Final = 200
"""Permissions that it may ask for in all."""

SHORT_LIFETIME_DAYS: Final = 30
"""Days before its end at which a new secret is asked for: one that lives no longer is short."""

WRITES_PER_MINUTE: Final = 60
"""Writes to applications of this audience that a tenant takes in a minute."""
