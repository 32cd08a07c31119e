"""Write the schemas of what the program tells other programs: `python -m tests.tools.schemas`.

Three files of `docs/reference`, in JSON Schema: an outcome as it leaves a notebook, what each
command prints with `--json`, and a line of a journal of shapes. They are derived from the types
that the program fills; what a command puts together on the spot is described here. Descriptions are
the types' own docstrings.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any, Literal, NotRequired, TypeAlias, get_args, get_type_hints

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

# pydantic takes no other on the older Pythons.
from typing_extensions import TypedDict

from bcrunbook.accounts import Customer
from bcrunbook.core.step import (
    OUTCOME_SCHEMA,
    Change,
    Finding,
    HandOff,
    Outcome,
    Row,
    Sighting,
    State,
)
from bcrunbook.errors import AskAdministrator, RunbookError
from bcrunbook.fidelity.differences import AnswerDifference
from bcrunbook.fidelity.result import AnswerResult, FactResult
from bcrunbook.journal.entry import JOURNAL_SCHEMA, JournalEntry
from bcrunbook.run.batch.coordinator import BatchEvent
from bcrunbook.run.batch.progress import StepSummary
from bcrunbook.run.handover import model as handover_model
from bcrunbook.run.handover.model import Handover

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
EVENTS_SCHEMA = 1
"""The version of `--json`: one more whenever a key goes away or means something else."""

Schema: TypeAlias = dict[str, Any]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DOCUMENTED: dict[str, type] = {
    **{one.__name__: one for one in (Outcome, Finding, Row, HandOff, Change, Sighting, Customer)},
    **{one.__name__: one for one in (FactResult, AnswerResult, AnswerDifference)},
    **{
        name: one
        for name, one in vars(handover_model).items()
        if isinstance(one, type) and one.__module__ == handover_model.__name__
    },
    "BatchStepEnded": StepSummary,
}
"""Definitions whose descriptions are in a docstring."""


# --- what commands put together on the spot -------------------------------------------------------


class StepRunData(TypedDict):
    """One step of one account, or of one of its customers, in one run."""

    account: str
    customer: str
    step: str
    notebook: str | None
    card: str | None
    seconds: float
    outcome: Outcome


class YearData(TypedDict):
    """`rehearse --year`: what the year came to, in a few sentences, and where its page is."""

    exit_code: int
    report: str
    summary: str


class RunData(TypedDict):
    """`plan`, `run` and `rehearse`: what a run came to."""

    exit_code: int
    report: str
    runs: list[StepRunData]


class CheckData(TypedDict):
    """`check`: the outcome of the health check, for each account that was looked at."""

    exit_code: int
    accounts: list[Outcome]


class StatusRow(TypedDict):
    """How a step ended last; `state` and `since` are null where it was never run."""

    account: str
    customer: str | None
    step: str
    state: State | None
    since: str | None
    summary: str
    next: str
    retired: str | None


class AccountData(TypedDict):
    """An account, as `accounts.toml` means it."""

    account: str
    kind: str
    tenant: str
    application: str
    sign_in: str
    secret_store: str
    cloud: str
    customers: list[Customer]


class AccountsCheckData(TypedDict):
    """`accounts check`: the accounts of a workspace without mistakes."""

    workspace: str
    accounts: list[AccountData]


class ConfirmData(TypedDict):
    """`confirm`: what was noted."""

    account: str
    customer: str | None
    step: str
    by: str
    said: str
    values: dict[str, str]


class LinkData(TypedDict):
    """`link`: a customer's link. It may work only once."""

    account: str
    customer: str
    link: str


class InitData(TypedDict):
    """`init`: the files that were made, and those that were there."""

    workspace: str
    made: list[str]
    kept: list[str]


class NoticeData(TypedDict):
    """`notice`: where draft and page are, and to whom they go."""

    account: str
    customer: str
    to: str
    subject: str
    draft: str
    page: str


class SecretCopyData(TypedDict):
    """`secret copy`: whether the secret was still on the clipboard when its time was up."""

    account: str
    cleared: bool


class ExplainData(TypedDict):
    """`explain`: what a word or code means; without one, a list of all."""

    code: str
    meaning: str
    next: str
    who: str


class FidelityData(TypedDict):
    """`fidelity`: what journals say of each fact, and of the answers to each request."""

    exit_code: int
    requests: int
    passed_over: int
    facts: list[FactResult]
    answers: list[AnswerResult]


class LabData(TypedDict):
    """`lab`: printed once JupyterLab can be reached."""

    url: str
    rehearsal: bool


