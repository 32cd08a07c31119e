"""What the program tells other programs is as its published schemas say."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bcrunbook.core.step import AnyStep
from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.rehearsal import launch
from bcrunbook.steps import STEPS, notebook_of
from bcrunbook.steps.opening import open_context
from bcrunbook.views.cells import OUTCOME_MIME
from tests.cli.conftest import Command, command, program
from tests.cli.test_help import COMMANDS
from tests.support.linking import lab_customer, run_link_customer, set_up
from tests.tools.schemas import PRINTED, events_schema, outcome_schema, pages

# The command as a person meets it, here as well.
__all__ = ["command"]

EXPLAIN = "renew it, and look at what has changed: uv run python -m tests.tools.schemas"


def closed(schema: Any) -> Any:
    """The same schema for this version alone: what it does not name must not be there."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(value) for key, value in schema.items()}
    if schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
    return schema


def stored_outcome(step: AnyStep) -> dict[str, Any]:
    """The outcome that the last cell of a step's notebook stores."""
    notebook = json.loads((shipped() / notebook_of(step)).read_text("utf-8"))
    (outcome,) = (one["data"][OUTCOME_MIME] for one in notebook["cells"][-1]["outputs"])
    assert isinstance(outcome, dict)
    return outcome


def is_printed(name: str, data: Any) -> None:
    """Fail unless data is what the schema says of a command."""
    pointer = name.replace(" ", "%20")
    schema = {**closed(events_schema()), "$ref": f"#/$defs/{pointer}"}
    del schema["anyOf"]
    Draft202012Validator(schema).validate(data)


@pytest.mark.parametrize("file", pages(), ids=lambda file: file.name)
def test_the_published_schemas_are_up_to_date(file: Path) -> None:
    """A file of docs/reference holds what the types of the program come to."""
    assert file.read_text("utf-8") == pages()[file], f"{file.name} is out of date: {EXPLAIN}"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_the_outcome_that_a_notebook_stores_fits(step: AnyStep) -> None:
    """The outcome of each notebook has the fields of the schema, and no other."""
    Draft202012Validator(closed(outcome_schema())).validate(stored_outcome(step))


def test_a_schema_bites() -> None:
    """What lacks a field, or has one more, does not fit."""
    data = stored_outcome(STEPS[0])
    validator = Draft202012Validator(closed(outcome_schema()))
    assert not validator.is_valid({**data, "mood": "good"})
    assert not validator.is_valid({key: value for key, value in data.items() if key != "state"})


def test_every_command_with_json_has_a_schema(command: Command) -> None:
    """Each command that knows `--json` is described, and nothing else is."""
    groups = {words[:1] for words in COMMANDS if len(words) > 1}
    words = [one for one in COMMANDS if one not in groups]
    printing = {" ".join(one) for one in words if "--json" in command(*one, "--help").out}
    assert printing == set(PRINTED)


def test_what_needs_no_cloud_fits(command: Command, tmp_path: Path) -> None:
    """Commands that ask no service."""
    root = tmp_path / "workspace"
    is_printed("init", command("init", root, "--json").data)
    is_printed("explain", command("explain", "AADSTS50076", "--json").data)
    is_printed("doctor", command("doctor", "-w", tmp_path, "--json").data)


def test_what_is_printed_of_accounts_fits(command: Command, tmp_path: Path) -> None:
    """Commands about an account in the rehearsal cloud, and a customer of its."""
    with launch(tmp_path / "cloud", skips=True, lags="worst") as served:
        workspace = asyncio.run(set_up(tmp_path, served, [lab_customer("ready", "Normal")]))
        where = ("-w", workspace.root, "--json")

        async def link_customer() -> None:
            async with open_context(workspace, workspace.account("trial")) as context:
                await run_link_customer(context, "ready")

        asyncio.run(link_customer())
        is_printed("accounts check", command("accounts", "check", *where).data)
        is_printed("status", command("status", *where).data)
        is_printed("link", command("link", "trial", "ready", *where).data)
        is_printed("notice", command("notice", "trial", "ready", *where).data)
        is_printed("check", command("check", *where).data)
        words = ("confirm", "trial", "codat_keys", "--by", "Ada Lovelace", *where)
        is_printed("confirm", command(*words).data)
        is_printed("plan", command("plan", "trial", "start_here", *where).data)
        is_printed("run", command("run", "trial", "start_here", *where).data)
        lines = program("batch", "trial/*", "--dry-run", *where).out.splitlines()
        events = [json.loads(line) for line in lines]
        for line in events:
            is_printed("batch", line)
        assert {"step_began", "step_ended", "item_ended"} <= {one["event"] for one in events}
        assert events[-1]["event"] == "batch_ended"
