"""How steps ended as JUnit XML, the form in which a pipeline's server shows results.

The elements and attributes are those that GitLab, Jenkins and Azure Pipelines read all three:
GitLab knows a case by `classname` and `name`, and Jenkins wants the counts on each suite.

Source: GitLab Docs, "Unit test reports"; the schema of Jenkins' xUnit plug-in, junit-10.xsd; Azure
Pipelines, "PublishTestResults@2".
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from bcrunbook.core.step import PASSED, State
from bcrunbook.run.ended import Ended

_FAILURES: Final = (State.FAILED, State.NEEDS_PERSON)


def junit(ended: Sequence[Ended], title: str) -> bytes:
    """The file's content: a suite for each account and customer, a case for each step.

    What failed or needs a person is a failure. What waits, has changes pending or was not run is
    skipped: nothing is wrong with it, and nothing was shown to be right.

    Args:
        ended: how each step ended, those of one account or customer together.
        title: what the whole is called.
    """
    root = ET.Element("testsuites", {"name": title, **_counts(ended)})
    for who, of_one in groupby(ended, key=lambda one: one.who):
        cases = list(of_one)
        suite = ET.SubElement(root, "testsuite", {"name": who, **_counts(cases)})
        for one in cases:
            _case(suite, one)
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _case(suite: ET.Element, one: Ended) -> None:
    seconds = f"{one.seconds:.3f}"
    case = ET.SubElement(suite, "testcase", classname=one.who, name=one.name, time=seconds)
    if one.state in _FAILURES:
        failure = ET.SubElement(case, "failure", message=one.summary, type=str(one.state))
        failure.text = one.told
    elif one.state not in PASSED:
        said = f"{one.label}: {one.summary}" if one.summary else one.label
        ET.SubElement(case, "skipped", message=said)


def _counts(ended: Sequence[Ended]) -> dict[str, str]:
    failures = sum(one.state in _FAILURES for one in ended)
    passed = sum(one.state in PASSED for one in ended)
    return {
        "tests": str(len(ended)),
        "failures": str(failures),
        "errors": "0",
        "skipped": str(len(ended) - failures - passed),
        "time": f"{sum(one.seconds for one in ended):.3f}",
    }
