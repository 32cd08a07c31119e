"""Find the values that this process has held, in each form in which a program may write them.

As they are, and escaped for URLs, JSON, HTML, Python and shells, in hex, and in base64, also in the
middle of something longer, in lines, and twice.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import threading
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus

from bcrunbook.secrets.needles import Needles
from bcrunbook.secrets.surroundings import learn
from bcrunbook.secrets.value import MASK, registered


def without_known_values(text: str) -> str:
    """The text with every such value in it masked."""
    known = _known_values()
    found = []
    for needle in known.written.found_in(text):
        if needle in known.in_base64:
            found.append(needle)
        for value in known.by_core.get(needle, ()):
            found += [form for form in _forms(value) if form in text]
    # The longest first, so that no tail of one survives.
    for form in sorted(set(found), key=len, reverse=True):
        text = text.replace(form, MASK)
    return _without_encoded(text, known.raw)


class KnownValues:
    """The registered values, in the forms in which they are looked for.

    Attributes:
        written: of each value the letters and digits that stand in all its escaped forms, and what
            stands for it in base64.
        by_core: the values by the first of these.
        in_base64: the second, wherever it begins.
        raw: the values themselves, their bytes as the characters of Latin-1.
    """

    def __init__(self) -> None:
        self.written = Needles()
        self.by_core: defaultdict[str, list[str]] = defaultdict(list)
        self.in_base64: set[str] = set()
        self.raw = Needles()
        self._count = 0
        self._adding = threading.Lock()

    def catch_up(self) -> None:
        """Know all that have been registered since."""
        if self._count == len(registered):
            return
        with self._adding:
            # In one go, as another thread may be registering one.
            for value in list(registered)[self._count :]:
                self._add(value)
                self._count += 1

    def _add(self, value: str) -> None:
        raw = value.encode("utf-8", "surrogatepass")
        core = _core(value)
        forms = {*_base64_forms(raw)}
        self.by_core[core].append(value)
        self.in_base64 |= forms
        for needle in {core, *forms}:
            self.written.add(needle)
        self.raw.add(raw.decode("latin-1"))


_known_now = KnownValues()


def _known_values() -> KnownValues:
    # Each time: a cell of a notebook may have set a proxy since.
    learn()
    _known_now.catch_up()
    return _known_now


def _core(value: str) -> str:
    """The longest part of a value that no escaping changes: it spares a text most searches."""
    return max(re.findall("[A-Za-z0-9]+", value), key=len, default="")


@lru_cache(maxsize=64)
def _forms(value: str) -> frozenset[str]:
    raw = value.encode("utf-8", "surrogatepass")
    written = {repr(value)[1:-1], ascii(value)[1:-1], repr(raw)[2:-1], *_shell_forms(value)}
    quoted = {value, *written, *_url_forms(value), *_html_forms(value)}
    # A notebook is JSON around HTML around JSON, so each form may be escaped once more.
    once = quoted | {escaped for form in quoted for escaped in _json_forms(form)}
    twice = once | {escaped for form in once for escaped in _json_forms(form)}
    # And its outputs may hold another notebook.
    simply = {
        value,
        *_strictly(value),
        *(two for one in _strictly(value) for two in _strictly(one)),
    }
    return frozenset(twice | {three for two in simply for three in _json_forms(two)})


def _strictly(value: str) -> Iterator[str]:
    """JSON that escapes nothing but what it has to."""
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]


def _shell_forms(value: str) -> Iterator[str]:
    """Within single quotes: Python ends them, shells themselves often escape instead."""
    yield shlex.quote(value).strip("'")
    yield value.replace("'", "'\\''")


def _url_forms(value: str) -> Iterator[str]:
    raw = value.encode("utf-8", "surrogatepass")
    # Clients differ in what they leave as it is; the last is what browsers do.
    for encoded in (quote(raw, safe=""), quote(raw), quote_plus(raw), quote(raw, safe="!*'()")):
        yield encoded
        yield re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), encoded)
        # An address within an address.
        yield quote(encoded, safe="")
        yield quote(encoded)


def _html_forms(value: str) -> Iterator[str]:
    escaped = html.escape(value, quote=False)
    yield escaped
    for double in ("&quot;", "&#34;"):
        for single in ("'", "&#x27;", "&#39;", "&apos;"):
            yield escaped.replace('"', double).replace("'", single)


# What serialisers in browsers and .NET write as \uXXXX although JSON does not ask for it.
_careful = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&'+`"})


def _json_forms(value: str) -> Iterator[str]:
    for ascii_only in (True, False):
        escaped = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")
        careful = escaped.translate(_careful)
        yield careful
        yield careful.replace('\\"', "\\u0022")
        yield re.sub(r"\\u[0-9a-f]{4}", lambda match: "\\u" + match.group()[2:].upper(), careful)


def _base64_forms(raw: bytes) -> Iterator[str]:
    """The value in base64, alone and at each of the three places it can have in longer data."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode()
        for before in range(3):
            encoded = encode(b"\0" * before + raw).decode().rstrip("=")
            # Six bits per character: those that carry bits of the neighbours are left out.
            first = -(-before * 8 // 6)
            last = (before + len(raw)) * 8 // 6
            yield encoded[first:last]


# Letters and digits that may be base64 or hex, in lines of any length but for a last one.
_RUN: Final = re.compile(
    r"[A-Za-z0-9+/_-]{11,}(?:(?:\r?\n|(?:\\r)?\\n)[ \t]*[A-Za-z0-9+/_-]+)*(?:%3[Dd]|={0,2})"
)
_BREAK: Final = re.compile(r"\s+|\\[rn]|%3[Dd]|=")
_RUN_IN_BYTES: Final = re.compile(rb"[A-Za-z0-9+/_\r\n-]{8,}")
_HEX: Final = re.compile("[0-9A-Fa-f]{12,}")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


def _without_encoded(text: str, values: Needles) -> str:
    """The text without the runs in which a value stands in hex, or in base64 once or twice."""
    # All of them together first: hardly any text holds one.
    everything = b"\0".join(one for run in _RUN.findall(text) for one in _decoded(run))
    present = [one.encode("latin-1") for one in values.found_in(everything.decode("latin-1"))]
    if not present:
        return text

    def mask(run: re.Match[str]) -> str:
        return MASK if any(one in raw for raw in _decoded(run[0]) for one in present) else run[0]

    return _RUN.sub(mask, text)


def _decoded(run: str) -> Iterator[bytes]:
    """What a run of letters and digits may stand for."""
    compact = _BREAK.sub("", run)
    yield from _from_hex(compact)
    if run.islower():
        return  # ids are, and base64 of what is base64 or a letter is not
    for raw in _from_base64(compact.encode()):
        yield raw
        for inner in _RUN_IN_BYTES.findall(raw):
            yield from _from_base64(inner.translate(None, b"\r\n"))


def _from_hex(run: str) -> Iterator[bytes]:
    """What hex may stand for, whichever half of a byte it begins with."""
    for digits in _HEX.findall(run):
        for begin in range(2):
            even = digits[begin:]
            yield bytes.fromhex(even[: len(even) // 2 * 2])


def _from_base64(run: bytes) -> Iterator[bytes]:
    """What base64 may stand for, wherever in a group of four it begins."""
    run = run.translate(_STANDARD)
    for begin in range(4):
        # What is left over at the end stands for a byte or two of its own.
        part = run[begin:]
        part = part[: len(part) - 1] if len(part) % 4 == 1 else part
        yield base64.b64decode(part + b"=" * (-len(part) % 4))
