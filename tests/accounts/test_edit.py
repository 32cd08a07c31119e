"""Single values of an accounts.toml are changed; the rest of it stays as its author wrote it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bcrunbook.accounts import amend, load, problem
from bcrunbook.errors import FixInput

TOML = """\
# Our accounts. Ask Ada before you change the tenant.
[defaults]
application = "Books"   # what customers read

[accounts.trial]
kind = "trial"
tenant = "contoso.com"  # the test company

[accounts.production]
kind = "production"
tenant = "fabrikam.com"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with that file."""
    (tmp_path / "accounts.toml").write_text(TOML, "utf-8")
    return tmp_path


def test_a_value_is_written_and_everything_else_stays(root: Path) -> None:
    """Comments, order, and the value that holds for all; permissions too."""
    path = root / "accounts.toml"
    path.chmod(0o640)
    workspace = amend(root, "trial", {"application": "Ledger", "secret_lifetime": "6 months"})
    trial = workspace.account("trial")
    assert (trial.application, trial.secret_lifetime_days) == ("Ledger", 182)
    assert workspace.account("production").application == "Books"
    after = path.read_text("utf-8")
    assert [line for line in after.splitlines() if line not in TOML.splitlines()] == [
        'application = "Ledger"',
        'secret_lifetime = "6 months"',
    ]
    assert [line for line in TOML.splitlines() if line not in after.splitlines()] == []
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o640
    assert not list(root.glob(".accounts*"))


HEADED = """\
[accounts.trial]
kind = "trial"
tenant = "contoso.com"
application = "Books"

# How it signs in
[accounts.trial.sign_in]
method = "az"

# ---- Production ----
# Ask Ada first.

[accounts.production]
kind = "production"
tenant = "fabrikam.com"
application = "Books"

# ---- The way out ----
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_new_key_stands_in_its_own_table(line_end: str, tmp_path: Path) -> None:
    """Above what heads the next one, and every line ends as the others do."""
    path = tmp_path / "accounts.toml"
    before = HEADED.replace("\n", line_end).encode()
    path.write_bytes(before)
    new = 'client_id = "11111111-2222-3333-4444-555555555555"'
    for account in ("trial", "production"):
        amend(tmp_path, account, {"client_id": "11111111-2222-3333-4444-555555555555"})
    expected = HEADED.replace('application = "Books"\n', f'application = "Books"\n{new}\n')
    assert path.read_bytes() == expected.replace("\n", line_end).encode()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("application", "Books\u202ecod"),
        ("secret_description", "a\u200bb"),
        ("application", " leading blank"),
        ("application", "x" * 91),
        ("application", "two\nlines"),
        ("client_id", "not a guid"),
        ("secret_lifetime", "25 months"),
        ("secret_lifetime", "soon"),
        ("tenant", "no tenant"),
        ("secret_description", "x" * 41),
        ("secret_description", "abc8Q~0123456789abcdefghijklmnopqrstu"),
        ("kind", "production"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    root: Path, key: str, value: str
) -> None:
    """What would be a mistake in the file, a secret, and a key that is none of a form's."""
    if key != "kind":
        assert problem(load(root).account("trial"), key, value)
    with pytest.raises(FixInput) as caught:
        amend(root, "trial", {key: value})
    assert "Nothing was written" in caught.value.what
    assert value not in str(caught.value) or key == "kind"
    assert (root / "accounts.toml").read_text("utf-8") == TOML


def test_a_byte_order_mark_stays(root: Path) -> None:
    """Whoever's editor wrote it finds the file as it was, but for the value."""
    (root / "accounts.toml").write_bytes(TOML.encode("utf-8-sig"))
    assert amend(root, "trial", {"application": "Ledger"}).account("trial").application == "Ledger"
    written = (root / "accounts.toml").read_bytes()
    assert written.startswith(b"\xef\xbb\xbf") and written.count(b"\xef\xbb\xbf") == 1
    assert load(root).account("trial").application == "Ledger"


def test_a_value_that_fits_has_no_problem(root: Path) -> None:
    """As the file itself would be read."""
    account = load(root).account("trial")
    for key, value in (
        ("application", "Müller & Söhne"),
        ("client_id", "00000000-0000-4000-8000-000000000000"),
        ("secret_lifetime", "24 months"),
        ("tenant", "contoso.onmicrosoft.com"),
    ):
        assert problem(account, key, value) == ""


def test_a_file_that_cannot_be_written_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to change by hand; it is as before, and no draft of it is left."""

    def refuse(*_: object) -> None:
        raise PermissionError("no")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(FixInput) as caught:
        amend(root, "trial", {"application": "Ledger"})
    assert "editor" in caught.value.next
    assert (root / "accounts.toml").read_text("utf-8") == TOML
    assert not list(root.glob(".accounts*"))