_KINDS = get_args(get_type_hints(BatchEvent)["kind"])
_OTHER_KINDS = tuple(one for one in _KINDS if one != "step_ended")


class BatchHappened(TypedDict):
    """A line of `batch`: something has happened to an account or a customer."""

    event: Literal[_OTHER_KINDS]  # type: ignore[valid-type]
    who: str
    step: NotRequired[str]
    seconds: NotRequired[float]


# Its fields are those of another type, which mypy cannot know.
_typed_dict: Any = TypedDict
BatchStepEnded = _typed_dict(
    "BatchStepEnded",
    {"event": Literal["step_ended"], "who": str, **get_type_hints(StepSummary)},
)
BatchStepEnded.__doc__ = "A line of `batch`: a step has ended."


class DoctorCheck(TypedDict):
    """One thing that `doctor` checked: what, whether it is fine, and what to do if not."""

    name: str
    ok: bool
    told: str


class BatchEnded(TypedDict):
    """The last line of `batch`: it has come to its end, or was stopped before."""

    event: Literal["batch_ended", "batch_stopped"]
    ended: int
    of: int
    exit_code: int
    report: str


BatchLine: Any = BatchHappened | BatchStepEnded | BatchEnded

PRINTED: dict[str, Any] = {
    "accounts check": AccountsCheckData,
    "batch": BatchLine,
    "check": CheckData,
    "confirm": ConfirmData,
    "doctor": list[DoctorCheck],
    "explain": ExplainData | list[ExplainData],
    "fidelity": FidelityData,
    "handover": Handover,
    "init": InitData,
    "lab": LabData,
    "link": LinkData,
    "notice": NoticeData,
    "plan": RunData,
    "rehearse": RunData | YearData,
    "rotate": RunData,
    "retire": RunData,
    "restore": RunData,
    "run": RunData,
    "secret copy": SecretCopyData,
    "status": list[StatusRow],
}
"""By command what `--json` prints: one document, and of `batch` one for each line."""


# --- schemas --------------------------------------------------------------------------------------


class _Printed(GenerateJsonSchema):
    """Every field is there, whether it has a default or not."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Whether a field is always there."""
        if field["type"] == "typed-dict-field":
            return super().field_is_required(field, total)
        return True

    def default_schema(self, schema: Any) -> Schema:
        """A field's schema without its default, which a reader has no use for."""
        return self.generate_inner(schema["schema"])


def outcome_schema() -> Schema:
    """The schema of an outcome, MIME type application/vnd.bcrunbook.outcome+json."""
    root = TypeAdapter(Outcome).json_schema(
        schema_generator=_Printed, mode="serialization", ref_template="#/$defs/{model}"
    )
    definitions = root.pop("$defs")
    definitions = _finished({**definitions, "Outcome": root})
    return {
        "$schema": _DIALECT,
        "$id": f"urn:bcrunbook:outcome:{OUTCOME_SCHEMA}",
        "version": OUTCOME_SCHEMA,
        "title": "An outcome, as it leaves a notebook",
        **definitions.pop("Outcome"),
        "$defs": definitions,
    }


def events_schema() -> Schema:
    """The schema of what commands print with `--json`; `$defs` has one for each command."""
    by_command, shared = TypeAdapter.json_schemas(
        [(name, "serialization", TypeAdapter(kind)) for name, kind in PRINTED.items()],
        schema_generator=_Printed,
        ref_template="#/$defs/{model}",
    )
    commands = {name: by_command[name, "serialization"] for name in sorted(PRINTED)}
    return {
        "$schema": _DIALECT,
        "$id": f"urn:bcrunbook:events:{EVENTS_SCHEMA}",
        "version": EVENTS_SCHEMA,
        "title": "What commands print with --json",
        "description": "One document; of batch one in each line, as it happens. `$defs` has a"
        " schema for each command, under the command's name.",
        "anyOf": [{"$ref": f"#/$defs/{_pointer(name)}"} for name in commands],
        "$defs": {**commands, **_finished(shared["$defs"])},
    }


def journal_schema() -> Schema:
    """The schema of a line of a journal of shapes."""
    schema = _plain(TypeAdapter(JournalEntry).json_schema(mode="serialization"))
    _describe(schema, JournalEntry)
    for place in schema["properties"].values():
        place.pop("default", None)
    schema["properties"]["schema"] = {
        "const": JOURNAL_SCHEMA,
        "description": "The version of this schema.",
    }
    # What is empty is left out.
    schema["required"] = ["schema", *schema["required"], "status"]
    return {
        "$schema": _DIALECT,
        "$id": f"urn:bcrunbook:journal:{JOURNAL_SCHEMA}",
        "version": JOURNAL_SCHEMA,
        "title": "A line of a journal of shapes",
        **schema,
    }


