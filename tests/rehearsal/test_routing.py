"""The stand-in's routes: how one is found, and that the page of them says what the program does."""

from __future__ import annotations

import pytest

from bcrunbook.rehearsal.routing import Key, Known, Route, Router, at
from tests.tools import rehearsal_routes

DOCUMENTED = Known.DOCUMENTED

ROUTES = (
    *at("shops", DOCUMENTED, GET="list", POST="open"),
    *at("shops/{shop}", DOCUMENTED, GET="read"),
    *at("shops/newest", DOCUMENTED, GET="newest"),
    *at("shops({shop})/Orders", DOCUMENTED, GET="orders"),
)


def router(*, folds_case: bool = False) -> Router[str]:
    """A small table of every kind of path."""
    accepts = {"shop": lambda part: part != "closed"}
    return Router("https://shop.example", ROUTES, folds_case=folds_case, accepts=accepts)


def test_the_page_says_what_the_program_answers() -> None:
    """docs/reference/rehearsal-routes.md is what its command would write now."""
    assert rehearsal_routes.PAGE.is_file(), f"write it: {rehearsal_routes.COMMAND}"
    written = rehearsal_routes.PAGE.read_text("utf-8")
    assert written == rehearsal_routes.page(), f"out of date: {rehearsal_routes.COMMAND}"


def test_every_service_of_the_stand_in_is_on_the_page() -> None:
    """Each package with routes has a heading, and no heading stands for nothing."""
    assert list(rehearsal_routes.routers()) == list(rehearsal_routes.SERVICES)
    assert all(rehearsal_routes.routers().values())


def test_parameters_by_name_in_the_order_of_the_path() -> None:
    """What stands in the address comes with the name that the path gives it."""
    match = router().find(["shops", "corner"])
    assert match is not None and match.path == "shops/{shop}"
    assert match.params == {"shop": "corner"}
    assert match.handler("GET") == "read"


def test_a_path_without_the_method_is_not_an_unknown_path() -> None:
    """404 and 405 can be told apart."""
    match = router().find(["shops"])
    assert match is not None and match.handler("DELETE") is None
    assert router().find(["shop"]) is None


def test_fixed_words_come_before_parameters() -> None:
    """Whatever the order of the table."""
    match = router().find(["shops", "newest"])
    assert match is not None and match.handler("GET") == "newest"


def test_a_key_in_brackets_is_no_segment() -> None:
    """`shops(1)/Orders` is there, `shops/1/Orders` is not; a plain parameter takes either."""
    orders = router().find(["shops", Key("", "1"), "Orders"])
    assert orders is not None and orders.handler("GET") == "orders"
    assert router().find(["shops", "1", "Orders"]) is None
    one = router().find(["shops", Key("name", "corner")])
    assert one is not None and one.params == {"shop": Key("name", "corner")}


def test_letter_case_as_the_service_has_it() -> None:
    """Fixed words only; parameters keep theirs."""
    assert router().find(["Shops"]) is None
    match = router(folds_case=True).find(["SHOPS", "Corner"])
    assert match is not None and match.params == {"shop": "Corner"}


def test_a_part_that_a_parameter_does_not_accept() -> None:
    """It is as if there were no such route."""
    assert router().find(["shops", "closed"]) is None


@pytest.mark.parametrize(
    ("parts", "unknown"),
    [
        (["shop"], "shop"),
        (["shops", "corner", "x", "y"], "x"),
        (["shops", "closed"], "closed"),
        (["shops", Key("", "1")], Key("", "1")),
    ],
)
def test_the_first_part_that_leads_nowhere(parts: list[str | Key], unknown: str | Key) -> None:
    """A service can say which part of an address it does not know."""
    assert router().first_unknown(parts) == unknown


def test_a_route_is_there_once() -> None:
    """Two handlers for one method and path are a mistake in the table."""
    with pytest.raises(ValueError, match="GET shops is there twice"):
        Router("", (*ROUTES, Route("GET", "shops", DOCUMENTED, "again")))
