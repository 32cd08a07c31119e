"""The figures of a vault.

Sources: Key Vault docs, "About secrets"; Azure REST reference, Key Vault, "Secrets".
"""

from __future__ import annotations

MAX_NAME_LENGTH = 127
MAX_VALUE_BYTES = 25 * 1024
"""About secrets: "maximum size of 25k bytes each"."""
MAX_CONTENT_TYPE_LENGTH = 255
MAX_TAGS = 15
MAX_TAG_LENGTH = 256
MAX_PAGE_SIZE = 25
MAX_GOVERNED_SECONDS = 366 * 86400
"""How long a secret of a governed vault may live."""
LATEST_SECOND = 253402300799
"""The last one of the year 9999: no client can hold a later date."""
