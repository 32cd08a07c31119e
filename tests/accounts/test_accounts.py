"""accounts.toml: what loads, and what a person is told when it does not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bcrunbook import accounts
from bcrunbook.accounts import GRAPH_COMMAND_LINE_TOOLS, Account, SignInSettings
from bcrunbook.errors import FixInput, NotFound
from bcrunbook.secrets import SecretReference

GUID = "11111111-2222-4333-8444-555555555555"
ENTRA = "xk38Q~Yd.2bPz_Rr-7TqLmVn0sWc4uHe1aGfJkbD"
CODAT = "ztHQGvnC4XN2CgUhaDWEG4ySLUJqWjp7zkbZkGHd"

GOOD = """\
[accounts.trial]
kind = "trial"
tenant = "contoso.com"
application = "Contoso books"
"""


def load(folder: Path, text: str) -> accounts.Workspace:
    """Write the text as accounts.toml and load it."""
    (folder / "accounts.toml").write_text(text, encoding="utf-8")
    return accounts.load(folder)


def refusal(folder: Path, text: str) -> str:
    """The whole message with which the text is refused."""
    with pytest.raises(FixInput) as caught:
        load(folder, text)
    return str(caught.value)


# --- what loads --------------------------------------------------------------------------------


def test_the_shortest_file_has_sensible_defaults(tmp_path: Path) -> None:
    """Three keys make an account; everything else has a default."""
    workspace = load(tmp_path, GOOD)
    account = workspace.account("trial")
    assert workspace.root == tmp_path and workspace.ledger_url == "sqlite:///ledger.db"
    assert workspace.rehearsal is None
    assert (workspace.network.proxy, workspace.network.ca) == (None, None)
    assert account == Account(
        name="trial", kind="trial", tenant="contoso.com", application="Contoso books"
    )
    assert account.unique_name == "bcrunbook-trial" and not account.is_production
    assert account.secret_lifetime_days == 180
    assert account.secret_store == "keyring:bcrunbook"
    assert account.cloud == "live"
    assert account.sign_in == SignInSettings()
    assert account.sign_in.client_id == GRAPH_COMMAND_LINE_TOOLS


def test_a_full_file_keeps_every_value(tmp_path: Path) -> None:
    """Each key arrives, typed, with paths meant from the workspace."""
    workspace = load(
        tmp_path,
        GOOD
        + f"""
client_id = "{GUID}"
secret_lifetime = "6 months"
secret_description = "Codat"
secret_store = "file:secrets"
codat_api_key = "env:CODAT_KEY"
codat_instance = "Contoso test"
cloud = "rehearsal"
[accounts.trial.sign_in]
method = "certificate"
client_id = "{GUID}"
certificate = "certs/../app.pem"
certificate_password = "file:~/pw"
[accounts.live-2]
kind = "production"
tenant = "{GUID}"
application = "Contoso books"
requires = "trial"
sign_in = {{ method = "federated", client_id = "{GUID}", token_file = "/run/token" }}
[network]
proxy = "http://proxy:8080"
ca = "ca.pem"
[ledger]
url = "postgresql+psycopg://ada@host/ledger"
[rehearsal]
dir = "../cloud"
""",
    )
    trial, live = workspace.account("trial"), workspace.account("live-2")
    assert trial.secret_lifetime_days == 182
    assert trial.codat_api_key == SecretReference("env", "CODAT_KEY")
    assert trial.sign_in.certificate == tmp_path / "app.pem"
    assert trial.sign_in.certificate_password == SecretReference("file", "~/pw")
    assert live.is_production and live.requires == "trial"
    assert live.sign_in.token_file == Path("/run/token")
    assert workspace.network.ca == tmp_path / "ca.pem"
    assert workspace.rehearsal == tmp_path.parent / "cloud"
    assert workspace.ledger_url == "postgresql+psycopg://ada@host/ledger"


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("1 day", 1),
        ("730 days", 730),
        ("1 month", 30),
        ("12 months", 365),
        ("24 months", 730),
        ("1 year", 365),
        ("2 years", 730),
        ("180", 180),
        ("90days", 90),
        ("6 Months", 182),
    ],
)
def test_lifetimes_are_read_as_days(written: str, days: int, tmp_path: Path) -> None:
    """Two years are Microsoft's 730 days, and a month is a 24th of that."""
    text = GOOD + f'secret_lifetime = "{written}"\n'
    assert load(tmp_path, text).account("trial").secret_lifetime_days == days


