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
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, quote_plus

from bcrunbook.secrets.surroundings import learn
from bcrunbook.secrets.value import MASK, registered


def without_known_values(text: str) -> str:
    """The text with every such value in it masked."""
    known = _known_values()
    # Most texts are shorter than most secrets.
    longest = len(text)
    short = known.escaped[: bisect_right(known.escaped, longest, key=_length_of_core)]
    found = [form for core, forms in short if core in text for form in forms if form in text]
    in_base64 = known.in_base64[: bisect_right(known.in_base64, longest, key=len)]
    found += [form for form in in_base64 if form in text]
    # The longest first, so that no tail of one survives.
    for form in sorted(found, key=len, reverse=True):
        text = text.replace(form, MASK)
    return _without_encoded(text, known.raw)


@dataclass(frozen=True)
class KnownValues:
    """Every registered value in the forms in which it is looked for, the shortest first.

    Args:
        values: the values themselves, in the order in which they were registered.
        escaped: for each value letters and digits that stand in all its escaped forms, and those.
        in_base64: what stands for it there, wherever it begins.
        raw: the value itself, in bytes.
    """

    values: tuple[str, ...] = ()
    escaped: tuple[tuple[str, frozenset[str]], ...] = ()
    in_base64: tuple[str, ...] = ()
    raw: tuple[bytes, ...] = ()

    def and_also(self, values: Iterable[str]) -> KnownValues:
        """These, and some more.

        Args:
            values: the others.
        """
        new = tuple(values)
        raw = tuple(value.encode("utf-8", "surrogatepass") for value in new)
        escaped = [(_core(value), _forms(value)) for value in new]
        in_base64 = {form for one in raw for form in _base64_forms(one)}
        return KnownValues(
            (*self.values, *new),
            tuple(sorted([*self.escaped, *escaped], key=_length_of_core)),
            tuple(sorted({*self.in_base64, *in_base64}, key=lambda form: (len(form), form))),
            (*self.raw, *raw),
        )


def _length_of_core(escaped: tuple[str, frozenset[str]]) -> int:
    return len(escaped[0])


_known_now = KnownValues()


def _known_values() -> KnownValues:
    global _known_now
    # Each time: a cell of a notebook may have set a proxy since.
    learn()
    known = _known_now
    if len(known.values) != len(registered):
        # In one go, as another thread may be registering one.
        values = tuple(registered)
        count = len(known.values)
        before = known if values[:count] == known.values else KnownValues()
        known = _known_now = before.and_also(values[len(before.values) :])
    return known


def _core(value: str) -> str:
    """The longest part of a value that no escaping changes: it spares a text most searches."""
    return max(re.findall("[A-Za-z0-9]+", value), key=len, default="")


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


def _without_encoded(text: str, values: Collection[bytes]) -> str:
    """The text without the runs in which a value stands in hex, or in base64 once or twice."""
    # All of them together first: hardly any text holds one.
    everything = b"\0".join(one for run in _RUN.findall(text) for one in _decoded(run))
    present = [one for one in values if one in everything]
    if not present:
        return text

    def mask(run: re.Match[str]) -> str:
        return MASK if any(one in raw for raw in _decoded(run[0]) for one in present) else run[0]

    return _RUN.sub(mask, text)


def _decoded(run: str) -> Iterator[bytes]:
    """What a run of letters and digits may stand for."""
    compact = _BREAK.sub("", run)
    yield from _from_hex(compact)
    if run.islower() or run.isupper():
        return  # no base64 of this length is; names and ids are
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
