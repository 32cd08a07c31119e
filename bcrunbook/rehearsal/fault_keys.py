"""The keys of a fault rule: one table, which the parser and the JSON Schema both read.

A value is checked against the very schema that is published, so that what the rehearsal cloud takes
and what an editor marks as wrong are the same. Two things JSON Schema cannot say: a number written
with a point (`503.0`) counts as whole there and not here, and `format: regex` is checked by some
validators only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

VERSION: Final = 1
"""Rises when a file that was valid becomes invalid or comes to mean something else."""

SCHEMA_ID: Final = f"urn:bcrunbook:fault-rules:{VERSION}"

Schema = Mapping[str, Any]


class Role(StrEnum):
    """What a key is for."""

    MATCHER = "matcher"
    """Says which requests the rule counts; each may be left out."""
    ACTION = "action"
    """Says what goes wrong; a rule has exactly one."""
    COMPANION = "companion"
    """Goes with `status` only."""


@dataclass(frozen=True)
class Key:
    """One key of a rule.

    Args:
        role: what it is for.
        schema: JSON Schema of its value, in the words that `conforms` knows.
        demand: how an error goes on after the key's name when the value is of no use.
        about: what it does, in a sentence.
    """

    role: Role
    schema: Schema
    demand: str
    about: str


_ABSENT: Final[Schema] = {"type": "null"}
_TEXT: Final[Schema] = {"type": "string", "minLength": 1}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 1}
_MOMENT: Final[Schema] = {"enum": ["before", "after"]}

KEYS: Final[Mapping[str, Key]] = {
    "host": Key(
        Role.MATCHER,
        {"anyOf": [_TEXT, _ABSENT]},
        "must be a text",
        "Host name, compared without regard to case; absent means any.",
    ),
    "method": Key(
        Role.MATCHER,
        {"anyOf": [_TEXT, _ABSENT]},
        "must be a text",
        "HTTP method, compared without regard to case; absent means any.",
    ),
    "path": Key(
        Role.MATCHER,
        {"anyOf": [{**_TEXT, "format": "regex"}, _ABSENT]},
        "must be a text",
        "Regular expression (Python's), searched in the decoded path without the query.",
    ),
    "nth": Key(
        Role.MATCHER,
        {"anyOf": [_COUNT, {"type": "array", "minItems": 1, "items": _COUNT}, _ABSENT]},
        "must be a number from 1, or a list of such",
        "Which of the matching requests, counted from 1 since the rules were read; absent means "
        "each.",
    ),
    "status": Key(
        Role.ACTION,
        {"type": "integer", "minimum": 200, "maximum": 599},
        "must be a number from 200 to 599",
        "Answered instead of the effect, which then does not happen.",
    ),
    "delay": Key(
        Role.ACTION,
        {"type": "number", "minimum": 0},
        "must be a number of seconds",
        "Seconds of real time before the effect.",
    ),
    "drop": Key(
        Role.ACTION,
        _MOMENT,
        'must be "before" or "after"',
        "The connection is cut without an answer, before or after the effect.",
    ),
    "hold": Key(
        Role.ACTION,
        _MOMENT,
        'must be "before" or "after"',
        "No answer until the client goes away, before or after the effect.",
    ),
    "headers": Key(
        Role.COMPANION,
        {
            "type": "object",
            "additionalProperties": {
                "anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]
            },
        },
        "must be an object of texts",
        "Headers of the answer.",
    ),
    "body": Key(
        Role.COMPANION,
        {},
        "may be anything",
        "Body of the answer: a text goes as it is, anything else as JSON.",
    ),
}


def names(*roles: Role) -> tuple[str, ...]:
    """The keys of some roles, role by role in the order of the table."""
    return tuple(name for role in roles for name, key in KEYS.items() if key.role is role)


def conforms(value: object, schema: Schema) -> bool:
    """Whether a value is as a schema of the table says.

    Knows the words that the table uses, and `format` not at all: a regular expression is compiled
    by the parser, which can then say what is wrong with it.
    """
    if "anyOf" in schema:
        return any(conforms(value, choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return isinstance(value, str) and value in schema["enum"]
    match schema.get("type"):
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str) and len(value) >= schema.get("minLength", 0)
        case "integer":
            return type(value) is int and _within(value, schema)
        case "number":
            return type(value) in (int, float) and _within(value, schema)
        case "array":
            return (
                isinstance(value, list)
                and len(value) >= schema.get("minItems", 0)
                and all(conforms(item, schema["items"]) for item in value)
            )
        case "object":
            return isinstance(value, dict) and all(
                conforms(item, schema["additionalProperties"]) for item in value.values()
            )
    return True


def _within(value: Any, schema: Schema) -> bool:
    # So that what is no number at all (NaN) is left to its user, as every validator leaves it.
    return not (
        value < schema.get("minimum", float("-inf")) or value > schema.get("maximum", float("inf"))
    )


def json_schema() -> dict[str, Any]:
    """The schema of a whole file of rules, as it is published."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "version": VERSION,
        "title": "Fault rules of the rehearsal cloud",
        "description": "The first rule that fires wins; a request counts for each rule it matches.",
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                name: {"description": key.about, **key.schema} for name, key in KEYS.items()
            },
            "additionalProperties": False,
            "oneOf": [{"required": [name]} for name in names(Role.ACTION)],
            "dependentRequired": {name: ["status"] for name in names(Role.COMPANION)},
        },
    }
