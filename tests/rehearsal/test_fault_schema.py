"""The published JSON Schema of fault rules says what the program takes, and nothing else."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bcrunbook.rehearsal.fault_keys import KEYS, Role, json_schema, names
from bcrunbook.rehearsal.faults import InvalidFaults, load
from tests.tools.fault_schema import PAGE, text

TESTS = Path(__file__).resolve().parents[1]
VALIDATOR = Draft202012Validator(json_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
EXAMPLES = re.findall(
    r"^```json\n(.*?)^```", PAGE.with_name("fault-rules.md").read_text("utf-8"), re.M | re.S
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rules file, which each test fills anew."""
    return tmp_path_factory.mktemp("rules") / "faults.json"


def is_taken(file: Path, content: Any) -> bool:
    """Whether the program takes a content of a rules file."""
    file.write_text(json.dumps(content), "utf-8")
    try:
        load(file)
    except InvalidFaults:
        return False
    return True


def test_the_published_schema_is_the_programs() -> None:
    """The file is what the table says now, and a schema at all."""
    hint = "out of date: run `uv run python -m tests.tools.fault_schema`"
    assert PAGE.read_text("utf-8") == text(), hint
    Draft202012Validator.check_schema(json_schema())


def test_every_key_is_on_the_page() -> None:
    """The table of the page has the program's keys, in its order, actions in bold."""
    page = PAGE.with_name("fault-rules.md").read_text("utf-8")
    rows = re.findall(r"^\| (\**)`(\w+)`\1 \|", page, re.M)
    assert [name for _, name in rows] == list(KEYS)
    assert tuple(name for bold, name in rows if bold) == names(Role.ACTION)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_pages_examples_are_taken(file: Path, example: str) -> None:
    """Each example loads, and validates."""
    rules = json.loads(example)
    file.write_text(example, "utf-8")
    assert len(load(file)) == len(rules)
    VALIDATOR.validate(rules)


NAMED: dict[str, Any] = {"host": "named", "method": "NAMED", "path": "named", "headers": {}}


def spelled_out(node: ast.Dict) -> dict[str, Any] | None:
    """A rule from its source, with something of the kind for what has a name there; or None."""
    rule: dict[str, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        word = key.value if isinstance(key, ast.Constant) else None
        if not isinstance(word, str) or word not in KEYS:
            return None
        try:
            rule[word] = ast.literal_eval(value)
        except ValueError:
            rule[word] = NAMED.get(word, 503)
    return rule


def rules_in_tests() -> Iterator[dict[str, Any]]:
    """Every rule that a test spells out, the wrong ones among them."""
    for path in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            rule = spelled_out(node) if isinstance(node, ast.Dict) else None
            if rule and rule.keys() & names(Role.ACTION) and rule.keys() & names(Role.MATCHER):
                yield rule


def test_rules_of_the_tests(file: Path) -> None:
    """Each rule that is spelled out in a test validates if, and only if, it is taken."""
    rules = list(rules_in_tests())
    assert len(rules) > 40
    for rule in rules:
        assert VALIDATOR.is_valid([rule]) is is_taken(file, [rule]), rule


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 700)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number % 1 != 0)
    | st.sampled_from(["", "before", "after", "GET", "(", "^/a$", "graph.microsoft.com"])
)
_VALUES: st.SearchStrategy[Any] = (
    _SCALARS
    | st.lists(_SCALARS, max_size=3)
    | st.dictionaries(st.sampled_from(["a", "Retry-After"]), _SCALARS, max_size=2)
    | st.just([{}])
)
_CONTENTS = (
    st.lists(
        st.dictionaries(st.sampled_from([*KEYS, "methods"]), _VALUES, max_size=4) | _SCALARS,
        max_size=2,
    )
    | _VALUES
)
_NEARLY_RIGHT = st.builds(
    lambda action, rest: [{action[0]: action[1], **rest}],
    st.sampled_from([("status", 503), ("delay", 0.5), ("drop", "after"), ("hold", "before")]),
    st.dictionaries(
        st.sampled_from(["host", "method", "path", "nth", "headers", "body"]), _VALUES, max_size=3
    ),
)


@given(content=_CONTENTS | _NEARLY_RIGHT)
def test_schema_and_program_agree(file: Path, content: Any) -> None:
    """Whatever a file holds, the schema refuses it if, and only if, the program does."""
    assert VALIDATOR.is_valid(content) is is_taken(file, content)


def test_where_the_schema_cannot_follow(file: Path) -> None:
    """The one known difference: a whole number that is written with a point."""
    assert VALIDATOR.is_valid([{"status": 503.0}])
    assert not is_taken(file, [{"status": 503.0}])
