"""`bcrunbook accounts check`: what is in accounts.toml, in full."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Command

TENANT = "11111111-2222-4333-8444-555555555555"
TWO = f"""\
[defaults]
application = "An accounting connection for everybody who keeps books"
[accounts.a-trial-account-of-a-long-name]
kind = "trial"
tenant = "{TENANT}"
[accounts.production]
kind = "production"
tenant = "contoso.com"
"""


def test_nothing_is_cut_off(command: Command, tmp_path: Path) -> None:
    """On 80 columns every name and value can be read in full."""
    (tmp_path / "accounts.toml").write_text(TWO, encoding="utf-8")
    result = command("accounts", "check", "-w", tmp_path)
    assert result.code == 0
    for text in (TENANT, "a-trial-account-of-a-long-name", "for everybody who keeps books"):
        assert text in result.out
    assert "2 accounts, no mistakes" in result.err


def test_a_short_lifetime_is_no_mistake_and_told(command: Command, tmp_path: Path) -> None:
    """A secret of a day is allowed, and hardly what somebody means."""
    text = TWO.replace("[defaults]", '[defaults]\nsecret_lifetime = "1 day"')
    (tmp_path / "accounts.toml").write_text(text, encoding="utf-8")
    result = command("accounts", "check", "-w", tmp_path)
    assert result.code == 0
    assert "production: secret_lifetime is 1 day. That is short" in result.err
    (tmp_path / "accounts.toml").write_text(text.replace("1 day", "90 days"), encoding="utf-8")
    assert "That is short" not in command("accounts", "check", "-w", tmp_path).err


def test_as_data(command: Command, tmp_path: Path) -> None:
    """The same for programs, and nothing else on stdout."""
    (tmp_path / "accounts.toml").write_text(TWO, encoding="utf-8")
    data = command("accounts", "check", "-w", tmp_path, "--json").data
    assert data["workspace"] == str(tmp_path)
    assert [one["kind"] for one in data["accounts"]] == ["trial", "production"]
    assert data["accounts"][0]["cloud"] == "live"


def test_the_file_itself_may_be_named(command: Command, tmp_path: Path) -> None:
    """-w takes the folder or the accounts.toml in it; so does BCRUNBOOK_WORKSPACE."""
    (tmp_path / "accounts.toml").write_text(TWO, encoding="utf-8")
    assert command("accounts", "check", "-w", tmp_path / "accounts.toml").code == 0


def test_customers_are_told(command: Command, tmp_path: Path) -> None:
    """A few are named, of many the first and how many more; data has them all, in full."""
    rows = [f"c-{number},Customer {number},a@b.example\n" for number in range(12)]
    (tmp_path / "customers.csv").write_text("key,name,contact\n" + "".join(rows), "utf-8")
    toml = TWO.replace('kind = "trial"\n', 'kind = "trial"\ncustomers = "customers.csv"\n')
    (tmp_path / "accounts.toml").write_text(toml, encoding="utf-8")
    result = command("accounts", "check", "-w", tmp_path)
    assert (
        "c-0, c-1, " in result.out and "c-9 and 2 more" in result.out and "c-10" not in result.out
    )
    first, second = command("accounts", "check", "-w", tmp_path, "--json").data["accounts"]
    assert len(first["customers"]) == 12 and second["customers"] == []
    assert first["customers"][11] == {
        "key": "c-11",
        "name": "Customer 11",
        "contact": "a@b.example",
        "tenant": None,
        "environment": None,
        "company": None,
    }
