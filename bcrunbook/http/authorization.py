"""What must not be seen in a request: the caller's authorization, and forms that hold secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bcrunbook.errors import FixInput
from bcrunbook.secrets import Secret, Veiled

_VISIBLE: Final = re.compile("[!-~]*")


@dataclass(frozen=True)
class Authorization:
    """By what a service knows the caller. It goes to that service only, and only encrypted.

    Args:
        scheme: `Bearer` or `Basic`.
        value: the token or key, as the header takes it.
        service: the service's address.

    Raises:
        FixInput: no header may hold the value.
    """

    scheme: str
    value: Secret
    service: str

    def __post_init__(self) -> None:
        # The code that sends it would show it in what it raises.
        if not _may_be_sent(self.value):
            raise FixInput(
                "The token or key holds characters that none has.",
                where=f"{self.scheme} authorization for {self.service}",
                why="it was copied together with something else, or put into a file by a program"
                " that changes quotes",
                next="get it anew from where it is made",
            )


def _may_be_sent(value: Secret) -> bool:
    return _VISIBLE.fullmatch(value.reveal()) is not None


Form = Veiled[Mapping[str, str | bytes] | str]
"""Form fields, or a body that is encoded already; it may hold secrets, and so shows nothing."""


def body_arguments(form: Form | None) -> dict[str, Any]:
    """The arguments that httpx takes a body in."""
    content = form.reveal() if form is not None else None
    if content is None or isinstance(content, str):
        return {"content": content}
    # MSAL signs assertions into bytes, which httpx would spell out as b'...'.
    return {
        "data": {
            key: value.decode() if isinstance(value, bytes) else value
            for key, value in content.items()
            if value is not None
        }
    }
