"""Write the page of what the rehearsal cloud answers: `python -m tests.tools.rehearsal_routes`.

It is made from the tables that requests are routed by: every module named `routes` in
bcrunbook/rehearsal, and every router in it.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

from bcrunbook import rehearsal
from bcrunbook.rehearsal.routing import Known, Router

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "rehearsal-routes.md"
COMMAND = "python -m tests.tools.rehearsal_routes"

SERVICES = {
    "entra": "Microsoft Entra",
    "graph": "Microsoft Graph",
    "azure": "Azure Resource Manager",
    "keyvault": "Azure Key Vault",
    "businesscentral": "Business Central",
    "codat": "Codat's API",
    "codat.link": "Codat Link",
    "portal": "Codat Portal",
    "platforms": "Tokens for jobs and machines",
    "pages": "Pages for a browser",
}
"""What a package of the stand-in is headed by, in the order of the page."""

HEAD = f"""\
<!-- Made by `{COMMAND}` from the program; changes by hand are lost. -->
# What the rehearsal cloud answers

Every address that the rehearsal cloud serves, by service; each service refuses any other in its own
way. A word in curly brackets stands for one part of the address. The last column says how it is
known that the real service has this address:

| mark | meaning |
| --- | --- |
"""

MEANINGS = {
    Known.DOCUMENTED: "its maker's documentation or API description has it",
    Known.RECORDED: "seen in a recording, in a public report, or asked for by its maker's clients",
    Known.INFERRED: "follows from other addresses, or is the rehearsal's own where none is known",
}


def routers() -> dict[str, list[Router[Any]]]:
    """The routers of each service, by the name of its package.

    Raises:
        KeyError: a service has no heading.
    """
    modules = pkgutil.walk_packages(rehearsal.__path__, f"{rehearsal.__name__}.")
    names = sorted(module.name for module in modules if module.name.endswith(".routes"))
    by_service = {}
    for name in names:
        tables = vars(importlib.import_module(name)).values()
        service = name.removeprefix(f"{rehearsal.__name__}.").removesuffix(".routes")
        by_service[service] = [table for table in tables if isinstance(table, Router)]
    return {service: by_service[service] for service in sorted(by_service, key=_order)}


def _order(service: str) -> int:
    return list(SERVICES).index(service)


def page() -> str:
    """The page as the program has it."""
    marks = "".join(f"| {mark.value} | {MEANINGS[mark]} |\n" for mark in Known)
    sections = [_section(SERVICES[service], tables) for service, tables in routers().items()]
    return "\n".join((HEAD + marks, *sections))


def _section(title: str, tables: list[Router[Any]]) -> str:
    by_base: dict[str, list[Router[Any]]] = {}
    for table in tables:
        by_base.setdefault(table.base, []).append(table)
    return "\n".join((f"## {title}\n", *(_below(base, of) for base, of in by_base.items())))


def _below(base: str, tables: list[Router[Any]]) -> str:
    notes = "".join(f" {table.note}" for table in tables if table.note)
    lines = [f"Below `{base}`.{notes}", "", "| method | path | known |", "| --- | --- | --- |"]
    methods: dict[tuple[str, Known], list[str]] = {}
    for table in tables:
        for route in table.routes:
            methods.setdefault((route.path, route.known), []).append(route.method)
    for (path, known), names in methods.items():
        lines.append(f"| {', '.join(names)} | `/{path}` | {known.value} |")
    return "\n".join((*lines, ""))


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), "utf-8", newline="\n")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