def test_defaults_hold_unless_the_account_says_otherwise(tmp_path: Path) -> None:
    """[defaults] fill in keys, sign-in key by key, but not those of another method."""
    text = f"""\
[defaults]
tenant = "contoso.com"
application = "Contoso books"
requires = "trial"
sign_in = {{ method = "device_code", username = "ada@contoso.com" }}
[accounts.trial]
kind = "trial"
sign_in.cache = "memory"
[accounts.live]
kind = "production"
application = "Contoso"
[accounts.batch]
kind = "production"
sign_in = {{ method = "client_secret", client_id = "{GUID}", secret = "env:S" }}
"""
    workspace = load(tmp_path, text)
    trial, live, batch = (workspace.account(name) for name in ("trial", "live", "batch"))
    assert trial.requires is None and live.requires == "trial"
    assert (trial.application, live.application) == ("Contoso books", "Contoso")
    assert trial.sign_in.method == live.sign_in.method == "device_code"
    assert (trial.sign_in.cache, live.sign_in.cache) == ("memory", "encrypted")
    assert trial.sign_in.username == "ada@contoso.com" and batch.sign_in.username is None


def test_a_vault_keeps_and_is_read(tmp_path: Path) -> None:
    """A vault may be the store, and a secret in one may be referred to."""
    address = "https://books-kv.vault.azure.net"
    account = load(
        tmp_path,
        GOOD
        + f'secret_store = "keyvault:{address}/"\n'
        + f'codat_api_key = "keyvault:{address}/secrets/codat-key"\n',
    ).account("trial")
    assert account.secret_store == f"keyvault:{address}/"
    assert account.codat_api_key == SecretReference("keyvault", f"{address}/secrets/codat-key")


def test_an_unknown_account_is_met_with_the_nearest(tmp_path: Path) -> None:
    """A misspelt account name is corrected."""
    with pytest.raises(NotFound, match='did you mean "trial"'):
        load(tmp_path, GOOD).account("trail")


# --- the template ------------------------------------------------------------------------------


def test_the_template_says_what_to_fill_in(tmp_path: Path) -> None:
    """As it is made, the template is refused with the keys of its two placeholders."""
    message = refusal(tmp_path, accounts.template())
    assert "holds 2 mistakes" in message
    for key in ("accounts.trial.tenant", "accounts.production.tenant"):
        assert f"{key}: still holds the placeholder" in message


def test_the_template_loads_once_filled_in(tmp_path: Path) -> None:
    """With its two placeholders replaced, the template is a good workspace."""
    text = accounts.template()
    for name in ("trial", "production"):
        assert text.count(f"PLACEHOLDER-{name}-tenant") == 1
        text = text.replace(f"PLACEHOLDER-{name}-tenant", f"{name}.contoso.com")
    workspace = load(tmp_path, text)
    assert list(workspace.accounts) == ["trial", "production"]
    assert workspace.account("production").requires == "trial"


def test_what_the_template_offers_as_a_comment_is_valid(tmp_path: Path) -> None:
    """Each commented key of the template loads when its comment sign is removed."""
    filled = accounts.template()
    for name in ("trial", "production"):
        filled = filled.replace(f"PLACEHOLDER-{name}-tenant", "contoso.com")
    before, _, scheduled = filled.partition("# For a scheduled run")
    scheduled = "# For a scheduled run" + scheduled
    # Its commented sign-in stands for the browser's, so the browser's line makes room for it.
    live = before[: before.rindex('method = "browser"')] + scheduled
    lines = [line[2:] if re.match("# [a-z_]+ = ", line) else line for line in live.splitlines()]
    text = "\n".join(lines)
    assert tomllib.loads(text)["accounts"]["production"]["sign_in"]["method"] == "certificate"
    customers = re.findall(r"^#     (\S.*)$", text, re.M)
    (tmp_path / "customers.csv").write_text("\n".join(customers), encoding="utf-8")
    workspace = load(tmp_path, text)
    assert list(workspace.account("production").customers) == ["northwind"]
    assert workspace.network.proxy and workspace.rehearsal and workspace.account("trial").client_id


