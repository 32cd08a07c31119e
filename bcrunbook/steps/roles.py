"""Directory roles that matter here, by template id, and what each lets a person do.

Source: Microsoft Learn, "Microsoft Entra built-in roles" (template ids) and "Grant tenant-wide
admin consent to an application" (who may consent to delegated permissions).
"""

from __future__ import annotations

from typing import Final

CONSENT_ROLES: Final[dict[str, str]] = {
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
}
REGISTER_ROLES: Final[dict[str, str]] = {
    **{
        role: name
        for role, name in CONSENT_ROLES.items()
        if name != "Privileged Role Administrator"
    },
    "cf1c38e5-3621-4004-a7cb-879624dced7c": "Application Developer",
}
GUEST: Final = "10dae51f-b6af-4016-8d66-8c2a99b929b3"
