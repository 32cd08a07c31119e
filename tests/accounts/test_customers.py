"""Customers of an account: tables, CSV files, and what a person is told when they do not fit."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bcrunbook import accounts
from bcrunbook.accounts import Customer
from bcrunbook.errors import FixInput, NotFound
from bcrunbook.secrets import looks_like_secret

GUID = "11111111-2222-4333-8444-555555555555"
ENTRA = "xk38Q~Yd.2bPz_Rr-7TqLmVn0sWc4uHe1aGfJkbD"
ACCOUNT = """\
[accounts.trial]
kind = "trial"
tenant = "contoso.com"
application = "Contoso books"
"""
FILE = ACCOUNT + 'customers = "customers.csv"\n'
TABLE = ACCOUNT + "[accounts.trial.customers.northwind]\n"
HEADER = "key,name,contact,tenant,environment,company\n"
ROW = "northwind,Northwind,ada@northwind.example"
COLUMNS = HEADER.strip().split(",")


def load(folder: Path, toml: str, rows: str | bytes | None = None) -> accounts.Workspace:
    """Write the text as accounts.toml, and the rows as customers.csv, and load them."""
    (folder / "accounts.toml").write_text(toml, encoding="utf-8")
    if rows is not None:
        raw = rows if isinstance(rows, bytes) else rows.encode()
        (folder / "customers.csv").write_bytes(raw)
    return accounts.load(folder)


def refusal(folder: Path, toml: str, rows: str | bytes | None = None) -> str:
    """The whole message with which they are refused."""
    with pytest.raises(FixInput) as caught:
        load(folder, toml, rows)
    return str(caught.value)


# --- what loads --------------------------------------------------------------------------------


def test_tables_make_customers(tmp_path: Path) -> None:
    """The heading is the customer's name; three values may be left out."""
    workspace = load(
        tmp_path,
        TABLE
        + f"""\
name = "Nørthwind Traders 株式会社"
contact = "ada@northwind.example"
tenant = "{GUID}"
environment = "Production_2"
company = "Northwind & Søn"
[accounts.trial.customers.fabrikam-2]
name = "F"
contact = "o'neil+books@fabrikam.example"
""",
    )
    assert list(workspace.account("trial").customers.values()) == [
        Customer(
            name="northwind",
            display_name="Nørthwind Traders 株式会社",
            contact="ada@northwind.example",
            tenant=GUID,
            environment="Production_2",
            company="Northwind & Søn",
        ),
        Customer(name="fabrikam-2", display_name="F", contact="o'neil+books@fabrikam.example"),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        (HEADER + ROW).encode(),
        (HEADER + ROW + ",,,\n").encode("utf-8-sig"),
        (HEADER + ROW + ",,,\n").replace(",", ";").replace("\n", "\r\n").encode("utf-8-sig"),
        f"\n\nName,Contact,KEY\r\n{','.join(ROW.split(',')[1:])} , northwind\r\n,,\r\n".encode(),
        f"key;name;contact;;\r{ROW.replace(',', ';')};;\r;;;;\r".encode(),
    ],
    ids=["plain", "mark", "spreadsheet", "other order", "empty columns"],
)
def test_a_file_makes_customers(raw: bytes, tmp_path: Path) -> None:
    """Commas or semicolons, with or without a byte order mark, and rows that a sheet left empty."""
    customer = load(tmp_path, FILE, raw).customer("trial", "northwind")
    assert customer == Customer(
        name="northwind", display_name="Northwind", contact="ada@northwind.example"
    )


def test_two_accounts_may_share_a_file(tmp_path: Path) -> None:
    """It is read for both, and its mistakes are told once."""
    toml = FILE + FILE.replace(".trial", ".other")
    workspace = load(tmp_path, toml, HEADER + ROW)
    assert workspace.customer("other", "northwind") == workspace.customer("trial", "northwind")
    assert refusal(tmp_path, toml, HEADER + ROW + "@").count("contact") == 1


def test_an_unknown_customer_is_met_with_the_nearest(tmp_path: Path) -> None:
    """A misspelt name is corrected; among many, not all are listed; without any, it says how."""
    rows = [f"customer-{number},Customer,a@b.example\n" for number in range(100)]
    workspace = load(tmp_path, FILE, HEADER + "".join(rows))
    with pytest.raises(NotFound, match='did you mean "customer-7'):
        workspace.customer("trial", "custmer-7")
    with pytest.raises(NotFound, match="it has 100") as caught:
        workspace.customer("trial", "zzz")
    assert "customer-55" not in str(caught.value)
    with pytest.raises(NotFound, match='did you mean "trial"'):
        workspace.customer("trail", "northwind")
    with pytest.raises(NotFound, match="there is none yet") as caught:
        load(tmp_path, ACCOUNT).customer("trial", "northwind")
    assert "customers.csv" in caught.value.next


