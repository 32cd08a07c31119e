"""What is wrong in an `accounts.toml`, said so that a person can put it right.

A `Report` reads the file, knows on which line each key stands, and collects mistakes: one per key,
the first one found. A value is repeated only when it cannot be a secret.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from ..errors import FixInput, nearest
from ..secrets import looks_like_secret

Keys = tuple[str, ...]
_Model = TypeVar("_Model", bound=BaseModel)

# Where a person may have put a secret by mistake: never repeated, whatever it looks like.
_NEVER_SHOWN: Final = frozenset({"secret", "codat_api_key", "certificate_password", "secret_store"})


class Report:
    """The mistakes in one file.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._data: dict[str, Any] = {}
        self._lines: dict[Keys, int] = {}
        self._mistakes: dict[Keys, str] = {}

    def parse(self) -> dict[str, Any]:
        """The file's data.

        Raises:
            FixInput: it cannot be read, or is no TOML.
        """
        text = self._read()
        for keys, number in _key_lines(text):
            for end in range(1, len(keys) + 1):
                self._lines.setdefault(keys[:end], number)
        try:
            self._data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            self._refuse_toml(text, str(error))
        for keys, value in _texts(self._data):
            if looks_like_secret(value):
                self.add(
                    keys,
                    "this looks like a secret itself, and no secret belongs in this file; put it "
                    "in its store, and write where it is kept: keyring:SERVICE/NAME, file:PATH, "
                    "env:NAME or keyvault:https://VAULT.vault.azure.net/secrets/NAME",
                )
        return self._data

    def add(self, keys: Keys, text: str) -> None:
        """Note a mistake. A key that an account has from [defaults] is reported there."""
        self._mistakes.setdefault(self._home(keys), text)

    def table(self, data: Mapping[str, Any], key: str, prefix: Keys = ()) -> dict[str, Any]:
        """The table of this name, empty when there is none or something else stands there."""
        found = data.get(key, {})
        if isinstance(found, dict):
            return found
        self.add((*prefix, key), f"expected a table, [{'.'.join((*prefix, key))}]")
        return {}

    def unknown_keys(self, data: Collection[str], prefix: Keys, known: Collection[str]) -> None:
        """Note each key that is not known, with the nearest that is."""
        for key in data:
            if key not in known:
                self.add((*prefix, key), f"there is no such key here; {nearest(key, known)}")

    def check(
        self, model: type[_Model], data: dict[str, Any], prefix: Keys, context: dict[str, Any]
    ) -> _Model | None:
        """The data as a model, or None after noting what does not fit."""
        try:
            return model.model_validate(data, context=context)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                keys = tuple(str(part) for part in detail["loc"])
                owner, field = _field(model, keys)
                if detail["type"] == "extra_forbidden":
                    self.unknown_keys(keys[-1:], (*prefix, *keys[:-1]), keys_of(owner) - {"name"})
                elif detail["type"] == "missing":
                    self.add((*prefix, *keys), f"is missing; expected {_expected(field)}")
                else:
                    cause = detail.get("ctx", {}).get("error", "")
                    self.add((*prefix, *keys), _misfit(keys[-1], detail["input"], field, cause))
            return None

    def raise_if_any(self) -> None:
        """End with one error that lists every mistake, in the order of the lines.

        Raises:
            FixInput: there is at least one.
        """
        if not self._mistakes:
            return
        found = sorted((self._line(keys), keys, text) for keys, text in self._mistakes.items())
        lines = [
            (f"line {line}: " if line else "")
            + f"{'.'.join(shown(key, quote='') for key in keys)}: {text}"
            for line, keys, text in found
        ]
        name = self._path.name
        if len(lines) == 1:
            what = f"{name}, {lines[0]}" if found[0][0] else f"{name}: {lines[0]}"
        else:
            what = "\n".join(
                [f"{name} holds {len(lines)} mistakes.", *(f"  {one}" for one in lines)]
            )
        raise FixInput(what, where=str(self._path), next="correct the file, then run again")

    def _home(self, keys: Keys) -> Keys:
        default = ("defaults", *keys[2:])
        inherited = keys[0] == "accounts" and len(keys) > 2 and not _holds(self._data, keys)
        return default if inherited and _holds(self._data, default) else keys

    def _line(self, keys: Keys) -> int:
        """The line of the key, or of the table it is missing from; 0 when there is neither."""
        for end in range(len(keys), 0, -1):
            if keys[:end] in self._lines:
                return self._lines[keys[:end]]
        return 0

    def _read(self) -> str:
        path, folder = self._path, self._path.parent
        init = f"run: bcrunbook init {folder}   (or name another workspace)"
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            what = "has no accounts.toml" if folder.is_dir() else "does not exist"
            raise FixInput(f"The workspace {what}.", where=str(folder), next=init) from None
        except NotADirectoryError:
            raise FixInput(
                "A workspace is a folder, and this is a file.", where=str(folder), next=init
            ) from None
        except OSError as error:
            what = "is a folder, not a file" if path.is_dir() else "cannot be read"
            raise FixInput(
                f"{path.name} {what}.", where=str(path), why=error.strerror or ""
            ) from None
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            self._refuse_encoding("is saved as UTF-16 (what some editors call Unicode)")
        if raw.startswith(b"\xef\xbb\xbf"):
            self._refuse_encoding("begins with a byte order mark, which TOML does not allow")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            self._refuse_encoding(f"is not UTF-8 text: line {line} holds other bytes")

    def _refuse_encoding(self, what: str) -> NoReturn:
        raise FixInput(
            f"{self._path.name} {what}.",
            where=str(self._path),
            next="save it as UTF-8 without a byte order mark",
        )

    def _refuse_toml(self, text: str, problem: str) -> NoReturn:
        lines = text.splitlines() or [""]
        match = re.search(r"\(at line (\d+), column (\d+)\)", problem)
        line, column = (int(match[1]), int(match[2])) if match else (len(lines), 1)
        reason = problem.split(" (at ")[0]
        raise FixInput(
            f"{self._path.name}, line {line}, column {column}: this is not TOML.",
            where=str(self._path),
            why=_probably(lines[min(line, len(lines)) - 1], reason),
            next="correct the line, then run again",
        )


