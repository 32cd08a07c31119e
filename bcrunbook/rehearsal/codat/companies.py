"""Companies.

Source: Codat's OpenAPI description (Company, CompanyRequestBody) and docs, "Managing companies".
Characters that a name may not have are dropped, not refused. What a PATCH does not give, or gives
as null, stays; but empty or null tags remove all tags.
"""

from __future__ import annotations

import re
import uuid
from typing import Any, Final

from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import connections, one_time, pulls, world
from bcrunbook.rehearsal.codat.errors import CLIENTS, CodatError, bad_request, plan_limit
from bcrunbook.rehearsal.codat.limits import (
    MAX_COMPANY_TAGS,
    MAX_TAG_KEY_LENGTH,
    MAX_TAG_VALUE_LENGTH,
)
from bcrunbook.rehearsal.codat.paging import page
from bcrunbook.rehearsal.codat.query import DATE, TEXT, Kind, tag_predicate
from bcrunbook.rehearsal.codat.records import (
    COMPANY,
    companies_of,
    connections_of,
    find_company,
    put_connection,
)
from bcrunbook.rehearsal.codat.request import Request
from bcrunbook.rehearsal.messages import Answer, json_answer
from bcrunbook.rehearsal.state import Document

REDIRECT: Final = "https://link.codat.io/company/"
FREE_COMPANIES: Final = 50
FORBIDDEN: Final = re.compile(r"[^A-Za-z0-9\s\-',&@.?!]")
KIND: Final = Kind(
    "Company",
    CLIENTS,
    {
        **dict.fromkeys(("id", "name", "description", "platform", "redirect"), TEXT),
        **dict.fromkeys(("lastSync", "created"), DATE),
        "createdByUserName": TEXT,
        **{f"dataConnections.{name}": kind for name, kind in connections.KIND.properties.items()},
    },
)


def create(request: Request) -> Answer:
    """A new company."""
    cloud, instance = request.cloud, request.instance
    given = _checked(request.body(), name_needed=True)
    if instance.plan == world.FREE and _count(request) >= FREE_COMPANIES:
        raise plan_limit(
            f"You have exceeded the {FREE_COMPANIES}-company limit that applies to a Free plan."
        )
    company = str(uuid.uuid4())
    made = {"products": _products(request), "created": cloud.clock.now()}
    return _kept(request, company, {**_blank(), **given, **made})


def _count(request: Request) -> int:
    return sum(1 for _ in request.cloud.store.all_latest(COMPANY, request.instance.id))


def list_all(request: Request) -> Answer:
    """The companies of the instance."""
    tagged = tag_predicate(request.call, CLIENTS)
    found = companies_of(request.cloud, request.instance, tagged)

    def show(pair: tuple[str, Document]) -> dict[str, Any]:
        return described(request.cloud, request.instance, *pair)

    return page(request, found, show, KIND)


def get(request: Request, company: str) -> Answer:
    """One company."""
    document = find_company(request, company)
    return json_answer(200, described(request.cloud, request.instance, company, document))


def replace(request: Request, company: str) -> Answer:
    """All of name, description and tags anew; what is missing is cleared."""
    before = find_company(request, company)
    given = _checked(request.body(), name_needed=True)
    return _kept(request, company, {**before, **_blank(), **given})


def update(request: Request, company: str) -> Answer:
    """Some of name, description and tags anew; tags as a whole (undocumented)."""
    before = find_company(request, company)
    return _kept(request, company, {**before, **_checked(request.body(), name_needed=False)})


def delete(request: Request, company: str) -> Answer:
    """Remove a company with everything below it."""
    cloud = request.cloud
    find_company(request, company)
    for connection, _ in connections_of(cloud, company):
        put_connection(cloud, request.instance, company, connection, None)
    pulls.forget(cloud, company)
    cloud.store.put(COMPANY, request.instance.id, company, None)
    return Answer(204)


def described(
    cloud: RehearsalCloud, instance: world.Instance, company: str, document: Document
) -> dict[str, Any]:
    """A company as the API describes it."""
    synced = pulls.last_sync(cloud, company)
    return {
        "id": company,
        "name": document["name"],
        "description": document["description"],
        "platform": "",
        "redirect": f"{REDIRECT}{company}{one_time.option(cloud, instance, company, 'link.otp')}",
        **({"lastSync": timestamp(synced)} if synced else {}),
        "dataConnections": [
            connections.described(cloud, instance, company, *pair)
            for pair in connections_of(cloud, company)
        ],
        "created": timestamp(document["created"]),
        # Whose name a company gets that an API key created is undocumented.
        "createdByUserName": _administrator(instance),
        # A folder of an older version has companies without any.
        "products": document.get("products", [world.LENDING]),
        **({"tags": document["tags"]} if document["tags"] else {}),
        "referenceSubsidiaryCompanies": [],
    }


def _administrator(instance: world.Instance) -> str:
    return next(
        user.name
        for user in world.PORTAL_USERS.values()
        if user.role_in(instance.id) == world.ADMINISTRATOR
    )


def _kept(request: Request, company: str, document: Document) -> Answer:
    request.cloud.store.put(COMPANY, request.instance.id, company, document)
    return json_answer(200, described(request.cloud, request.instance, company, document))


def _blank() -> dict[str, Any]:
    return {"description": "", "tags": {}}


def _wrong(text: str) -> CodatError:
    return bad_request(text, service=CLIENTS)


def _checked(body: dict[str, Any], *, name_needed: bool) -> dict[str, Any]:
    """The usable fields of a body; unknown ones are left aside, as the description allows them."""
    checked: dict[str, Any] = {}
    name, description = body.get("name"), body.get("description")
    if name is not None or name_needed:
        if not isinstance(name, str):
            raise _wrong("`name` is required and must be a string.")
        checked["name"] = FORBIDDEN.sub("", name)
        if not checked["name"].strip():
            raise _wrong("`name` must not be empty.")
    if description is not None:
        if not isinstance(description, str):
            raise _wrong("`description` must be a string.")
        checked["description"] = description
    if "tags" in body:
        checked["tags"] = _checked_tags(body["tags"])
    return checked


def _products(request: Request) -> list[str]:
    """What a new company is given (contract C7.12); how a refusal reads is unknown (C7.13)."""
    given = request.body().get("products")
    if given is None or given == []:
        if not request.instance.default_products:
            raise _wrong("At least one product must be assigned to the company.")
        return list(request.instance.default_products)
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise _wrong("`products` must be an array of strings.")
    for one in given:
        if one not in world.PRODUCTS:
            raise _wrong(f"The product {one} is not available to this client.")
    return list(dict.fromkeys(given))


def _checked_tags(tags: Any) -> dict[str, str]:
    if tags is None:
        return {}
    if not isinstance(tags, dict):
        raise _wrong("`tags` must be an object.")
    if len(tags) > MAX_COMPANY_TAGS:
        raise _wrong(f"A company can have at most {MAX_COMPANY_TAGS} tags.")
    for key, value in tags.items():
        if not 1 <= len(key) <= MAX_TAG_KEY_LENGTH:
            raise _wrong(f"The key of a tag must have 1 to {MAX_TAG_KEY_LENGTH} characters.")
        if not isinstance(value, str) or len(value) > MAX_TAG_VALUE_LENGTH:
            raise _wrong(
                f"The value of a tag must be a string of up to {MAX_TAG_VALUE_LENGTH} characters."
            )
    return dict(tags)
