"""How a page or an action of the portal is refused."""

from __future__ import annotations


class Refused(Exception):
    """A page or an action that is not to be had; the texts are for the person."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.title = title
        self.text = text
