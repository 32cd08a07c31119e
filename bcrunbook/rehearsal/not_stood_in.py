"""What a service has and the rehearsal cloud does not: said in the answer, and in the request log.

Such an address is refused like one that does not exist, as anything else would be a guess. Whoever
reads the answer learns which of the two it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from bcrunbook.rehearsal.messages import Answer, json_answer

HEADER: Final = "x-rehearsal"
MARK: Final = "not stood in for"
_TEXT: Final = "The service has this; the rehearsal cloud does not stand in for it."
_REFUSALS: Final = (400, 404, 405)
_KEY: Final = re.compile(r"\([^()]*\)")


class NotStoodIn:
    """Addresses of a service that are known, and not stood in for.

    Args:
        addresses: paths below the service's base. `*` stands for one part, `**` at the end for any
            number of parts, none included; a word and a blank before a path name the one method.
    """

    def __init__(self, addresses: Iterable[str]) -> None:
        self._known = [_pattern(one) for one in addresses]

    def mark(self, method: str, path: str, answer: Answer) -> Answer:
        """The answer, with the remark if it refuses such an address.

        Args:
            method: the method of the request.
            path: its path below the service's base; keys in brackets do not matter.
            answer: what is answered.
        """
        asked = f"{method} {_KEY.sub('', path).strip('/')}"
        if answer.status not in _REFUSALS or not any(one.fullmatch(asked) for one in self._known):
            return answer
        body = _remarked(json.loads(answer.body))
        return json_answer(answer.status, body, {**answer.headers, HEADER: MARK})


def _pattern(address: str) -> re.Pattern[str]:
    method, _, path = address.rpartition(" ")
    parts = path.split("/")
    more = "(?:/.*)?" if parts[-1] == "**" else ""
    words = ["[^/]+" if one == "*" else re.escape(one) for one in parts if one != "**"]
    return re.compile(f"{method or '[A-Z]+'} {'/'.join(words)}{more}", re.IGNORECASE)


def _remarked(body: Any) -> Any:
    """An error's body with the remark behind its text, wherever the service has that."""
    for name in ("error", "message"):
        value = body.get(name)
        if isinstance(value, str):
            return {**body, name: f"{value} {_TEXT}"}
        if isinstance(value, dict):
            return {**body, name: _remarked(value)}
    return body
