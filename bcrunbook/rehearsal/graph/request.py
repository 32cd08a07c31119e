"""One Graph request as a handler sees it: who calls, what was asked, how to read and answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.directory import public
from bcrunbook.rehearsal.graph import odata
from bcrunbook.rehearsal.graph.errors import GraphError, bad_request, denied, not_found
from bcrunbook.rehearsal.graph.schema import GUID, checked
from bcrunbook.rehearsal.messages import Answer, Call, json_answer, read_json
from bcrunbook.rehearsal.routing import Key
from bcrunbook.rehearsal.state import Document

ODATA_TYPE: Final = (
    "application/json;odata.metadata=minimal;odata.streaming=true;"
    "IEEE754Compatible=false;charset=utf-8"
)


@dataclass(frozen=True)
class Caller:
    """Who the access token speaks for."""

    tenant: world.Tenant
    object_id: str
    app_id: str
    user: world.User | None
    permissions: frozenset[str]

    def may(self, delegated: Iterable[str], application: Iterable[str]) -> bool:
        """Whether the token carries one of the permissions, by its kind."""
        wanted = application if self.user is None else delegated
        return not self.permissions.isdisjoint(wanted)

    def has_role(self, *roles: str) -> bool:
        """Whether the person holds one of the directory roles."""
        return self.user is not None and any(role in self.user.roles for role in roles)


@dataclass(frozen=True)
class Request:
    """A request with its caller and its parsed query."""

    cloud: RehearsalCloud
    call: Call
    caller: Caller
    version: str
    query: odata.Query

    @property
    def tenant(self) -> str:
        """The directory that the caller is in."""
        return self.caller.tenant.id

    @property
    def base(self) -> str:
        """The root of the addresses that the answer mentions."""
        return f"https://graph.microsoft.com/{self.version}"

    def location(self, path: str) -> dict[str, str]:
        """The header that says where a new object is (contract G6.16)."""
        return {"Location": f"https://graph.microsoft.com/v2/{self.tenant}/{path}"}

    def location_of(self, key: str, kind: str) -> dict[str, str]:
        """The same for a directory object, by its id and the directory's name for its type."""
        return self.location(f"directoryObjects/{key}/Microsoft.DirectoryServices.{kind}")

    def demand(self, delegated: Iterable[str], application: Iterable[str]) -> None:
        """Refuse a token without any of the permissions."""
        if not self.caller.may(delegated, application):
            raise denied()

    def json(self) -> Any:
        """The body as JSON; None when there is none."""
        if not self.call.body.strip():
            return None
        kind = self.call.header("content-type").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise GraphError(
                415 if kind else 400,
                "Request_BadRequest",
                "A supported MIME type could not be found that matches the content type of the "
                "request. None of the supported type(s) 'application/json' matches the content "
                f"type '{kind}'."
                if kind
                else "Write requests (excluding DELETE) must contain "
                "the Content-Type header declaration.",
            )
        try:
            return read_json(self.call.body)
        except ValueError as problem:
            raise GraphError(
                400,
                "BadRequest",
                "Unable to read JSON request payload. Please ensure Content-Type header is set "
                "and payload is of valid JSON format.",
            ) from problem

    def body(self, type_name: str, *, optional: bool = False) -> dict[str, Any]:
        """The body, checked against a type of the schema."""
        data = self.json()
        return checked(type_name, {} if data is None and optional else data)

    def prefers(self, preference: str) -> bool:
        """Whether the header `Prefer` holds a preference."""
        given = self.call.header("prefer").split(",")
        return any(part.strip().lower() == preference for part in given)

    def page(self, documents: Iterable[Document], *, type_name: str, context: str) -> Answer:
        """An answer with a list."""
        body = odata.page(
            self.query,
            map(public, documents),
            type_name=type_name,
            base=self.base,
            context=context,
            call=self.call,
        )
        return odata_answer(200, body)

    def one(
        self, document: Mapping[str, Any], *, type_name: str, context: str, status: int = 200
    ) -> Answer:
        """An answer with one object."""
        body = odata.single(
            self.query,
            public(dict(document)),
            type_name=type_name,
            base=self.base,
            context=context,
        )
        return odata_answer(status, body)


def odata_answer(status: int, body: Mapping[str, Any]) -> Answer:
    """An answer with an OData body."""
    return json_answer(status, body, {"Content-Type": ODATA_TYPE, "OData-Version": "4.0"})


def no_content() -> Answer:
    """Done, nothing to say."""
    return Answer(204)


def object_id(text: str) -> str:
    """An object id in an address; anything that is no GUID is refused before it is looked up."""
    if not GUID.fullmatch(text):
        raise bad_request(f"Invalid object identifier '{text}'.")
    return text.lower()


def find(
    request: Request, kind: str, key: str | Key, *, index: bool = False
) -> tuple[str, Document]:
    """Key and visible document of an object by id or alternate key; 404 when no read sees it."""
    store = request.cloud.store
    if isinstance(key, str):
        wanted = object_id(key)
        document = store.visible(kind, request.tenant, wanted, index=index)
        if document is not None:
            return wanted, document
        raise not_found(key)
    if key.name == "appId":
        object_id(key.value)
    for found, document in store.all_visible(kind, request.tenant, index=index):
        value = document.get(key.name)
        if value is not None and _same(key, str(value)):
            return found, document
    raise not_found(key.value)


def _same(key: Key, value: str) -> bool:
    return value.lower() == key.value.lower() if key.name == "appId" else value == key.value
