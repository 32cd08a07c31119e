"""One request of the API: who makes it, and its body read strictly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.errors import CodatError, bad_request
from bcrunbook.rehearsal.messages import Call, read_json


@dataclass(frozen=True)
class Request:
    """A request whose caller is known."""

    cloud: RehearsalCloud
    call: Call
    instance: world.Instance

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent. How Codat words these refusals is undocumented."""
        content_type = self.call.header("content-type").partition(";")[0].strip().lower()
        if content_type != "application/json":
            raise CodatError(415, "Unsupported media type.")
        try:
            data = read_json(self.call.body)
        except ValueError as problem:
            raise bad_request("The request body is not valid JSON.") from problem
        if not isinstance(data, dict):
            raise bad_request("The request body must be a JSON object.")
        return data