# --- mistakes ----------------------------------------------------------------------------------

TRIAL = "accounts.trial."
SIGN_IN = f"{GOOD}[accounts.trial.sign_in]\n"

# what is wrong: (the text, the line, the dotted key, what the message also says)
MISTAKES: dict[str, tuple[str, int, str, list[str]]] = {
    "unknown table": ("[acounts.trial]\n", 1, "acounts", ['did you mean "accounts"?']),
    "customers outside an account": (GOOD + "[customers.x]\n", 5, "customers", ["no such key"]),
    "no account": ("[defaults]\n", 0, "accounts", ["[accounts.trial]"]),
    "accounts no table": ("accounts = 1\n", 1, "accounts", ["expected a table"]),
    "account no table": ('[accounts]\ntrial = "x"\n', 2, "accounts.trial", ["expected a table"]),
    "account name": (GOOD.replace(".trial", ".Trial_1"), 1, "accounts.Trial_1", ["lower-case"]),
    "long name": (GOOD.replace("trial]", "a" * 31 + "]"), 1, "accounts." + "a" * 31, ["30"]),
    "name as a key": (GOOD + 'name = "x"\n', 5, TRIAL + "name", ["no such key"]),
    "unknown key": (GOOD + 'tennant = "x"\n', 5, TRIAL + "tennant", ['did you mean "tenant"?']),
    "unknown default": ("[defaults]\ncould = 1\n" + GOOD, 2, "defaults.could", ['"cloud"?']),
    "kind missing": (GOOD.replace('kind = "trial"', ""), 1, TRIAL + "kind", ["is missing"]),
    "kind": (GOOD.replace('"trial"', '"trail"'), 2, TRIAL + "kind",
             ['one of "trial", "production"', 'found "trail"', 'did you mean "trial"?']),
    "tenant missing": (GOOD.replace('tenant = "contoso.com"', ""), 1, TRIAL + "tenant",
                       ["is missing", "a GUID"]),
    "tenant common": (GOOD.replace("contoso.com", "common"), 3, TRIAL + "tenant",
                      ['found "common"', "every tenant"]),
    "tenant of personal accounts": (
        GOOD.replace("contoso.com", "9188040D-6c67-4b5b-b112-36a304b66dad"), 3, TRIAL + "tenant",
        ["personal Microsoft accounts", "work account"]),
    "tenant name": (GOOD.replace("contoso.com", "Contoso Ltd"), 3, TRIAL + "tenant",
                    ["verified domains", 'found "Contoso Ltd"']),
    "tenant number": (GOOD.replace('"contoso.com"', "42"), 3, TRIAL + "tenant",
                      ["found the number 42"]),
    "application empty": (GOOD.replace("Contoso books", ""), 4, TRIAL + "application",
                          ["1 to 90", 'found ""']),
    "application long": (GOOD.replace("Contoso books", "a " * 45 + "a"), 4,
                         TRIAL + "application", ["1 to 90"]),
    "application list": (GOOD.replace('"Contoso books"', '["a"]'), 4, TRIAL + "application",
                         ["found a list"]),
    "client id": (GOOD + 'client_id = "books"\n', 5, TRIAL + "client_id",
                  ["GUID", 'found "books"']),
    "lifetime unit": (GOOD + 'secret_lifetime = "2 weeks"\n', 5, TRIAL + "secret_lifetime",
                      ['"N days"', '"N years"', 'found "2 weeks"']),
    "lifetime years": (GOOD + 'secret_lifetime = "3 years"\n', 5, TRIAL + "secret_lifetime",
                       ["24 months"]),
    "lifetime long": (GOOD + 'secret_lifetime = "25 months"\n', 5, TRIAL + "secret_lifetime",
                      ["24 months"]),
    "lifetime zero": (GOOD + 'secret_lifetime = "0 days"\n', 5, TRIAL + "secret_lifetime",
                      ["1 day"]),
    "lifetime number": (GOOD + "secret_lifetime = 180\n", 5, TRIAL + "secret_lifetime",
                        ["found the number 180"]),
    "lifetime by its other name": (GOOD + "secret_lifetime_days = 9\n", 5,
                                   TRIAL + "secret_lifetime_days", ['"secret_lifetime"?']),
    "description": (GOOD + f'secret_description = "{"a b " * 20}"\n', 5,
                    TRIAL + "secret_description", ["40 characters"]),
    "store scheme": (GOOD + 'secret_store = "keyrng:hunter22"\n', 5, TRIAL + "secret_store",
                     ['Did you mean "keyring"?']),
    "store env": (GOOD + 'secret_store = "env:"\n', 5, TRIAL + "secret_store",
                  ["cannot be kept there"]),
    "store in runs": (GOOD + 'secret_store = "file:runs/x"\n', 5, TRIAL + "secret_store", ["runs"]),
    "store in a vault by name": (GOOD + 'secret_store = "keyvault:hunter22"\n', 5,
                                 TRIAL + "secret_store", ["keyvault:https://NAME.vault.azure.net"]),
    "store in another cloud": (
        GOOD + 'secret_store = "keyvault:https://books-kv.vault.usgovcloudapi.net"\n', 5,
        TRIAL + "secret_store", ["national cloud", "(vault.azure.net)"]),
    "account name and a vault": (
        GOOD.replace("trial]", "a--b]") + 'secret_store = "keyvault:https://bo-kv.vault.azure.net"',
        5, "accounts.a--b.secret_store", ["hold two in a row"]),
    "key in another cloud": (
        GOOD + 'codat_api_key = "keyvault:https://books-kv.vault.azure.cn/secrets/x"\n', 5,
        TRIAL + "codat_api_key", ["national cloud"]),
    "key in a vault by name": (GOOD + 'codat_api_key = "keyvault:books-kv/hunter22"\n', 5,
                               TRIAL + "codat_api_key", ["vault.azure.net/secrets/NAME"]),
    "sign-in secret in a vault": (
        SIGN_IN + f'method = "client_secret"\nclient_id = "{GUID}"\n'
        'secret = "keyvault:https://books-kv.vault.azure.net/secrets/x"\n', 8,
        TRIAL + "sign_in.secret", ["opened with this very sign-in", "env:NAME"]),
    "certificate password in a vault": (
        SIGN_IN + f'method = "certificate"\nclient_id = "{GUID}"\ncertificate = "a.pem"\n'
        'certificate_password = "keyvault:https://books-kv.vault.azure.net/secrets/x"\n', 9,
        TRIAL + "sign_in.certificate_password", ["opened with this very sign-in"]),
    "store boolean": (GOOD + "secret_store = true\n", 5, TRIAL + "secret_store", ["found true"]),
    "raw key": (GOOD + f'codat_api_key = "{CODAT}"\n', 5, TRIAL + "codat_api_key",
                ["looks like a secret itself"]),
    "short raw key": (GOOD + 'codat_api_key = "hunter22"\n', 5, TRIAL + "codat_api_key",
                      ["keyring:SERVICE/NAME", "not a reference"]),
    "secret in an unknown key": (GOOD + f'note = "{ENTRA}"\n', 5, TRIAL + "note",
                                 ["looks like a secret itself"]),
    "secret as the tenant": (GOOD.replace("contoso.com", ENTRA), 3, TRIAL + "tenant",
                             ["looks like a secret itself"]),
    "secret in defaults": (f'[defaults]\ncodat_api_key = "{CODAT}"\n{GOOD}', 2,
                           "defaults.codat_api_key", ["looks like a secret itself"]),
    "secret in a list": (GOOD + f'notes = ["{ENTRA}"]\n', 5, TRIAL + "notes",
                         ["looks like a secret itself"]),
    "cloud": (GOOD + 'cloud = "life"\n', 5, TRIAL + "cloud", ['did you mean "live"?']),
    "rehearsal without a cloud": (GOOD + 'cloud = "rehearsal"\n', 0, "rehearsal.dir",
                                  ["is missing", "rehearsal.json"]),
    "a default that does not fit": (f'[defaults]\ncloud = "x"\n{GOOD}', 2, "defaults.cloud",
                                    ['one of "live", "rehearsal"']),
    "trial requires": (GOOD + 'requires = "trial"\n', 5, TRIAL + "requires",
                       ["only a production account"]),
    "requires unknown": (GOOD + GOOD.replace("trial", "production") + 'requires = "trail"\n', 9,
                         "accounts.production.requires", ['did you mean "trial"?']),
    "requires production": (GOOD + GOOD.replace("trial", "production") + 'requires = "production"',
                            9, "accounts.production.requires", ["expected a trial account"]),
    "requires number": (GOOD + GOOD.replace("trial", "production") + "requires = 1", 9,
                        "accounts.production.requires", ["found the number 1"]),
    "sign_in text": (GOOD + 'sign_in = "browser"\n', 5, TRIAL + "sign_in", ["a table"]),
    "method": (SIGN_IN + 'method = "device"\n', 6, TRIAL + "sign_in.method",
               ['"device_code"', 'did you mean "device_code"?']),
    "method list": (SIGN_IN + "method = []\n", 6, TRIAL + "sign_in.method", ["found a list"]),
    "sign_in key": (SIGN_IN + 'user = "x"\n', 6, TRIAL + "sign_in.user",
                    ['did you mean "username"?']),
    "client_secret without id": (SIGN_IN + 'method = "client_secret"\nsecret = "env:S"\n', 5,
                                 TRIAL + "sign_in.client_id", ["is missing", "needs the GUID"]),
    "client_secret without secret": (
        SIGN_IN + f'method = "client_secret"\nclient_id = "{GUID}"\n', 5, TRIAL + "sign_in.secret",
        ["is missing", "keyring:SERVICE/NAME"]),
    "secret with browser": (SIGN_IN + 'secret = "env:S"\n', 6, TRIAL + "sign_in.secret",
                            ['does not go with method = "browser"', "cache, client_id, username"]),
    "raw secret": (
        SIGN_IN + f'method = "client_secret"\nclient_id = "{GUID}"\nsecret = "{ENTRA}"\n', 8,
        TRIAL + "sign_in.secret", ["looks like a secret itself"]),
    "weak raw secret": (
        SIGN_IN + f'method = "client_secret"\nclient_id = "{GUID}"\nsecret = "hunter22"\n', 8,
        TRIAL + "sign_in.secret", ["env:NAME"]),
    "certificate type": (
        SIGN_IN + f'method = "certificate"\nclient_id = "{GUID}"\ncertificate = "a.cer"\n', 8,
        TRIAL + "sign_in.certificate", [".pem or .pfx", 'found "a.cer"']),
    "certificate empty": (
        SIGN_IN + f'method = "certificate"\nclient_id = "{GUID}"\ncertificate = " "\n', 8,
        TRIAL + "sign_in.certificate", [".pem or .pfx"]),
    "token file missing": (SIGN_IN + f'method = "federated"\nclient_id = "{GUID}"\n', 5,
                           TRIAL + "sign_in.token_file", ["is missing"]),
    "no source of tokens": (SIGN_IN + f'method = "federated"\nclient_id = "{GUID}"\n', 5,
                            TRIAL + "sign_in.token_file",
                            ["or token_from", '"azure-pipelines:ID"']),
    "two sources of tokens": (
        SIGN_IN + f'method = "federated"\nclient_id = "{GUID}"\ntoken_file = "t"\n'
        'token_from = "github"\n', 9, TRIAL + "sign_in.token_from",
        ["does not go with token_file"]),
    "unknown source of tokens": (
        SIGN_IN + f'method = "federated"\nclient_id = "{GUID}"\ntoken_from = "gitlab"\n', 8,
        TRIAL + "sign_in.token_from", ["github:HOST", 'found "gitlab"']),
    "no service connection": (
        SIGN_IN + f'method = "federated"\nclient_id = "{GUID}"\ntoken_from = "azure-pipelines"\n',
        8, TRIAL + "sign_in.token_from", ["service connection"]),
    "nothing behind the colon": (
        SIGN_IN + f'method = "federated"\nclient_id = "{GUID}"\ntoken_from = "github:"\n', 8,
        TRIAL + "sign_in.token_from", ["github:HOST"]),
    "no host": (
        SIGN_IN + f'method = "federated"\nclient_id = "{GUID}"\ntoken_from = "github:a b"\n', 8,
        TRIAL + "sign_in.token_from", ["github:HOST"]),
    "az with id": (SIGN_IN + f'method = "az"\nclient_id = "{GUID}"\n', 7,
                   TRIAL + "sign_in.client_id", ["no other key"]),
    "username": (SIGN_IN + 'username = "ada"\n', 6, TRIAL + "sign_in.username",
                 ["ada@contoso.com", 'found "ada"']),
    "not seen in a domain": (GOOD.replace("contoso.com", "contoso.com\u00a0"), 3, TRIAL + "tenant",
                             ["character 12", "U+00A0 (no-break space)"]),
    "not seen in a name": (GOOD.replace("Contoso b", "Co\u200bb"), 4, TRIAL + "application",
                           ["character 3", "U+200B (zero width space)"]),
    "turned round": (GOOD.replace("books", "books\u202e"), 4, TRIAL + "application",
                     ["U+202E (right-to-left override)", r"\u202e"]),
    "turned round instance": (GOOD + 'codat_instance = "A\u2066"\n', 5, TRIAL + "codat_instance",
                              ["U+2066"]),
    "cache": (SIGN_IN + 'cache = "none"\n', 6, TRIAL + "sign_in.cache",
              ['"encrypted", "memory", "file"']),
    "home folder": (SIGN_IN + 'method = "federated"\ntoken_file = "~no-such-person/x"\n'
                    f'client_id = "{GUID}"\n', 7, TRIAL + "sign_in.token_file", ["home folder"]),
    "proxy": (GOOD + '[network]\nproxy = "proxy:8080"\n', 6, "network.proxy",
              ["http://", 'found "proxy:8080"']),
    "proxy password": (GOOD + '[network]\nproxy = "http://u:hunter22@p:1"\n', 6, "network.proxy",
                       ["without a password"]),
    "network key": (GOOD + '[network]\ncert = "x"\n', 6, "network.cert",
                    ["valid: ca, proxy, strict"]),
    "ledger": (GOOD + '[ledger]\nurl = "ledger.db"\n', 6, "ledger.url",
               ["sqlite:///FILE", 'found "ledger.db"']),
    "ledger password": (GOOD + '[ledger]\nurl = "postgresql://u:hunter22@h/x"\n', 6, "ledger.url",
                        ["without a password"]),
    "notify without webhook": (GOOD + '[notify]\nform = "teams"\n', 5, "notify.webhook",
                               ["is missing", "env:NAME"]),
    "webhook itself": (GOOD + '[notify]\nwebhook = "https://h.example/hunter22"\n', 6,
                       "notify.webhook", ["env:NAME"]),
    "webhook in a vault": (
        GOOD + '[notify]\nwebhook = "keyvault:https://contoso.vault.azure.net/secrets/b"\n', 6,
        "notify.webhook", ["place on this machine"]),
    "form of messages": (GOOD + '[notify]\nwebhook = "env:A"\nform = "mail"\n', 7,
                         "notify.form", ['"json", "teams", "slack"']),
    "rehearsal dir": (GOOD + "[rehearsal]\ndir = 1.5\n", 6, "rehearsal.dir", ["found a number"]),
    "rehearsal dir date": (GOOD + "[rehearsal]\ndir = 2026-01-01\n", 6, "rehearsal.dir",
                           ["found a date"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "key", "says"), MISTAKES.values(), ids=list(MISTAKES))
def test_each_mistake_is_explained(
    text: str, line: int, key: str, says: list[str], tmp_path: Path
) -> None:
    """A mistake is told with file, line, key, what was expected, and never a secret's value.

    contract G1.12, G4.1, G7.3, G22.2 and C1.5
    """
    message = refusal(tmp_path, text)
    start = f"accounts.toml, line {line}: {key}: " if line else f"accounts.toml: {key}: "
    assert message.startswith(start), message
    assert str(tmp_path / "accounts.toml") in message
    for part in says:
        assert part in message
    for secret in (ENTRA, CODAT, "hunter22"):
        assert secret not in message


def test_several_mistakes_come_in_one_error(tmp_path: Path) -> None:
    """All mistakes are listed at once, one per line, in the order of the file."""
    message = refusal(
        tmp_path,
        '[accounts.trial]\nkind = "x"\ntenant = "common"\nclient_id = 1\n[accounts.trial.sign_in]\n'
        'method = "az"\nusername = "ada@contoso.com"\n[netwrk]\n',
    )
    lines = message.splitlines()
    assert lines[0] == "accounts.toml holds 6 mistakes."
    starts = [line.split(": ")[:2] for line in lines[1:7]]
    assert starts == [
        ["  line 1", "accounts.trial.application"],
        ["  line 2", "accounts.trial.kind"],
        ["  line 3", "accounts.trial.tenant"],
        ["  line 4", "accounts.trial.client_id"],
        ["  line 7", "accounts.trial.sign_in.username"],
        ["  line 8", "netwrk"],
    ]


def test_a_mistake_in_defaults_is_told_once(tmp_path: Path) -> None:
    """What every account has from [defaults] is one mistake, at its own line."""
    message = refusal(
        tmp_path, '[defaults]\nsecret_lifetime = "soon"\n' + GOOD + GOOD.replace(".trial", ".other")
    )
    assert message.startswith("accounts.toml, line 2: defaults.secret_lifetime: ")


def test_a_secret_in_a_key_is_not_repeated(tmp_path: Path) -> None:
    """A secret pasted on the left of = is masked like any other."""
    message = refusal(tmp_path, GOOD + f'"{ENTRA}" = 1\n')
    assert "accounts.trial.•••: there is no such key" in message and ENTRA not in message


def test_a_guid_in_braces_is_a_guid(tmp_path: Path) -> None:
    """Windows writes them so; it is no secret, and what is kept has none."""
    text = GOOD.replace("contoso.com", f"{{{GUID}}}") + f'client_id = "{{{GUID}}}"\n'
    account = load(tmp_path, text).account("trial")
    assert (account.tenant, account.client_id) == (GUID, GUID)


# --- not TOML, not text, not there -------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "line", "column", "why"),
    [
        ("kind = trial", 2, 8, "needs quotes"),
        ('kind\u00a0= "trial"', 2, 5, "column 5 is a character that nobody sees: U+00A0 (no-break"),
        ('kind =\u200b"trial"', 2, 7, "column 7 is a character that nobody sees: U+200B (zero"),
        ('\ufeffkind = "trial"', 2, 1, "column 1 is a character that nobody sees: U+FEFF (zero"),
        ('kind = "trial', 2, 14, "quote at the end"),
        ("kind = “trial”", 2, 8, "curly"),
        ('kind: "trial"', 2, 5, "not by a colon"),
        ("kind", 2, 5, "a key, then ="),
        ('kind = "a"\nkind = "b"', 3, 11, "twice"),
        ("[accounts.trial]", 2, 16, "twice"),
        ("[accounts.other", 2, 16, "in brackets"),
        (r'ca = "C:\users\x"', 2, 11, "backslash"),
        (r'ca = "C:\certs\x"', 2, 11, "backslash"),
        (f'secret = "{ENTRA}', 2, 51, "quote at the end"),
    ],
)
def test_what_is_not_toml_is_located_and_guessed(
    bad: str, line: int, column: int, why: str, tmp_path: Path
) -> None:
    """A slip of TOML is told with line, column and what it probably is; the line is not shown."""
    message = refusal(tmp_path, f"[accounts.trial]\n{bad}\n")
    assert f"line {line}, column {column}: this is not TOML" in message
    assert why in message and ENTRA not in message


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (GOOD.encode("utf-16"), "UTF-16"),
        (GOOD.replace("books", "bücher").encode("latin-1"), "not UTF-8 text: line 4"),
    ],
)
def test_other_encodings_are_named(raw: bytes, says: str, tmp_path: Path) -> None:
    """A file that is not UTF-8 is refused with how to save it."""
    (tmp_path / "accounts.toml").write_bytes(raw)
    with pytest.raises(FixInput, match=says) as caught:
        accounts.load(tmp_path)
    assert "save it as UTF-8" in caught.value.next


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    """Some editors of Windows write one; lines and columns are counted as without it."""
    (tmp_path / "accounts.toml").write_bytes(GOOD.encode("utf-8-sig"))
    assert list(accounts.load(tmp_path).accounts) == ["trial"]
    (tmp_path / "accounts.toml").write_bytes(b"\xef\xbb\xbfkind = trial\n")
    with pytest.raises(FixInput, match="line 1, column 8"):
        accounts.load(tmp_path)