def test_a_thousand_customers_load_at_once(tmp_path: Path) -> None:
    """Long before anybody would notice."""
    rows = [
        f"c-{number},Customer {number},a@b.example,c{number}.example,Production,Books\n"
        for number in range(1000)
    ]
    begun = time.process_time()
    workspace = load(tmp_path, FILE, HEADER + "".join(rows))
    assert time.process_time() - begun < 2
    assert len(workspace.account("trial").customers) == 1000


# --- any customers -----------------------------------------------------------------------------

LETTERS = st.characters(exclude_categories=["C", "Z"])
LINES = st.builds(
    lambda words: " ".join(words), st.lists(st.text(LETTERS, min_size=1), min_size=1, max_size=5)
).filter(lambda line: len(line) <= 100 and not looks_like_secret(line))
CUSTOMERS = st.builds(
    Customer,
    name=st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True).filter(
        lambda name: not looks_like_secret(name)
    ),
    display_name=LINES,
    contact=st.sampled_from(["ada@northwind.example", "o'neil+1=2@b-c.example"]),
    tenant=st.none() | st.sampled_from([GUID, "northwind.example"]),
    environment=st.none() | st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,7}", fullmatch=True),
    company=st.none() | LINES,
)


def _address(customer: Customer) -> object:
    address = (customer.tenant, customer.environment, customer.company)
    return tuple(part.casefold() for part in address if part) if all(address) else customer.name


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\n{0};{1};{2}\r\n{3};{4};{5}\r\n",
        '"sep=|"\n{0}|{1}|{2}\n{3}|{4}|{5}\n',
        "sep=\t\n{0}\t{1}\t{2}\n{3}\t{4}\t{5}\n",
        "{0}\t{1}\t{2}\n{3}\t{4}\t{5}\n",
        "{0}|{1}|{2}\n{3}|{4}|{5}\n",
        '"{0}"\t"{1}"\t"{2}"\n"{3}"\t"{4}"\t"{5}"\n',
        "# wave 2; from Ada, of 1 May\n\n{0},{1},{2}\n{3},{4},{5}\n",
    ],
)
def test_what_spreadsheets_and_people_put_around_cells(text: str, tmp_path: Path) -> None:
    """A line that tells the separator, tabs and bars, a comment on top."""
    rows = text.format("key", "name", "contact", "a", "Acme; Sons", "a@b.example")
    if "{0};" in text:
        rows = rows.replace("Acme; Sons", '"Acme; Sons"')
    (customer,) = load(tmp_path, FILE, rows).account("trial").customers.values()
    assert (customer.name, customer.display_name, customer.contact) == (
        "a",
        "Acme; Sons",
        "a@b.example",
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    customers=st.lists(CUSTOMERS, unique_by=(lambda one: one.name, _address)),
    delimiter=st.sampled_from(",;\t|"),
    mark=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_any_customers_come_back_from_a_file(
    customers: list[Customer], delimiter: str, mark: bool, end: str, quoting: int, tmp_path: Path
) -> None:
    """Whatever writes a CSV file, what was written is read, in its order."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(
        text,
        COLUMNS,
        delimiter=delimiter,
        lineterminator=end,
        quoting=quoting,  # type: ignore[arg-type]
    )
    writer.writeheader()
    for one in customers:
        writer.writerow(one.model_dump(by_alias=True))
    raw = text.getvalue().encode("utf-8-sig" if mark else "utf-8")
    assert list(load(tmp_path, FILE, raw).account("trial").customers.values()) == customers


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(raw=st.binary() | st.text().map(str.encode) | st.text(',;"\n\rkey').map(str.encode))
def test_no_file_is_too_odd_to_be_explained(raw: bytes, tmp_path: Path) -> None:
    """Anything either loads or is refused with the file's name."""
    for content in (raw, HEADER.encode() + raw):
        try:
            load(tmp_path, FILE, content)
        except FixInput as error:
            assert "customers.csv" in error.what


# --- mistakes ----------------------------------------------------------------------------------

# what is wrong: (the file, the line, the column, what the message also says)
ROWS: dict[str, tuple[str, int, str, list[str]]] = {
    "empty": ("", 1, "", ["the file is empty", "key,name,contact"]),
    "no header": (ROW, 1, "northwind", ["no such column"]),
    "unknown column": (
        HEADER.replace("tenant", "tennant"),
        1,
        "tennant",
        ['did you mean "tenant"?'],
    ),
    "column twice": (HEADER.replace("tenant", "name"), 1, "name", ["twice"]),
    "missing column": ("key,name\na,A\n", 1, "contact", ["is missing"]),
    "no contact": (HEADER + "a,A,\n", 2, "contact", ["is missing", "e-mail"]),
    "no key": (HEADER + ",A,a@b.example\n", 2, "key", ["is missing", "short name"]),
    "key": (HEADER + ROW.replace("north", "North"), 2, "key", ["lower-case", '"Northwind"']),
    "key like an option": (HEADER + "-" + ROW, 2, "key", ["lower-case"]),
    "long key": (HEADER + "a" * 41 + ",A,a@b.example\n", 2, "key", ["at most 40"]),
    "key twice": (HEADER + f"{ROW}\n\n{ROW}\n", 4, "key", ["is on line 2 already"]),
    "two lines": (HEADER + 'a,"A\nB",a@b.example\n', 2, "name", ["one line", r'"A\nB"']),
    "terminal": (HEADER + "a,\x1b[31mA,a@b.example\n", 2, "name", [r'"\x1b[31mA"']),
    "separator": (HEADER + "a,A\u2028B,a@b.example\n", 2, "name", [r"A\u2028B"]),
    "turned round": (HEADER + "a,\u202eevil,a@b.example\n", 2, "name", [r"\u202e"]),
    "long name": (HEADER + f"a,{'A ' * 51}A,a@b.example\n", 2, "name", ["at most 100"]),
    "two contacts": (HEADER + '"a",A,"a@b.example, c@d.example"\n', 2, "contact", ["one e-mail"]),
    "named contact": (HEADER + "a,A,Ada <a@b.example>\n", 2, "contact", ["one e-mail"]),
    "header in a contact": (
        HEADER + 'a,A,"a@b.example\r\nBcc: x@y.example"\n',
        2,
        "contact",
        [r"\r\nBcc"],
    ),
    "tenant": (HEADER + ROW + ",common,,\n", 2, "tenant", ["every tenant"]),
    "environment": (HEADER + ROW + ",,1st,\n", 2, "environment", ["a letter first"]),
    "long environment": (HEADER + ROW + f",,{'p' * 30},\n", 2, "environment", ["under 30"]),
    "too many values": (HEADER + ROW + ",,,Northwind, Ltd\n", 2, "", ["more values", "quotes"]),
    "open quote": (HEADER + f'{ROW}\na,"A,a@b.example\nb,B,b@b.example\n', 3, "", ["quote"]),
    "secret": (HEADER + ROW + f",,,{ENTRA}\n", 2, "company", ["looks like a secret"]),
    "not seen": (HEADER + "a,A\u200b,a@b.example\n", 2, "name", ["U+200B (zero width space)"]),
    "a row in quotes": (
        '"key,name,contact"\n"a,A,a@b.example"\n',
        1,
        "",
        ["this line is one cell", "quotes around a whole row"],
    ),
    "a separator of its own": ("key:name:contact\na:A:a@b.example\n", 1, "", ["is one cell"]),
    "after other lines": (
        "sep=;\r\n# from the spreadsheet\r\n\r\nkey;name;contact\r\na;A;\r\n",
        5,
        "contact",
        ["is missing"],
    ),
    "nothing but a separator": ("sep=;\n", 1, "", ["the file is empty"]),
    "same place": (
        HEADER + f"{ROW},n.example,Production,Books\nb,B,b@b.example,N.example,production,Books\n",
        3,
        "company",
        ['"b" duplicates "northwind"'],
    ),
}


@pytest.mark.parametrize(("rows", "line", "column", "says"), ROWS.values(), ids=list(ROWS))
def test_each_mistake_in_a_file_is_explained(
    rows: str, line: int, column: str, says: list[str], tmp_path: Path
) -> None:
    """A mistake is told with file, line, column and what was expected; never a secret.

    contract B4.8
    """
    message = refusal(tmp_path, FILE, rows)
    where = f"line {line}: {column}: " if column else f"line {line}: "
    assert where in message, message
    assert "customers.csv" in message.splitlines()[0]
    assert str(tmp_path / "customers.csv") in message
    for part in says:
        assert part in message
    assert ENTRA not in message and "\x1b" not in message


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ((HEADER + ROW).encode("utf-16"), "line 1: this is UTF-16"),
        ((HEADER + ROW.replace("Nor", "Nør")).encode("cp1252"), "line 2: this is not UTF-8"),
    ],
)
def test_other_encodings_are_named(raw: bytes, says: str, tmp_path: Path) -> None:
    """What is not UTF-8 is refused with how a spreadsheet calls it."""
    message = refusal(tmp_path, FILE, raw)
    assert says in message and "CSV UTF-8" in message


