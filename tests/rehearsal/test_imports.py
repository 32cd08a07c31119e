"""The stand-in's modules and packages import one another without a circle, types included."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp
import pytest

ROOT = "bcrunbook.rehearsal"


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """What imports what, within functions and for types alone as well."""
    return grimp.build_graph("bcrunbook", exclude_type_checking_imports=False, cache_dir=None)


def test_no_circle_of_modules(graph: grimp.ImportGraph) -> None:
    """No module needs itself by way of others."""
    modules = {ROOT} | graph.find_descendants(ROOT)
    TopologicalSorter(
        {module: graph.find_modules_directly_imported_by(module) & modules for module in modules}
    ).prepare()


def test_no_circle_of_packages(graph: grimp.ImportGraph) -> None:
    """Nor does a package, taken as a whole, need itself by way of those beside it."""
    circles = {
        package: graph.nominate_cycle_breakers(package)
        for package in {ROOT} | graph.find_descendants(ROOT)
        if graph.find_children(package)
    }
    assert not {package: imports for package, imports in circles.items() if imports}
