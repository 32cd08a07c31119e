"""What is wrong in a file that a person wrote, said so that they can put it right.

A `Report` collects the mistakes of one file: one per key, the first one found. What reads the file
knows on which line each key stands. A value is repeated only when it cannot be a secret.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from bcrunbook.errors import FixInput, nearest
from bcrunbook.printable import UNSEEN
from bcrunbook.secrets import looks_like_secret

Keys = tuple[str, ...]
_Model = TypeVar("_Model", bound=BaseModel)

# Where a person may have put a secret by mistake: never repeated, whatever it looks like.
_NEVER_SHOWN: Final = frozenset(
    {"secret", "webhook", "codat_api_key", "certificate_password", "private_key", "secret_store"}
)

_UNSEEN: Final = re.compile(f"[\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000{UNSEEN}]")


class Report:
    """The mistakes in one file.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mistakes: dict[Keys, str] = {}

    def add(self, keys: Keys, text: str) -> None:
        """Note a mistake."""
        self._mistakes.setdefault(keys, text)

    def line_of(self, keys: Keys) -> int:
        """The line of the key, or of what it is missing from; 0 when there is neither."""
        raise NotImplementedError

    def label(self, keys: Keys) -> str:
        """What a message calls the key."""
        return ".".join(shown(key, quote="") for key in keys)

    def unknown_keys(self, data: Collection[str], prefix: Keys, known: Collection[str]) -> None:
        """Note each key that is not known, with the nearest that is."""
        for key in data:
            if key not in known:
                self.add((*prefix, key), f"there is no such key here; {nearest(key, known)}")

    def check(
        self,
        model: type[_Model],
        data: dict[str, Any],
        prefix: Keys,
        context: dict[str, Any] | None = None,
        implied: str = "name",
    ) -> _Model | None:
        """The data as a model, or None after noting what does not fit.

        Args:
            model: the model.
            data: by the keys of the file.
            prefix: where the data stands in the file.
            context: what the model's validators need to know.
            implied: the key of the model that the file does not spell out, because the table's
                heading gives it.
        """
        try:
            return model.model_validate(data, context=context, by_alias=True, by_name=False)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                keys = tuple(str(part) for part in detail["loc"])
                owner, field = _field(model, keys)
                if detail["type"] == "extra_forbidden":
                    self.unknown_keys(keys[-1:], (*prefix, *keys[:-1]), keys_of(owner) - {implied})
                elif detail["type"] == "missing":
                    self.add((*prefix, *keys), f"is missing; expected {_expected(field)}")
                else:
                    cause = detail.get("ctx", {}).get("error", "")
                    self.add((*prefix, *keys), _misfit(keys[-1], detail["input"], field, cause))
            return None

    def sentences(self) -> list[str]:
        """Every mistake, one line each, in the order of the file's lines."""
        found = sorted((self.line_of(keys), keys, text) for keys, text in self._mistakes.items())
        return [
            (f"line {line}: " if line else "")
            + (f"{label}: " if (label := self.label(keys)) else "")
            + text
            for line, keys, text in found
        ]


def raise_if_any(reports: Collection[Report]) -> None:
    """End with one error that lists every mistake, file by file.

    Raises:
        FixInput: there is at least one.
    """
    parts, wrong = [], [report for report in reports if report.sentences()]
    for report in wrong:
        name, lines = report.path.name, report.sentences()
        if len(lines) == 1:
            parts.append(f"{name}{', ' if lines[0].startswith('line ') else ': '}{lines[0]}")
        else:
            parts += [f"{name} holds {len(lines)} mistakes.", *(f"  {one}" for one in lines)]
    if wrong:
        raise FixInput(
            "\n".join(parts),
            where=" and ".join(str(report.path) for report in wrong),
            next=f"correct the file{'' if len(wrong) == 1 else 's'}, then run again",
        )


def shown(name: str, quote: str = '"') -> str:
    """A name as a message may repeat it: masked if it looks like a secret, never very long."""
    # What is no letter or sign is spelled out: it could move the cursor of a terminal.
    plain = (char if char.isprintable() else ascii(char)[1:-1] for char in name)
    text = "•••" if looks_like_secret(name) else "".join(plain)
    return quote + (text if len(text) <= 60 else text[:57] + "...") + quote


def unseen(text: str) -> tuple[int, str] | None:
    """The first character that looks like a blank, or like nothing: its index and its name."""
    found = _UNSEEN.search(text)
    if found is None:
        return None
    return found.start(), f"U+{ord(found[0]):04X} ({unicodedata.name(found[0], 'no name').lower()})"


def keys_of(model: type[BaseModel]) -> set[str]:
    """The keys that a table of this model may have in the file."""
    return {_key(name, field) for name, field in model.model_fields.items()}


def _key(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    return alias if isinstance(alias, str) else name


def _field(model: type[BaseModel], keys: Keys) -> tuple[type[BaseModel], FieldInfo | None]:
    """The model that holds the last of the keys, and its field there."""
    field: FieldInfo | None = None
    for depth, key in enumerate(keys):
        fields = {_key(name, info): info for name, info in model.model_fields.items()}
        field = fields.get(key)
        annotation = field.annotation if field else None
        if depth < len(keys) - 1:
            # A table that may be left out is one of the two that its annotation joins.
            for one in (annotation, *get_args(annotation)):
                if isinstance(one, type) and issubclass(one, BaseModel):
                    model = one
    return model, field


def _choices(field: FieldInfo | None) -> list[str]:
    values = get_args(field.annotation) if field else ()
    return [value for value in values if isinstance(value, str)]


def _expected(field: FieldInfo | None) -> str:
    described = (field.description if field else None) or "something else"
    choices = ", ".join(f'"{choice}"' for choice in _choices(field))
    return f"{described}: one of {choices}" if choices else described


def _misfit(key: str, value: object, field: FieldInfo | None, cause: object) -> str:
    if isinstance(value, str) and "PLACEHOLDER" in value:
        return f"still holds the placeholder {shown(value)}; write {_expected(field)}"
    text = f"expected {_expected(field)}"
    if not isinstance(value, str):
        text += f", found {_kind(value)}"
    elif key not in _NEVER_SHOWN and not re.search(r"//.*@|://.*[?&]", value):
        text += f", found {shown(value)}"
    if isinstance(value, str) and (choices := _choices(field)) and not looks_like_secret(value):
        hint = nearest(value, choices)
        text += f"; {hint}" if hint.startswith("did") else ""
    if key == "tenant" and value in ("common", "organizations", "consumers"):
        text += "; that word stands for every tenant, and this is about yours"
    if isinstance(value, str) and (found := unseen(value)):
        text += f"; character {found[0] + 1} is one that nobody sees: {found[1]}"
    # A cause that is a sentence was written for people; the others only name the failed check.
    return f"{text}. {cause}" if str(cause).endswith((".", "?")) else text


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"the number {value}"
    names = ((float, "a number"), (dict, "a table"), (list, "a list"))
    return next((name for kind, name in names if isinstance(value, kind)), "a date or time")