CUSTOMER = 'name = "A"\ncontact = "a@b.example"\n'
# what is wrong: (the text, the line, the dotted key, what the message also says)
TABLES: dict[str, tuple[str, int, str, list[str]]] = {
    "no file": (FILE.replace("customers.csv", "custmers.csv"), 5, "customers",
                ["no file", 'did you mean "customers.csv"?']),
    "a folder": (FILE.replace("customers.csv", "folder"), 5, "customers", ["is a folder"]),
    "a number": (ACCOUNT + "customers = 1\n", 5, "customers", ["CSV file", "tables"]),
    "a list": (ACCOUNT + "customers = []\n", 5, "customers", ["CSV file"]),
    "no table": (ACCOUNT + 'customers = { a = "A" }\n', 5, "customers.a", ["expected a table"]),
    "misspelt": (FILE.replace("customers =", "custmers ="), 5, "custmers", ['"customers"?']),
    "by another name": (TABLE + CUSTOMER + 'key = "b"\n', 8, "customers.northwind.key",
                        ["leave this line out"]),
    "unknown key": (TABLE + CUSTOMER + 'enviroment = "P"\n', 8, "customers.northwind.enviroment",
                    ['did you mean "environment"?']),
    "no contact": (TABLE + 'name = "A"\n', 5, "customers.northwind.contact", ["is missing"]),
    "name": (TABLE.replace("northwind", "North_wind") + CUSTOMER, 5, "customers.North_wind.key",
             ["lower-case"]),
    "terminal": (TABLE + CUSTOMER.replace('"A"', '"\\u001b[31m"'), 6,
                 "customers.northwind.name", [r"\x1b"]),
    "same place": (
        TABLE + CUSTOMER + (address := 'tenant="n.example"\nenvironment="P"\ncompany="C"\n')
        + "[accounts.trial.customers.b]\n" + CUSTOMER + address, 16, "customers.b.company",
        ['duplicates "northwind"']),
}  # fmt: skip


