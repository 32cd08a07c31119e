"""The ledger's address in accounts.toml: none holds a password, and each way around it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from bcrunbook.accounts import load
from bcrunbook.errors import FixInput

ACCOUNTS = """\
[accounts.trial]
kind = "trial"
tenant = "contoso.com"
application = "Contoso books"
[ledger]
"""


def written(root: Path, url: str) -> Path:
    """A workspace whose ledger is at this address; it stands on line 6."""
    (root / "accounts.toml").write_text(f'{ACCOUNTS}url = "{url}"\n', encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ada:hunter22@host/books",
        "postgresql://ada:hunter22@host:5432/books",
        "postgresql+psycopg://ada:hunter22/of?ada#@host/books",
        "postgresql+psycopg://[ada:hunter22@host/books",
        "postgresql+psycopg://ada@host/books?password=hunter22",
        "postgresql+psycopg://host/books?sslmode=require&pass%77ord=hunter22",
        "postgresql+psycopg://host/books?sslpassword=hunter22",
    ],
)
def test_a_password_is_refused(url: str, tmp_path: Path) -> None:
    """With the line, without the password, and with the places where it is looked for."""
    with pytest.raises(FixInput) as caught:
        load(written(tmp_path, url))
    message = str(caught.value)
    assert "line 6: ledger.url: " in message and "hunter22" not in message
    for place in ("~/.pgpass", "PGPASSWORD", "service=NAME"):
        assert place in message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ada@host/books",
        "postgresql+psycopg://ada%40contoso@host:5432/books?sslmode=verify-full",
        "postgresql+psycopg://host/books?passfile=/etc/books/pgpass",
        "postgresql+psycopg://ada@/books?host=/run/postgresql",
        "postgresql+psycopg:///?service=books",
        "sqlite:///C:/books/a@b.db",
    ],
)
def test_an_address_without_one_is_taken_as_it_is(url: str, tmp_path: Path) -> None:
    """Also where the password is, and everything else that PostgreSQL's library understands."""
    assert load(written(tmp_path, url)).ledger_url == url
