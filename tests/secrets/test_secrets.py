"""Secrets: held, kept, found again, and kept out of everything else."""

from __future__ import annotations

import asyncio
import base64
import copy
import hashlib
import html
import json
import logging
import os
import pickle
import random
import re
import shlex
import signal
import string
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import keyring
import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.null
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyring.backend import KeyringBackend

from bcrunbook import secrets
from bcrunbook.errors import FixInput, NotFound, ReportBug, Unreachable
from bcrunbook.order import REGISTER_APPLICATION, notebook_name
from bcrunbook.secrets import (
    MASK,
    Secret,
    SecretReference,
    files,
    looks_like_secret,
    scrub,
    scrub_json,
    system_keyring,
)

pytestmark = pytest.mark.scrubs

ENTRA = "xk38Q~Yd.2bPz_Rr-7TqLmVn0sWc4uHe1aGfJkbD"
MANY = 3_000

CODAT = "ztHQGvnC4XN2CgUhaDWEG4ySLUJqWjp7zkbZkGHd"
OLD_ENTRA = "[6gyXA5S20@MN+WRXAJ]I-TO7g1:h2P8"
IN_A_VAULT = "https://books-kv.vault.azure.net/secrets/trial-key"
JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiIwMDAwIn0.c2lnbmF0dXJl-_x"


# --- a value in memory -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "show",
    [repr, str, "{}".format, "{:>80}".format, "{!r}".format, lambda secret: f"{secret:.90}"],
)
def test_every_way_to_print_a_secret_shows_dots(show: Callable[[Secret], str]) -> None:
    """A secret prints as three dots, whatever the format."""
    assert show(Secret(ENTRA)) == MASK


def test_a_secret_gives_its_value_only_when_asked() -> None:
    """`reveal` is the only door, and the value is unchanged."""
    secret = Secret(" odd 'value\" ")
    assert secret.reveal() == " odd 'value\" "
    assert not hasattr(secret, "__dict__")
    assert copy.deepcopy({"in": secret})["in"] is secret
    assert copy.copy(secret) is secret


@pytest.mark.parametrize("leak", [pickle.dumps, json.dumps, lambda secret: secret.__getstate__()])
def test_a_secret_cannot_be_serialised(leak: Callable[[Secret], object]) -> None:
    """Pickle and JSON refuse a secret, and their errors do not hold it."""
    with pytest.raises(TypeError) as caught:
        leak(Secret(ENTRA))
    assert ENTRA not in str(caught.value)


def test_a_secret_does_not_change() -> None:
    """No attribute can be set or removed."""
    secret = Secret(ENTRA)
    with pytest.raises(AttributeError):
        secret.value = "x"
    with pytest.raises(AttributeError):
        del secret.reveal
    assert secret.reveal() == ENTRA


def test_secrets_compare_by_value() -> None:
    """Equal values are equal, and no secret equals a plain text."""
    one, same, other = Secret("value-one"), Secret("value-one"), Secret("välue-twö")
    assert one == same and hash(one) == hash(same)
    assert one != other and one != "value-one"


def test_an_empty_secret_is_refused() -> None:
    """A service that gives an empty secret is reported, not stored."""
    with pytest.raises(ReportBug):
        Secret("")


# --- scrubbing ---------------------------------------------------------------------------------

ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda value: value,
    "url": lambda value: quote(value, safe=""),
    "url path": quote,
    "url form": quote_plus,
    "url lower": lambda value: re.sub(
        "%..", lambda match: match.group().lower(), quote(value, safe="")
    ),
    "json": lambda value: json.dumps(value)[1:-1],
    "json unicode": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "json twice": lambda value: json.dumps(json.dumps(value))[3:-3],
    "html": html.escape,
    "html text": lambda value: html.escape(value, quote=False),
    "html in json": lambda value: json.dumps(html.escape(value))[1:-1],
    "python": lambda value: repr(value)[1:-1],
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 url": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "base64 no padding": lambda value: base64.b64encode(value.encode()).decode().rstrip("="),
    "base64 twice": lambda value: base64.b64encode(base64.b64encode(value.encode())).decode(),
    "base64 url twice": lambda value: base64.urlsafe_b64encode(
        base64.urlsafe_b64encode(value.encode())
    ).decode(),
    "hex": lambda value: value.encode().hex(),
    "hex upper": lambda value: value.encode().hex().upper(),
    "url twice": lambda value: quote(quote(value, safe=""), safe=""),
    "url twice, paths": lambda value: quote(quote(value)),
    "json three times": lambda value: json.dumps(json.dumps(json.dumps(value)))[7:-7],
    "html apos": lambda value: html.escape(value).replace("&#x27;", "&apos;"),
    "python ascii": lambda value: ascii(value)[1:-1],
    "python bytes": lambda value: repr(value.encode())[2:-1],
    "shell": lambda value: shlex.quote(value).strip("'"),
    "shell by hand": lambda value: value.replace("'", "'\\''"),
}
values = st.text(
    st.characters(codec="utf-8", exclude_characters=MASK[0]), min_size=6, max_size=64
) | st.text(string.ascii_letters + string.digits + "~._-[]@+:'\"<&/\\", min_size=6, max_size=64)
around = st.text(string.ascii_letters + " \n{}=,.", max_size=30)