@pytest.mark.parametrize("kind", ["trail", "Trial", ""])
def test_a_trial_with_a_mistake_of_its_own_is_offered(kind: str, tmp_path: Path) -> None:
    """It is what is meant, whatever else is wrong with it."""
    trial = GOOD.replace('kind = "trial"', f'kind = "{kind}"')
    production = GOOD.replace("trial", "production") + 'requires = "trail"\n'
    message = refusal(tmp_path, trial + production)
    assert 'there is no account "trail"; did you mean "trial"?' in message
    message = refusal(tmp_path, trial + production.replace("trail", "trial"))
    assert "accounts.production.requires" not in message


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    """No folder, no file, a file for a folder and a folder for a file are four messages."""
    (tmp_path / "file").write_text("")
    (tmp_path / "odd" / "accounts.toml").mkdir(parents=True)
    for folder, says in (
        (tmp_path / "none", "does not exist"),
        (tmp_path, "has no accounts.toml"),
        (tmp_path / "file", "is a file"),
        (tmp_path / "odd", "accounts.toml is a folder"),
    ):
        with pytest.raises(FixInput, match=says):
            accounts.load(folder)


# --- finding the workspace ---------------------------------------------------------------------


def test_the_workspace_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is named wins over the environment, that over the folders upwards from here."""
    (tmp_path / "here" / "deep").mkdir(parents=True)
    (tmp_path / "here" / "accounts.toml").write_text(GOOD)
    monkeypatch.delenv("BCRUNBOOK_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path / "here" / "deep")
    assert accounts.find_workspace(None) == tmp_path / "here"
    monkeypatch.setenv("BCRUNBOOK_WORKSPACE", str(tmp_path / "env"))
    assert accounts.find_workspace(None) == tmp_path / "env"
    assert accounts.find_workspace("../named") == tmp_path / "here" / "named"
    assert accounts.find_workspace(tmp_path / "here" / "accounts.toml") == tmp_path / "here"


def test_no_workspace_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far from any workspace, the error names the command that makes one."""
    monkeypatch.delenv("BCRUNBOOK_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FixInput) as caught:
        accounts.find_workspace(None)
    assert "bcrunbook init DIR" in caught.value.next
