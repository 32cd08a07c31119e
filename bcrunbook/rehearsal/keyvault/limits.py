"""The figures of a vault.

Sources: Key Vault docs, "About secrets"; Azure REST reference, Key Vault, "Secrets".
"""

from __future__ import annotations

from typing import Final

MAX_NAME_LENGTH: Final = 127
MAX_VALUE_BYTES: Final = 25 * 1024
"""About secrets: "maximum size of 25k bytes each"."""
MAX_CONTENT_TYPE_LENGTH: Final = 255
MAX_TAGS: Final = 15
MAX_TAG_LENGTH: Final = 256
MAX_PAGE_SIZE: Final = 25
MAX_GOVERNED_SECONDS: Final = 366 * 86400
"""How long a secret of a governed vault may live."""
LATEST_SECOND: Final = 253402300799
"""The last one of the year 9999: no client can hold a later date."""