def test_base64_that_has_capitals_and_digits_only_is_found() -> None:
    """It looks like a name in capitals; base64 twice of something short may be that."""
    value = Secret("00\x980/0").reveal()
    twice = base64.b64encode(base64.b64encode(value.encode())).decode()
    assert twice.isupper() and scrub(f"it is {twice}.", "a test") == f"it is {MASK}."


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
@settings(max_examples=60, deadline=None)
@given(value=values, before=around, after=around)
def test_a_known_value_never_survives(
    encode: Callable[[str], str], value: str, before: str, after: str
) -> None:
    """A value that was held once is scrubbed from any text, in each form it may be written."""
    Secret(value)
    form = encode(value)
    assert form not in scrub(before + form + after, "a test")


@settings(max_examples=100, deadline=None)
@given(
    begin=st.sampled_from(["", "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJo"]),
    ends=st.lists(values, min_size=2, max_size=12),
    between=around,
    order=st.randoms(use_true_random=False),
)
def test_of_many_known_values_none_survives(
    begin: str, ends: list[str], between: str, order: random.Random
) -> None:
    """Also where they begin alike, some stand in others, and there are many more."""
    for number in range(100):
        Secret(hashlib.sha256(b"%d" % number).hexdigest())
    held = [Secret(begin + end).reveal() for end in ends]
    text = between.join(order.sample(held, len(held)))
    clean = scrub(text, "a test")
    assert not [one for one in held if one in clean]