def _pointer(name: str) -> str:
    return name.replace(" ", "%20")


def _finished(definitions: dict[str, Schema]) -> dict[str, Schema]:
    """The definitions with what no type says: the docstrings, and what `as_dict` makes of them."""
    definitions = {name: _plain(schema) for name, schema in definitions.items()}
    for name, kind in _DOCUMENTED.items():
        if name in definitions:
            _describe(definitions[name], kind)
    outcome = definitions["Outcome"]
    outcome["properties"]["schema"] = {
        "const": OUTCOME_SCHEMA,
        "description": "The version of this schema.",
    }
    outcome["properties"]["exit_code"] = {
        "type": "integer",
        "description": "The exit code of a command that ran just this step.",
    }
    outcome["properties"]["error"] = {
        "anyOf": [{"$ref": "#/$defs/Error"}, {"type": "null"}],
        "description": outcome["properties"]["error"]["description"],
    }
    definitions["Error"] = _error()
    return dict(sorted(definitions.items()))


def _plain(schema: Any) -> Any:
    """A schema without titles, which are names once more, and without what only a file has to fit.

    Python's patterns are no patterns elsewhere; and a later version may tell more.
    """
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _plain(one) for name, one in value.items()}
        if key == "properties"
        else _plain(value)
        for key, value in schema.items()
        if key not in ("title", "pattern", "maxLength") and value is not False
    }


def _describe(schema: Schema, kind: type) -> None:
    """Give a schema and its properties the descriptions of a docstring."""
    summary, arguments = _parsed(inspect.getdoc(kind) or "")
    schema.setdefault("description", summary)
    schema["description"] = schema["description"].partition("\n\n")[0]
    for name, text in arguments.items():
        if name in schema["properties"] and "description" not in schema["properties"][name]:
            schema["properties"][name]["description"] = text


def _parsed(docstring: str) -> tuple[str, dict[str, str]]:
    """A docstring's first paragraph, and its arguments with what is said of each."""
    summary, _, rest = docstring.partition("\nArgs:\n")
    found: dict[str, str] = {}
    name = ""
    for line in rest.splitlines():
        if line and not line.startswith(" "):
            break
        if match := re.fullmatch(r"    (\w+): (.+)", line):
            name, found[match[1]] = match[1], _sentence(match[2])
        elif name and line.strip():
            found[name] = _sentence(f"{found[name].rstrip('.')} {line.strip()}")
    return " ".join(summary.strip().split("\n\n")[0].split()), found


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."


def _error() -> Schema:
    """An error as plain data, as the error itself makes it."""
    _, descriptions = _parsed(inspect.getdoc(RunbookError) or "")
    fields = RunbookError("what").as_dict()
    more = AskAdministrator("what").as_dict().keys() - fields.keys()
    kinds = sorted({one.kind for one in _tree(RunbookError)} - {RunbookError.kind})
    properties: Schema = {
        "kind": {"enum": kinds, "description": "Which branch of the tree of errors it is of."},
        "exit_code": {"type": "integer"},
        **{name: {"type": "string"} for name in fields if name not in ("kind", "exit_code")},
        **{name: {"type": "boolean"} for name in sorted(more)},
    }
    for name, text in descriptions.items():
        if name in properties:
            properties[name]["description"] = text
    # Raised with a step's name, told with the notebook's.
    section = "The notebook section that explains it, as `notebook#heading`; may be empty."
    properties["section"]["description"] = section
    return {
        "description": "What went wrong, and what to do about it.",
        "type": "object",
        "properties": properties,
        "required": list(fields),
    }


def _tree(kind: type[RunbookError]) -> list[type[RunbookError]]:
    return [kind, *(below for one in kind.__subclasses__() for below in _tree(one))]


def pages() -> dict[Path, str]:
    """Each file with what it has to hold."""
    schemas = {
        "outcome.schema.json": outcome_schema(),
        "events.schema.json": events_schema(),
        "journal.schema.json": journal_schema(),
    }
    return {
        FOLDER / name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }


def main() -> None:
    """Write the files."""
    for file, text in pages().items():
        file.write_text(text, "utf-8")
        print(file.name)


if __name__ == "__main__":
    main()