@pytest.mark.parametrize(("toml", "line", "key", "says"), TABLES.values(), ids=list(TABLES))
def test_each_mistake_in_a_table_is_explained(
    toml: str, line: int, key: str, says: list[str], tmp_path: Path
) -> None:
    """A mistake is told with file, line, key and what was expected."""
    (tmp_path / "folder").mkdir()
    message = refusal(tmp_path, toml, HEADER)
    assert message.startswith(f"accounts.toml, line {line}: accounts.trial.{key}: "), message
    for part in says:
        assert part in message
    assert "\x1b" not in message


def test_customers_are_an_accounts_own(tmp_path: Path) -> None:
    """They are not inherited from [defaults]."""
    message = refusal(tmp_path, '[defaults]\ncustomers = "customers.csv"\n' + ACCOUNT, HEADER)
    assert message.startswith("accounts.toml, line 2: defaults.customers: there is no such key")


def test_mistakes_of_both_files_come_in_one_error(tmp_path: Path) -> None:
    """File by file, in the order of the lines."""
    message = refusal(
        tmp_path, FILE + 'cloud = "x"\n', HEADER + "A,A,a@b.example,x\nb,,nobody\nc,C,c@b.example"
    )
    first, second, *listed = message.splitlines()[:6]
    assert first.startswith("accounts.toml, line 6: accounts.trial.cloud: ")
    assert second == "customers.csv holds 4 mistakes."
    assert [line.split(": ")[:2] for line in listed] == [
        ["  line 2", "key"],
        ["  line 2", "tenant"],
        ["  line 3", "contact"],
        ["  line 3", "name"],
    ]
    for name in ("accounts.toml", "customers.csv"):
        assert str(tmp_path / name) in message


def test_customers_not_yet_placed_may_look_alike(tmp_path: Path) -> None:
    """Two companies of one tenant are no twins while nobody has said which is which."""
    rows = f"{ROW},n.example,Production,\nb,B,b@b.example,n.example,Production,\n"
    assert len(load(tmp_path, FILE, HEADER + rows).account("trial").customers) == 2