def test_among_thousands_of_known_values_each_is_found() -> None:
    """A process that follows thousands of customers has held as many tokens."""
    draw = random.Random(MANY)
    alphabet = string.ascii_letters + string.digits + "-_"
    held = [
        Secret("".join(draw.choices(alphabet, k=draw.randint(6, 90)))).reveal() for _ in range(MANY)
    ]
    for at, one in enumerate(held[:: MANY // 100]):
        text = f"{'a ' * at}{one}, and what is said after it"
        assert one not in scrub(text, "a test")
        encoded = base64.b64encode(f"{at}{one}".encode()).decode()
        assert encoded not in scrub(f"in base64 {encoded}", "a test")


@settings(max_examples=100, deadline=None)
@given(value=values, before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_a_known_value_never_survives_inside_longer_base64(
    value: str, before: bytes, after: bytes
) -> None:
    """Base64 of `user:secret` hides the secret at any offset; none of its inner text survives."""
    Secret(value)
    encoded = base64.b64encode(before + value.encode() + after).decode()
    clean = scrub(encoded, "a test")
    for piece in clean.split(MASK):
        padded = piece[: len(piece) // 4 * 4]
        assert value.encode() not in base64.b64decode(padded)
    assert MASK in clean


@pytest.mark.parametrize("width", [19, 64, 76])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\\n", "\\r\\n", "\n    "])
@settings(max_examples=20, deadline=None)
@given(value=values, before=st.binary(max_size=60), after=st.binary(max_size=60))
def test_a_known_value_never_survives_in_lines_of_base64(
    width: int, line_end: str, value: str, before: bytes, after: bytes
) -> None:
    """As a letter's attachment or a PEM file has it, also where it is JSON's text."""
    Secret(value)
    encoded = base64.b64encode(before + value.encode() + after).decode()
    lines = [encoded[begin : begin + width] for begin in range(0, len(encoded), width)]
    clean = scrub(f"-- {line_end.join(lines)} --", "a test").removeprefix("-- ")
    pieces = "".join(clean.removesuffix(" --").split(line_end)).split(MASK)
    whole = (piece[: len(piece) // 4 * 4] for piece in pieces)
    assert not [one for one in whole if value.encode() in base64.b64decode(one)]


@pytest.mark.parametrize(
    ("text", "gone", "kept"),
    [
        ("Authorization: Bearer abcdef", "abcdef", "Authorization: Bearer"),
        ("{'Authorization': 'Basic c2VjcmV0'}", "c2VjcmV0", "Authorization"),
        ("sent Bearer abc123def456 to it", "abc123def456", "to it"),
        (f"token {JWT}.", JWT, "token"),
        ("grant_type=x&client_secret=Pa55-word&y=1", "Pa55-word", "y=1"),
        ('{"secretText": "Pa55 word", "hint": "Pa5"}', "Pa55", '"hint": "Pa5"'),
        (r"\"access_token\": \"0.AXoA-opaque\"", "0.AXoA-opaque", "access_token"),
        ("{'refresh_token': '0.AXoA-opaque'}", "0.AXoA-opaque", "refresh_token"),
        ("https://login.microsoftonline.com/x?code=12345&x=1", "12345", "x=1"),
        ("https://login.microsoftonline.com/x?a=1&state=abc", "state=abc", "a=1"),
        ("GET /?code=0.AXoAabcdefghijklmnop&state=QwErTyUiOpAsDfGh HTTP/1.1", "0.AXoA", "HTTP/1.1"),
        ("http://localhost:5000/?a=1&amp;state=QwErTyUiOpAsDfGh", "QwErTy", "localhost:5000"),
        ("https://link-api.codat.io/x/start?otp=742271", "742271", "/x/start"),
        (f"made {ENTRA} today", ENTRA, "today"),
    ],
)
def test_secrets_are_known_by_their_shape(text: str, gone: str, kept: str) -> None:
    """A value nobody held here is still scrubbed when its shape or its field says what it is.

    contract G7.3 and C8.20
    """
    clean = scrub(text, "a test")
    assert gone not in clean and MASK in clean and kept in clean


@pytest.mark.parametrize(
    "text",
    [
        '{"client_secret": "done", "secretText": null}',
        "client_secret=keyring:bcrunbook/trial/3f2a9c",
        "the step client_secret makes a client secret; Bearer tokens expire",
        "GET /v1.0/applications?$filter=displayName eq 'x'&code=404",
        "3f2a9c1e-0000-4000-8000-0123456789ab 2026-09-26T12:00:00Z",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Step ids, references, GUIDs and prose about secrets come out as they went in."""
    assert scrub(text, "a test") == text


def test_finding_a_known_value_is_logged_without_it(caplog: pytest.LogCaptureFixture) -> None:
    """The scrubber reports that a leak was about to happen, and where, but never the value."""
    Secret("a-known-value-1")
    scrub("holds a-known-value-1", where="the report")
    assert "a secret was about to be written to the report" in caplog.text
    assert "a-known-value-1" not in caplog.text
    assert caplog.records[0].levelno == logging.ERROR
    assert caplog.records[0].name == "bcrunbook.secrets"


def test_a_proxy_that_is_set_later_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell may set the proxy's password after the first text was scrubbed."""
    said = "cannot connect to hilde:k7-quite-long-9@proxy"
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    assert scrub(said, "a test") == said
    monkeypatch.setenv("HTTPS_PROXY", "http://hilde:k7-quite-long-9@proxy.example:3128")
    assert "k7-quite" not in scrub(said, "a test")


def test_short_values_are_not_searched_for() -> None:
    """A value of five characters would be found by chance in ordinary text."""
    Secret("trial")
    assert scrub("the trial account", "a test") == "the trial account"


def test_nested_data_is_scrubbed_with_its_keys() -> None:
    """Keys, values, lists and secrets themselves are scrubbed; the rest is untouched."""
    secret = Secret("nested-known-value")
    data = {
        "nested-known-value": [1, None, True, ("x nested-known-value",)],
        "held": secret,
        "access_token": "opaque",
        "client_secret": "done",
    }
    assert scrub_json(data, where="a test") == {
        MASK: [1, None, True, [f"x {MASK}"]],
        "held": MASK,
        "access_token": "opaque",
        "client_secret": "done",
    }
    assert scrub_json({"secretText": "Opaque 1"}, where="a test") == {"secretText": MASK}


KNOWN = "a-value-that-was-held"
PIECES = (
    *("client_secret=file:x", "access_token=opaqueNumber1", 'id_token":"done', "&code=" + "a1" * 9),
    *("client_secret=", "access_token", "otp=", "Authorization", "Bearer ", "eyJ", "state="),
    *("https://login.example/", "?code=", "&", "file:x", "env:NAME", "done", "opaqueNumber1"),
    *(ENTRA, ENTRA[:20], ENTRA[20:], JWT, JWT[:30], CODAT, KNOWN, KNOWN[:9], KNOWN[9:]),
    *(base64.b64encode(KNOWN.encode()).decode()[at:] for at in (0, 7)),
    *(KNOWN.encode().hex(), KNOWN.encode().hex()[9:], "abcdefghijklmnopqrst1", "\\n", "\\", "•"),
    *("\n", " ", "\0", ":", "=", '"', "'", "\t", "(", "b'", "\r\n"),
)


@settings(max_examples=1000, deadline=None, print_blob=True)
@given(st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join), max_size=6))
def test_a_text_is_masked_alike_in_any_company(texts: list[str]) -> None:
    """What stands in one text hides nothing of another, however the two are looked through."""
    Secret(KNOWN)
    assert scrub_json(texts, where="a test") == [scrub(one, "a test") for one in texts]


def test_a_harmless_field_hides_no_other() -> None:
    """A reference may go on to the end of its own text, and not into the next."""
    for number in range(50):
        data = {"a": f"client_secret=file:x{number}", "b": f"access_token=opaqueNumber{number}"}
        assert scrub_json(data, where="a test") == {**data, "b": f"access_token={MASK}"}


# --- what looks like a secret ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        ENTRA,
        CODAT,
        OLD_ENTRA,
        JWT,
        f"my secret is {ENTRA}",
        f"keyring:{ENTRA}",
        "-----BEGIN PRIVATE KEY-----\nMIIE",
        "-----BEGIN RSA PRIVATE KEY-----",
        "k9Jx+Qe72mVbNz0LtYw4Rs8HcPfUg3aD",
    ],
)
def test_secrets_look_like_secrets(text: str) -> None:
    """The shapes that people paste by mistake are recognised (contract G7.3)."""
    assert looks_like_secret(text)


@settings(max_examples=300)
@given(st.text(string.ascii_letters + string.digits, min_size=40, max_size=40))
def test_random_keys_look_like_secrets(text: str) -> None:
    """Forty letters and digits in random order are taken for a Codat API key (contract C1.5)."""
    kinds = (str.islower, str.isupper, str.isdigit)
    expected = all(any(kind(char) for char in text) for kind in kinds)
    assert looks_like_secret(text) or not expected


_label = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=20)
_segment = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=11)
_domain = st.builds(lambda labels: ".".join([*labels, "com"]), st.lists(_label, min_size=1))
harmless = st.one_of(
    st.uuids().map(str),
    st.uuids().map(lambda uuid: str(uuid).upper()),
    _domain,
    st.builds(lambda who, where: f"{who}@{where}", _segment, _domain),
    st.builds(lambda parts: "/" + "/".join(parts), st.lists(_segment)),
    st.builds(lambda parts: "/".join(parts), st.lists(_segment, min_size=1)),
    st.from_regex(r"[a-z][a-z0-9-]{0,29}", fullmatch=True),
    st.builds(lambda parts: "keyring:" + "/".join(parts), st.lists(_segment, min_size=2)),
    st.datetimes().map(lambda at: at.isoformat()),
    st.datetimes().map(lambda at: at.isoformat() + "Z"),
    st.builds(lambda host, path: f"https://{host}/{path}", _domain, _segment),
)


@settings(max_examples=1000)
@given(harmless)
def test_names_and_references_do_not_look_like_secrets(text: str) -> None:
    """GUIDs, domains, user names, paths, account names, references, dates and addresses pass."""
    assert not looks_like_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Contoso books",
        "Contoso-Books-Production-2024",
        "ContosoBusinessCentralIntegration2024",
        notebook_name(REGISTER_APPLICATION),
        "2026-09-26T120000Z-client_secret-ab12cd",
        r"C:\Users\Ada Lovelace\AppData\Local\Contoso2024",
        "first.last_contoso.com#EXT#@fabrikam.onmicrosoft.com",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "sqlite:///ledger.db",
        "https://dynamics365businesscentral.codat.io/oauth/callback",
        "env:CONTOSO_Client_Secret_2024_Production",
        "Microsoft.BusinessCentral/Financials.ReadWrite.All",
    ],
)
def test_things_people_name_do_not_look_like_secrets(text: str) -> None:
    """What stands in real workspaces is not mistaken for a secret."""
    assert not looks_like_secret(text)


