"""JUnit XML, as the servers of pipelines read it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import junitparser
import pytest

from bcrunbook.core.step import State
from bcrunbook.order import (
    CLIENT_SECRET,
    CODAT_KEYS,
    ENABLE_INTEGRATION,
    LINK_CUSTOMER,
    REGISTER_APPLICATION,
    START_HERE,
)
from bcrunbook.run.ended import Ended
from bcrunbook.run.junit import junit

# What may stand where, and which attributes there must be: the schema of Jenkins' xUnit plug-in,
# and what GitLab and Azure Pipelines say they read.
ALLOWED = {
    "testsuites": ({"testsuite"}, {"name", "tests", "failures", "errors", "skipped", "time"}),
    "testsuite": ({"testcase"}, {"name", "tests", "failures", "errors", "skipped", "time"}),
    "testcase": ({"failure", "skipped"}, {"classname", "name", "time"}),
    "failure": (set(), {"message", "type"}),
    "skipped": (set(), {"message"}),
}
SECONDS = re.compile(r"\d+\.\d{3}")


def check_shape(element: ET.Element) -> None:
    """Fail where an element has what none of the three knows, or lacks what one of them needs."""
    children, attributes = ALLOWED[element.tag]
    assert set(element.attrib) == attributes
    assert SECONDS.fullmatch(element.attrib.get("time", "0.000"))
    for child in element:
        assert child.tag in children
        check_shape(child)


def parsed(file: Path) -> list[ET.Element]:
    """The cases of a file, whose shape has been checked."""
    root = ET.parse(file).getroot()
    check_shape(root)
    return list(root.iter("testcase"))


ENDED = [
    Ended("trial", START_HERE, State.DONE, 1.5, "as it should be"),
    Ended("trial", REGISTER_APPLICATION, State.CHANGED, 2.25, "made"),
    Ended("trial", CLIENT_SECRET, State.FAILED, 0.5, "refused", "sign in again"),
    Ended("trial", CODAT_KEYS, State.NEEDS_PERSON, 1.0, "a click", "bcrunbook run", "Card\nClick."),
    Ended("trial", ENABLE_INTEGRATION, summary="follows from codat_keys"),
    Ended("trial/mill", LINK_CUSTOMER, State.WAITING, 3.0, "is being installed", "wait"),
    Ended("production", START_HERE, State.PENDING, 1.0, "2 changes", "apply"),
]


def test_a_case_for_each_step_and_what_to_do_in_each_failure(tmp_path: Path) -> None:
    """A stranger's reader finds the counts, the failures and what they say."""
    file = tmp_path / "junit.xml"
    file.write_bytes(junit(ENDED, "Batch"))
    check_shape(ET.parse(file).getroot())
    read = junitparser.JUnitXml.fromfile(str(file))
    assert (read.tests, read.failures, read.errors, read.skipped) == (7, 2, 0, 3)
    assert [(suite.name, suite.tests) for suite in read] == [
        ("trial", 5),
        ("trial/mill", 1),
        ("production", 1),
    ]
    cases = {(case.classname, case.name): case for suite in read for case in suite}
    assert len(cases) == 7
    (failed,) = cases["trial", Ended("trial", CLIENT_SECRET).name].result
    assert (failed.message, failed.type) == ("refused", "failed")
    assert "next: sign in again" in failed.text
    (person,) = cases["trial", Ended("trial", CODAT_KEYS).name].result
    assert person.type == "needs_person" and "Card\nClick." in person.text
    (left_out,) = cases["trial", Ended("trial", ENABLE_INTEGRATION).name].result
    assert isinstance(left_out, junitparser.Skipped) and "not run" in left_out.message
    assert cases["trial", Ended("trial", REGISTER_APPLICATION).name].is_passed
    assert read.time == pytest.approx(9.25)


def test_what_xml_cannot_hold_is_spelled_out(tmp_path: Path) -> None:
    """Whatever a service said, the file can be read, and nothing of it steers a terminal."""
    said = 'a\x00b\x1b[31m <b>&"quoted"]]> \u202e \ud800 \uffff end'
    content = junit([Ended("trial", START_HERE, State.FAILED, 0.1, said, said, said)], "Batch")
    root = ET.fromstring(content)
    check_shape(root)
    failure = root.find(".//failure")
    assert failure is not None and failure.text is not None
    assert r"\ud800 \uffff end" in failure.text
    assert r"a\x00b\x1b[31m <b>&" in failure.text and "\u202e" not in failure.text


@pytest.mark.scrubs
def test_a_secret_is_in_no_report() -> None:
    """What a text from outside may hold is masked."""
    secret = "Abc8Q~" + "abcdefghij0123456789ABCDEFGHIJabcd"
    content = junit(
        [Ended("trial", START_HERE, State.FAILED, 0.1, f"got {secret}", secret)], "Batch"
    )
    assert secret.encode() not in content
