"""An `accounts.toml` as text: its data, the line of each key, and what is no TOML explained."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NoReturn

from bcrunbook.accounts.mistakes import Keys, Report, unseen
from bcrunbook.accounts.which_workspace import other_workspace
from bcrunbook.errors import FixInput
from bcrunbook.secrets import looks_like_secret
from bcrunbook.secrets.addresses import SECRET_FORM


class TomlReport(Report):
    """The mistakes in an `accounts.toml`; it also reads the file, and knows its lines.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._data: dict[str, Any] = {}
        self._text = ""

    def parse(self) -> dict[str, Any]:
        """The file's data.

        Raises:
            FixInput: it cannot be read, or is no TOML.
        """
        text = self._text = self._read()
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
                    f"env:NAME or keyvault:{SECRET_FORM}",
                )
        return self._data

    @cached_property
    def _lines(self) -> dict[Keys, int]:
        """The line of each key; looked for where there is a mistake, as it takes long."""
        lines: dict[Keys, int] = {}
        for keys, number in _key_lines(self._text):
            for end in range(1, len(keys) + 1):
                lines.setdefault(keys[:end], number)
        return lines

    def add(self, keys: Keys, text: str) -> None:
        """Note a mistake. A key that an account has from [defaults] is reported there."""
        super().add(self._home(keys), text)

    def table(self, data: Mapping[str, Any], key: str, prefix: Keys = ()) -> dict[str, Any]:
        """The table of this name, empty when there is none or something else stands there."""
        found = data.get(key, {})
        if isinstance(found, dict):
            return found
        self.add((*prefix, key), f"expected a table, [{'.'.join((*prefix, key))}]")
        return {}

    def _home(self, keys: Keys) -> Keys:
        default = ("defaults", *keys[2:])
        inherited = keys[0] == "accounts" and len(keys) > 2 and not _holds(self._data, keys)
        return default if inherited and _holds(self._data, default) else keys

    def line_of(self, keys: Keys) -> int:
        """The line of the key, or of the table it is missing from; 0 when there is neither."""
        for end in range(len(keys), 0, -1):
            if keys[:end] in self._lines:
                return self._lines[keys[:end]]
        return 0

    def _read(self) -> str:
        path, folder = self.path, self.path.parent
        init = other_workspace(folder)
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
        try:
            # TOML knows no byte order mark, and some editors of Windows write one all the same.
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            self._refuse_encoding(f"is not UTF-8 text: line {line} holds other bytes")

    def _refuse_encoding(self, what: str) -> NoReturn:
        raise FixInput(
            f"{self.path.name} {what}.",
            where=str(self.path),
            next="save it as UTF-8",
        )

    def _refuse_toml(self, text: str, problem: str) -> NoReturn:
        lines = text.splitlines() or [""]
        match = re.search(r"\(at line (\d+), column (\d+)\)", problem)
        line, column = (int(match[1]), int(match[2])) if match else (len(lines), 1)
        reason = problem.split(" (at ")[0]
        raise FixInput(
            f"{self.path.name}, line {line}, column {column}: this is not TOML.",
            where=str(self.path),
            why=_probably(lines[min(line, len(lines)) - 1], reason),
            next="correct the line, then run again",
        )


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
    # Within quotes and in a comment it does no harm.
    bare = re.sub(r"""["'][^"'\n]*["']|#.*""", lambda part: "x" * len(part[0]), line)
    if found := unseen(bare):
        return f"column {found[0] + 1} is a character that nobody sees: {found[1]}; delete it"
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