# --- references --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "keyring:service/name",
        "file:secrets/x",
        "env:NAME_1",
        f"keyvault:{IN_A_VAULT}",
        f"keyvault:{IN_A_VAULT}/{'0af3' * 8}",
    ],
)
def test_references_survive_a_round_trip(text: str) -> None:
    """A reference prints as it was written."""
    reference = SecretReference.parse(text, "a test")
    assert str(reference) == text
    assert f"{reference.scheme}:{reference.rest}" == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ENTRA, "looks like a secret itself"),
        (f"env:{ENTRA}", "looks like a secret itself"),
        ("hunter22", "not a reference"),
        ("keyrng:hunter22/x", 'Did you mean "keyring"?'),
        ("zzz:hunter22", "Valid: env, file, keyring, keyvault"),
        ("keyring:hunter22", "not complete"),
        ("env:hunter22!", "not complete"),
        ("file:", "not complete"),
        ("keyvault:hunter22", "not complete"),
        ("keyvault:vault/hunter22", "not complete"),
        ("keyvault:https://books-kv.vault.azure.net/hunter22", "not complete"),
        ("keyvault:https://books-kv.vault.azure.net/secrets/hunter22/v1", "not complete"),
        ("keyvault:https://books--kv.vault.azure.net/secrets/hunter22", "not complete"),
        ("keyvault:https://books-kv.example.com/secrets/hunter22", "not complete"),
        ("keyvault:https://books-kv.vault.azure.cn/secrets/hunter22", "national cloud"),
        ("keyvault:https://kv.vault.usgovcloudapi.net/secrets/hunter22", "national cloud"),
        ("", "not a reference"),
    ],
)
def test_what_is_no_reference_is_refused_without_repeating_it(text: str, says: str) -> None:
    """A misspelt reference may be a secret, so the error names the place and not the text.

    contract G22.1 and G22.2
    """
    with pytest.raises(FixInput) as caught:
        SecretReference.parse(text, "accounts.toml, codat_api_key")
    message = str(caught.value)
    assert says in message and "accounts.toml, codat_api_key" in message
    assert "hunter22" not in message and ENTRA not in message


# --- stores ------------------------------------------------------------------------------------