def shown(name: str, quote: str = '"') -> str:
    """A name as a message may repeat it: masked if it looks like a secret, never very long."""
    text = "•••" if looks_like_secret(name) else name.replace("\n", "\\n")
    return quote + (text if len(text) <= 60 else text[:57] + "...") + quote


def keys_of(model: type[BaseModel]) -> set[str]:
    """The keys that a table of this model may have in the file."""
    return {field.alias or name for name, field in model.model_fields.items()}


def _field(model: type[BaseModel], keys: Keys) -> tuple[type[BaseModel], FieldInfo | None]:
    """The model that holds the last of the keys, and its field there."""
    field: FieldInfo | None = None
    for depth, key in enumerate(keys):
        fields = {info.alias or name: info for name, info in model.model_fields.items()}
        field = fields.get(key)
        annotation = field.annotation if field else None
        last = depth == len(keys) - 1
        if not last and isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
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
    elif key not in _NEVER_SHOWN and not re.search(r"//.*@", value):
        text += f", found {shown(value)}"
    if isinstance(value, str) and (choices := _choices(field)) and not looks_like_secret(value):
        hint = nearest(value, choices)
        text += f"; {hint}" if hint.startswith("did") else ""
    if key == "tenant" and value in ("common", "organizations", "consumers"):
        text += "; that word stands for every tenant, and this is about yours"
    # A cause that is a sentence was written for people; the others only name the failed check.
    return f"{text}. {cause}" if str(cause).endswith((".", "?")) else text


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"the number {value}"
    names = ((float, "a number"), (dict, "a table"), (list, "a list"))
    return next((name for kind, name in names if isinstance(value, kind)), "a date or time")


def _holds(data: Any, keys: Keys) -> bool:
    for key in keys:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True


def _texts(data: Any, keys: Keys = ()) -> Iterator[tuple[Keys, str]]:
    if isinstance(data, str):
        yield keys, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, (*keys, key))
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value, keys)


_PART: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED: Final = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER: Final = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]")
_KEY: Final = re.compile(rf"\s*({_DOTTED})\s*=")


def _key_lines(text: str) -> Iterator[tuple[Keys, int]]:
    """Each key and table with its line. Good enough to point at: multi-line texts may fool it."""
    table: Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _split(header[1])
            yield table, number
        elif key := _KEY.match(line):
            keys = (*table, *_split(key[1]))
            yield keys, number
            # The keys of an inline table stand on the same line.
            for inner in re.finditer(rf"[{{,]\s*({_DOTTED})\s*=", line[key.end() :]):
                yield (*keys, *_split(inner[1])), number


def _split(dotted: str) -> Keys:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def _probably(line: str, reason: str) -> str:
    """What is probably wrong on this line. Never repeats the line: it may hold a secret."""
    key = re.match(rf"\s*({_DOTTED})\s*(=|:)?\s*(.*)", line)
    rest = key[3] if key and key[2] else ""
    if re.search("[\u2018\u2019\u201c\u201d]", line):
        return 'the quotes are curly, as word processors make them; use straight ones: "'
    if key and key[2] == ":":
        return "a key and its value are joined by =, not by a colon"
    if "escape" in reason.lower() or "hex value" in reason:
        return "a backslash begins an escape; write the path with / or in single quotes"
    if "Cannot overwrite" in reason:
        return "this key stands here twice; keep one of them"
    if "Cannot declare" in reason:
        return "this table stands here twice; join the two under one heading"
    if line.lstrip().startswith("["):
        return "a table's heading is its name in brackets on a line of its own: [accounts.trial]"
    if rest[:1] in ("'", '"') and rest.count(rest[0]) % 2:
        return "the quote at the end of the value is missing"
    if rest and rest[0] not in "'\"[{":
        return "a text needs quotes around it"
    if key and not key[2]:
        return 'a line is a key, then =, then the value: kind = "trial"'
    return reason
