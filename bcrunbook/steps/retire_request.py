"""What somebody asks for beside the retirement itself: a company to be deleted, names and ids."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from bcrunbook.errors import FixInput

DELETE_COMPANY: Final = "delete-company"
_ID: Final = "id:"
_NAME: Final = "name:"
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class RetireRequest:
    """What is asked for when an account or a customer is retired.

    Args:
        name: the account's name, typed once more: production is not retired without it.
        deletes_company: whether the customer's company in Codat goes as well, with all that was
            read of it.
        ids: ids of what is to go though this ledger has not made it, or others use it.

    Raises:
        FixInput: one of them is no id.
    """

    name: str = ""
    deletes_company: bool = False
    ids: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if wrong := sorted(one for one in self.ids if not _GUID.fullmatch(one)):
            raise FixInput(
                f'"{wrong[0]}" is no id.',
                where="what is to go as well",
                why="a client id or the id of a company is 32 digits and letters a to f, with"
                " four hyphens",
                next="copy it from the card that asks for it",
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a notebook's parameter says.

        Args:
            text: words with blanks between: `delete-company`, `id:` and an id, `name:` and the
                account's name; may be empty.

        Raises:
            FixInput: there is another word.
        """
        words = text.split()
        for word in words:
            if word != DELETE_COMPANY and not word.startswith((_ID, _NAME)):
                raise FixInput(
                    f'The word "{word}" is not known here.',
                    where="parameter also",
                    next=f"valid: {DELETE_COMPANY}, {_ID}ID and {_NAME}ACCOUNT, with blanks"
                    " between them",
                )
        return cls(
            name="".join(word.removeprefix(_NAME) for word in words if word.startswith(_NAME)),
            deletes_company=DELETE_COMPANY in words,
            ids=frozenset(word.removeprefix(_ID) for word in words if word.startswith(_ID)),
        )

    def __str__(self) -> str:
        company = (DELETE_COMPANY,) if self.deletes_company else ()
        ids = (f"{_ID}{one}" for one in sorted(self.ids))
        return " ".join((*company, *ids, *((f"{_NAME}{self.name}",) if self.name else ())))

    def names(self, identifier: str) -> bool:
        """Whether something was asked for by its id.

        Args:
            identifier: its id.
        """
        return identifier.lower() in {one.lower() for one in self.ids}