class MemoryKeyring(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.threads: set[int] = set()

    def get_password(self, service: str, username: str) -> str | None:
        """What is kept, and by which thread it was asked for."""
        self.threads.add(threading.get_ident())
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Keep it no longer."""
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    """The system keyring, replaced by one in memory; afterwards by one that always fails."""
    memory = MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("spec", ["keyring:bcrunbook", "file:secrets", "file:deep/er/secrets/"])
async def test_a_store_keeps_replaces_and_forgets(
    spec: str, tmp_path: Path, ring: MemoryKeyring
) -> None:
    """What is put is what is got and read by reference, the last value wins, deleted is gone."""
    store = secrets.open_store(spec, tmp_path)
    assert store.writable
    await store.probe()
    assert await store.get("trial/3f2a9c") is None
    await store.put("trial/3f2a9c", Secret("first"))
    reference = await store.put("trial/3f2a9c", Secret(OLD_ENTRA + "'\"é\n"))
    assert reference == store.reference("trial/3f2a9c")
    assert await store.get("trial/3f2a9c") == Secret(OLD_ENTRA + "'\"é\n")
    parsed = SecretReference.parse(str(reference), "a test")
    assert await secrets.read(parsed, tmp_path) == Secret(OLD_ENTRA + "'\"é\n")
    await store.delete("trial/3f2a9c")
    await store.delete("trial/3f2a9c")
    assert await store.get("trial/3f2a9c") is None
    with pytest.raises(NotFound):
        await secrets.read(reference, tmp_path)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not ring.kept and {path.name for path in left} <= {"keyring.lock"}


async def test_the_keyring_is_called_in_another_thread(tmp_path: Path, ring: MemoryKeyring) -> None:
    """A keyring that asks the person to unlock it does not stop the event loop."""
    await secrets.open_store("keyring:bcrunbook", tmp_path).get("x")
    assert threading.get_ident() not in ring.threads


class Exploding(MemoryKeyring):
    """A keyring whose error repeats the value it was given."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Fail, with the value in the text."""
        raise OSError(f"cannot keep {password}")


@pytest.mark.parametrize(
    "backend",
    [keyring.backends.fail.Keyring, keyring.backends.null.Keyring, Exploding],
)
async def test_a_keyring_that_keeps_nothing_is_found_out(
    backend: type[KeyringBackend], tmp_path: Path, ring: MemoryKeyring
) -> None:
    """Backends that fail, or silently keep nothing, are refused with advice to use files."""
    keyring.set_keyring(backend())
    store = secrets.open_store("keyring:bcrunbook", tmp_path)
    for attempt in (store.probe(), store.put("trial/x", Secret("given-to-the-ring"))):
        with pytest.raises(FixInput) as caught:
            await attempt
        assert "file:secrets" in caught.value.next
        assert "given-to-the-ring" not in str(caught.value)


class Locked(MemoryKeyring):
    """A keyring that waits for a password, as one does whose window nobody sees."""

    def __init__(self, unlocked: threading.Event) -> None:
        super().__init__()
        self.unlocked = unlocked

    def get_password(self, service: str, username: str) -> str | None:
        """Wait until somebody unlocks it."""
        self.unlocked.wait()
        return super().get_password(service, username)


async def test_a_keyring_that_does_not_answer_is_given_up(
    tmp_path: Path,
    ring: MemoryKeyring,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The person is told what is waited for, and then what to do; nobody waits a second time."""
    monkeypatch.setattr(system_keyring, "_hangs", threading.Event())
    monkeypatch.setattr(system_keyring, "REMIND_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(system_keyring, "DEADLINE_SECONDS", 0.1)
    unlocked = threading.Event()
    keyring.set_keyring(Locked(unlocked))
    store = secrets.open_store("keyring:bcrunbook", tmp_path)
    try:
        with pytest.raises(FixInput, match="does not answer") as caught:
            await store.get("x")
        assert "file:secrets" in caught.value.next and "locked" in caught.value.why
        assert "Waiting for the system keyring" in caplog.text
        monkeypatch.setattr(system_keyring, "DEADLINE_SECONDS", 3600.0)
        with pytest.raises(FixInput, match="does not answer"):
            await store.get("x")
    finally:
        unlocked.set()


HANGING = """
import threading
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 1
    def get_password(self, service, name):
        print("asked", flush=True)
        threading.Event().wait()
    set_password = delete_password = get_password
"""
ASKS = """
import asyncio, pathlib
from bcrunbook.secrets import open_store
asyncio.run(open_store("keyring:bcrunbook", pathlib.Path()).get("x"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another event there")
def test_ctrl_c_ends_a_program_whose_keyring_hangs(tmp_path: Path) -> None:
    """Nobody has to kill it."""
    (tmp_path / "hanging.py").write_text(HANGING)
    environment = {
        **os.environ,
        "PYTHON_KEYRING_BACKEND": "hanging.Keyring",
        "PYTHONPATH": str(tmp_path),
    }
    command = [sys.executable, "-c", ASKS]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == b"asked\n"
        asking.send_signal(signal.SIGINT)
        try:
            assert asking.wait(timeout=30) != 0
        finally:
            asking.kill()


ASKS_IN_A_CELL = """
from bcrunbook.run.engine.cells import cells_there

CELL = '''
import pathlib
from bcrunbook.secrets import open_store, system_keyring
system_keyring.REMIND_AFTER_SECONDS, system_keyring.DEADLINE_SECONDS = 0.0, 0.1
await open_store("keyring:bcrunbook", pathlib.Path()).get("x")
'''
with cells_there(lambda process: None) as cells:
    print(cells.run(CELL, None))
"""


def test_a_run_says_at_once_what_its_cell_waits_for(tmp_path: Path) -> None:
    """In the terminal, before the cell has ended; the notebook has it as well."""
    (tmp_path / "hanging.py").write_text(HANGING)
    environment = {
        **os.environ,
        "PYTHON_KEYRING_BACKEND": "hanging.Keyring",
        "PYTHONPATH": str(tmp_path),
    }
    command = [sys.executable, "-c", ASKS_IN_A_CELL]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert "Waiting for the system keyring" in done.stderr, done.stderr
    assert "Waiting for the system keyring" in done.stdout
    assert "does not answer" in done.stdout


FILE_BASED = """
import json, pathlib, time
from keyring.backend import KeyringBackend

FILE = pathlib.Path(__file__).with_name("kept.json")

class Keyring(KeyringBackend):
    priority = 1
    def _all(self):
        return json.loads(FILE.read_text()) if FILE.exists() else {}
    def get_password(self, service, name):
        return self._all().get(name)
    def set_password(self, service, name, value):
        kept = self._all()
        time.sleep(0.02)
        FILE.write_text(json.dumps({**kept, name: value}))
    def delete_password(self, service, name):
        FILE.write_text(json.dumps({k: v for k, v in self._all().items() if k != name}))
"""
STORES = """
import asyncio, pathlib, sys
from bcrunbook.secrets import Secret, open_store
store = open_store("keyring:bcrunbook", pathlib.Path())

async def main():
    for number in range(5):
        await store.put(f"{sys.argv[1]}/{number}", Secret("value-of-it"))

sys.stdin.readline()
asyncio.run(main())
"""


def test_a_keyring_in_a_file_loses_nothing_between_processes(tmp_path: Path) -> None:
    """It reads the file, and writes all of it back: one process at a time may do so."""
    (tmp_path / "filed.py").write_text(FILE_BASED)
    environment = {
        **os.environ,
        "PYTHON_KEYRING_BACKEND": "filed.Keyring",
        "PYTHONPATH": str(tmp_path),
    }
    storing = [
        subprocess.Popen(
            [sys.executable, "-c", STORES, name], env=environment, stdin=subprocess.PIPE
        )
        for name in "abcd"
    ]
    for one in storing:
        one.communicate(b"\n", timeout=120)
    assert [one.returncode for one in storing] == [0] * 4
    assert len(json.loads((tmp_path / "kept.json").read_text())) == 20


async def test_a_chain_of_no_keyrings_is_found_out(
    tmp_path: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chaining backend without a backend to chain takes everything and keeps nothing."""
    monkeypatch.setattr(keyring.backends.chainer.ChainerBackend, "backends", [])
    keyring.set_keyring(keyring.backends.chainer.ChainerBackend())  # type: ignore[no-untyped-call]
    with pytest.raises(FixInput, match="keep"):
        await secrets.open_store("keyring:bcrunbook", tmp_path).probe()


@pytest.mark.parametrize(
    "spec",
    [
        *("", "keyring", "keyring:", "keyring:a/b", "file:", "vault:x", "env:a b", ENTRA),
        *("keyvault:", "keyvault:books-kv", "keyvault:http://books-kv.vault.azure.net"),
        *("keyvault:https://kv.vault.azure.net", "keyvault:https://books-kv.vault.azure.cn/"),
        f"keyvault:{IN_A_VAULT}",
    ],
)
def test_what_is_no_store_is_refused(spec: str, tmp_path: Path) -> None:
    """A misspelt store is refused with those that can be used."""
    with pytest.raises(FixInput) as caught:
        secrets.open_store(spec, tmp_path)
    assert ENTRA not in str(caught.value)


@pytest.mark.parametrize("name", ["../x", "Trial/x", "a//b", "/a", "a.b", "", "a/"])
async def test_names_cannot_lead_out_of_the_store(name: str, tmp_path: Path) -> None:
    """Only lower-case names in plain parts are taken."""
    store = secrets.open_store("file:secrets", tmp_path)
    for call in (store.get(name), store.delete(name), store.put(name, Secret("x"))):
        with pytest.raises(FixInput):
            await call


@pytest.mark.skipif(os.name != "posix", reason="file modes of POSIX systems")
async def test_secret_files_are_private(tmp_path: Path) -> None:
    """Folders are 0700 and files 0600, whatever the process's umask."""
    before = os.umask(0)
    try:
        await secrets.open_store("file:store/a/b", tmp_path).put("trial/x", Secret("value"))
    finally:
        os.umask(before)
    modes = {
        path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777
        for path in [tmp_path / "store", *(tmp_path / "store").rglob("*")]
    }
    assert modes == {
        "store": 0o700,
        "store/a": 0o700,
        "store/a/b": 0o700,
        "store/a/b/trial": 0o700,
        "store/a/b/trial/x": 0o600,
    }


@pytest.mark.skipif(os.name != "posix", reason="file modes of POSIX systems")
@pytest.mark.parametrize(
    ("which", "command"), [("secrets", "chmod 700"), ("secrets/x", "chmod 600")]
)
async def test_a_secret_that_others_can_read_is_refused(
    which: str, command: str, tmp_path: Path
) -> None:
    """A folder or file open to others is refused, with the command that closes it."""
    store = secrets.open_store("file:secrets", tmp_path)
    await store.put("x", Secret("value"))
    (tmp_path / which).chmod(0o755 if command.endswith("700") else 0o640)
    with pytest.raises(FixInput) as caught:
        await store.get("x")
    assert command in caught.value.next and str(tmp_path / which) in caught.value.next


async def test_a_file_made_by_hand_may_end_its_line(tmp_path: Path) -> None:
    """The line end, and the byte order mark, that an editor adds are no part of the secret."""
    for raw in (b"value", b"value\n", b"value\r\n", b"\xef\xbb\xbfvalue\r\n"):
        path = tmp_path / "by-hand"
        path.write_bytes(raw)
        path.chmod(0o600)
        reference = SecretReference.parse("file:by-hand", "a test")
        assert (await secrets.read(reference, tmp_path)).reveal() == "value"


@pytest.mark.parametrize("raw", [b"", b"\n"])
async def test_an_empty_file_is_no_secret(raw: bytes, tmp_path: Path) -> None:
    """A file without content reads as missing, and the error names the file."""
    (tmp_path / "empty").write_bytes(raw)
    (tmp_path / "empty").chmod(0o600)
    with pytest.raises(NotFound) as caught:
        await secrets.read(SecretReference("file", "empty"), tmp_path)
    assert str(tmp_path / "empty") in str(caught.value)


async def test_files_that_cannot_hold_a_secret_are_refused(tmp_path: Path) -> None:
    """A folder in place of a file, and bytes that are no text, are named as such."""
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "binary").chmod(0o600)
    for name in ("folder", "binary", "~nobody-of-this-name/x"):
        with pytest.raises(FixInput) as caught:
            await secrets.read(SecretReference("file", name), tmp_path)
        assert name in str(caught.value)


async def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """Neither a linked file nor a linked folder leads reading, writing or deleting outside."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    (outside / "x").write_text("elsewhere")
    (outside / "x").chmod(0o600)
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    (folder / "file").symlink_to(outside / "x")
    (folder / "sub").symlink_to(outside)
    store = secrets.open_store("file:secrets", tmp_path)
    for name in ("file", "sub/x"):
        for call in (store.get(name), store.put(name, Secret("value")), store.delete(name)):
            with pytest.raises(FixInput, match="outside"):
                await call
    assert [path.name for path in outside.iterdir()] == ["x"]
    assert (outside / "x").read_text() == "elsewhere"


@pytest.mark.parametrize("spec", ["file:runs", "file:runs/deep", "file:x/../runs/y"])
def test_secrets_are_not_kept_among_reports(spec: str, tmp_path: Path) -> None:
    """The runs folder is made to be passed on, so no store may be in it."""
    with pytest.raises(FixInput, match="runs"):
        secrets.open_store(spec, tmp_path)


async def test_a_crash_before_the_rename_keeps_the_old_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a secret is never seen, and no temporary file stays behind."""
    store = secrets.open_store("file:secrets", tmp_path)
    await store.put("x", Secret("the old value"))

    def crash(source: object, target: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            # Called as the thread would call it: an interrupt in a worker would end the test run.
            files.save(tmp_path / "secrets/x", "the new value", tmp_path / "secrets")
    assert await store.get("x") == Secret("the old value")
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["x"]


async def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is named, with advice, and there is no partial file."""

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "secrets").mkdir(mode=0o700)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Unreachable) as caught:
            await secrets.open_store("file:secrets", tmp_path).put("x", Secret("value"))
    assert "make room" in caught.value.next
    assert not list((tmp_path / "secrets").iterdir())


async def test_what_a_killed_process_left_is_swept_away(tmp_path: Path) -> None:
    """An old temporary file goes with the next write; a young one may be another writer's."""
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    for name in (".new-old", ".new-young"):
        (folder / name).write_text("half a sec")
    os.utime(folder / ".new-old", (0, 0))
    await secrets.open_store("file:secrets", tmp_path).put("x", Secret("value"))
    assert sorted(path.name for path in folder.iterdir()) == [".new-young", "x"]


async def test_concurrent_writers_leave_one_whole_value(tmp_path: Path) -> None:
    """Of many writers of one name, one wins; the value is whole, and nothing else is left."""
    store = secrets.open_store("file:secrets", tmp_path)
    written = [Secret(f"value-{number}-" + "x" * 2000) for number in range(20)]
    await asyncio.gather(*(store.put("trial/x", value) for value in written))
    assert await store.get("trial/x") in written
    assert [path.name for path in (tmp_path / "secrets/trial").iterdir()] == ["x"]


async def test_the_environment_is_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name maps to a variable, an empty variable counts as missing, and writing is refused."""
    store = secrets.open_store("env:CI_", tmp_path)
    monkeypatch.setenv("CI_TRIAL_CODAT_KEY", "value")
    monkeypatch.setenv("CI_EMPTY", "")
    assert not store.writable
    assert await store.get("trial/codat-key") == Secret("value")
    assert await secrets.read(store.reference("trial/codat-key"), tmp_path) == Secret("value")
    assert await store.get("empty") is None
    with pytest.raises(NotFound):
        await secrets.read(SecretReference("env", "CI_EMPTY"), tmp_path)
    for call in (store.put("x", Secret("value")), store.delete("x"), store.probe()):
        with pytest.raises(FixInput, match="cannot be kept"):
            await call


async def test_a_vault_is_not_opened_before_somebody_signs_in(tmp_path: Path) -> None:
    """A vault's store has names without a sign-in, but no values; nor has a reference."""
    store = secrets.open_store("keyvault:https://Books-KV.vault.azure.net/", tmp_path)
    assert store.writable
    assert str(store.reference("trial/3f2a9c")) == (
        "keyvault:https://books-kv.vault.azure.net/secrets/bcrunbook-trial--3f2a9c"
    )
    reference = SecretReference.parse(f"keyvault:{IN_A_VAULT}", "a test")
    for call in (store.get("trial/x"), store.probe(), secrets.read(reference, tmp_path)):
        with pytest.raises(FixInput, match="before anybody has signed in"):
            await call


@pytest.mark.parametrize(
    "name", ["a--b/x", "a-/x", "a/-x", "x" * 118, "Trial/x", "../x", "a_b", ""]
)
def test_a_vault_has_no_two_spellings_of_a_name(name: str, tmp_path: Path) -> None:
    """Slashes become two dashes in a vault, so names that could be mixed up are refused."""
    store = secrets.open_store("keyvault:https://books-kv.vault.azure.net", tmp_path)
    with pytest.raises(FixInput):
        store.reference(name)


# --- the log -----------------------------------------------------------------------------------


@pytest.fixture
def written() -> Iterator[list[str]]:
    """What a root handler writes, with redaction installed; loggers are restored afterwards."""
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    root, handler = logging.getLogger(), Handler()
    names = ("", "httpx", "httpcore", "msal", "msal.application")
    before = [(logging.getLogger(name), logging.getLogger(name).level) for name in names]
    kept = [(logger, list(logger.filters)) for logger, _ in before]
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    secrets.install_log_redaction()
    secrets.install_log_redaction()
    yield lines
    root.removeHandler(handler)
    for logger, level in before:
        logger.setLevel(level)
    for logger, filters in kept:
        logger.filters[:] = filters
    for other in root.handlers:
        other.filters[:] = [
            one for one in other.filters if not isinstance(one, secrets.RedactingFilter)
        ]


def test_the_log_holds_no_secret(written: list[str]) -> None:
    """Messages, arguments, misfitting arguments, tracebacks and stacks are scrubbed."""
    value = Secret("logged-known-value").reveal()
    log = logging.getLogger("some.library")
    log.info("a %s b", value)
    log.info("Authorization: Bearer abcdef")
    log.info("too %s few %s", value)
    log.info("a stack", stack_info=True)
    try:
        raise ValueError(value)
    except ValueError:
        log.exception("failed")
    text = "\n".join(written)
    assert value not in text and "abcdef" not in text
    assert "a ••• b" in text and "ValueError: •••" in text


def test_a_harmless_traceback_is_left_to_the_handler(written: list[str]) -> None:
    """Handlers that draw tracebacks themselves still can, when there is nothing to hide."""
    try:
        raise ValueError("nothing special")
    except ValueError:
        logging.getLogger("some.library").exception("failed")
    assert "ValueError: nothing special" in written[-1]


def test_http_libraries_are_turned_down_and_redacted_once(written: list[str]) -> None:
    """Nothing is heard of httpx and httpcore below WARNING; each logger has the filter once."""
    logging.getLogger("httpx").info("HTTP Request: GET https://x/?code=1")
    assert not written
    for name in ("httpx", "httpcore", "msal", "msal.application"):
        filters = logging.getLogger(name).filters
        assert sum(isinstance(one, secrets.RedactingFilter) for one in filters) == 1


# --- crashes -----------------------------------------------------------------------------------

DUMPS = """
import resource, sys
_, hard = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

def tell():
    print("limit", resource.getrlimit(resource.RLIMIT_CORE)[0])
"""
BEGINS = {
    "the program": """
import atexit
from bcrunbook.cli import main

atexit.register(tell)
sys.argv = ["bcrunbook", "explain", "waiting"]
main()
""",
    "a notebook": """
import asyncio
from bcrunbook.notebook import open_step

asyncio.run(open_step("start_here", account="trial", mode="plan", workspace="nowhere"))
tell()
""",
    "cells of papermill's engine": """
from bcrunbook.run.engine.cells import cells_there

CELL = "import resource; print('limit', resource.getrlimit(resource.RLIMIT_CORE)[0])"
with cells_there(lambda process: None) as cells:
    print(cells.run(CELL, None))
""",
}


@pytest.mark.skipif(sys.platform == "win32", reason="there are no core dumps")
@pytest.mark.parametrize("begins", BEGINS.values(), ids=BEGINS)
def test_a_process_that_holds_secrets_leaves_no_core_dump(begins: str, tmp_path: Path) -> None:
    """It would write them into a file of the workspace."""
    done = subprocess.run(
        [sys.executable, "-c", DUMPS + begins],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "limit 0" in done.stdout, done.stdout + done.stderr
