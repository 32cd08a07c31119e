"""One list numbers the steps: what is put in the middle of it renumbers everything else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    CODAT_KEYS,
    ORDER,
    UPKEEP,
    notebook_name,
    ref,
    ref_with_id,
    section_in_notebook,
)

ROOT = Path(__file__).resolve().parent.parent

STEP = '''"""Whether a colleague has looked at the secret's end."""

from __future__ import annotations

from typing import Any, ClassVar

from bcrunbook.core.step import Change, Findings, PersonsStep
from bcrunbook.order import CLIENT_SECRET, SECOND_LOOK
from bcrunbook.steps.description import StepDescription


class SecondLook(PersonsStep):
    """Looks at nothing."""

    id: ClassVar[str] = SECOND_LOOK
    title: ClassVar[str] = "Have a second look"
    needs: ClassVar[tuple[str, ...]] = (CLIENT_SECRET,)
    description: ClassVar[StepDescription] = StepDescription("1 min", checked_as="Second look")

    async def examine(self, context: Any) -> Findings:
        """Nothing."""
        return Findings()

    def plan(self, findings: Findings) -> tuple[Change, ...]:
        """Nothing."""
        return ()
'''

SHOWN = """
import json
from bcrunbook import aadsts
from bcrunbook.errors import FixInput
from bcrunbook.run.batch.selection import OF_ACCOUNTS
from bcrunbook.steps import EVERY_STEP, STEPS, notebook_of, step_named
from bcrunbook.steps.instance import check_instance
from bcrunbook.accounts import Account
from bcrunbook.services.codat.models import Profile

account = Account.model_construct(name="trial", codat_instance="A", codat_api_key=None)
try:
    check_instance(account, Profile.model_construct(name="B"))
except FixInput as error:
    refusal = error
print(json.dumps({
    "steps": [step.id for step in STEPS],
    "notebooks": [notebook_of(step) for step in EVERY_STEP],
    "of accounts": OF_ACCOUNTS,
    "checked": [step.id for step in step_named("health_check")._checked],
    "section": refusal.as_dict()["section"],
    "read": str(refusal),
    "advice": aadsts.linking_advice_in("AADSTS7000215").next,
}))
"""


def test_a_step_is_called_by_its_place_in_the_order() -> None:
    """Number, notebook and section are made of the id."""
    assert ref(CODAT_KEYS) == f"step {ORDER.index(CODAT_KEYS)}"
    assert ref(CLIENT_SECRET, API_PERMISSIONS) == "steps 2 and 3"
    assert ref_with_id(CODAT_KEYS) == "step 4 (codat_keys)"
    assert notebook_name(CODAT_KEYS) == "04_codat_keys"
    assert section_in_notebook("codat_keys#which-instance") == "04_codat_keys#which-instance"
    assert section_in_notebook("codat_keys") == "04_codat_keys"


def test_what_is_no_step_has_no_number() -> None:
    """A misspelt id is a mistake of the program's, found by its first test."""
    with pytest.raises(ValueError, match="not in"):
        ref("codat_key")


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one more step, between the secret and the permissions."""
    root = tmp_path_factory.mktemp("longer")
    for name in ("bcrunbook", "notebooks", "tests", "docs"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, root)

    # The new step's own files: module, test, notebook.
    (root / "bcrunbook" / "steps" / "second_look.py").write_text(STEP, "utf-8")
    (root / "tests" / "steps" / "test_second_look.py").write_text('"""None yet."""\n', "utf-8")
    pattern = (root / "notebooks" / f"{notebook_name('health_check')}.ipynb").read_text("utf-8")
    own = pattern.replace('\\"health_check\\"', '\\"second_look\\"')
    (root / "notebooks" / "second_look.ipynb").write_text(own, "utf-8")

    # The list, and where the step is made.
    change(
        root / "bcrunbook" / "order.py",
        ("API_PERMISSIONS: Final", 'SECOND_LOOK: Final = "second_look"\nAPI_PERMISSIONS: Final'),
        ("    API_PERMISSIONS,\n", "    SECOND_LOOK,\n    API_PERMISSIONS,\n"),
    )
    change(
        root / "bcrunbook" / "steps" / "__init__.py",
        (
            "from bcrunbook.steps.start_here",
            "from bcrunbook.steps.second_look import SecondLook\nfrom bcrunbook.steps.start_here",
        ),
        ("    ApiPermissions(),\n", "    ApiPermissions(),\n    SecondLook(),\n"),
    )
    run(root, "-m", "tests.tools.number_notebooks")
    return root


def change(file: Path, *pairs: tuple[str, str]) -> None:
    """Write something else instead of what stands there once."""
    text = file.read_text("utf-8")
    for before, after in pairs:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    file.write_text(text, "utf-8")


def run(root: Path, *words: str) -> str:
    """Run Python with the copy's packages; returns what it printed."""
    done = subprocess.run(
        [sys.executable, *words], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_step_in_the_middle_renumbers_those_after_it(longer: Path) -> None:
    """Numbers in texts, sections and notebooks' names follow, and so do all lists of steps."""
    shown = json.loads(run(longer, "-c", SHOWN))
    expected = [*ORDER[:3], "second_look", *ORDER[3:]]
    assert shown["steps"] == expected
    assert shown["notebooks"] == [
        f"{at:02d}_{step}.ipynb" for at, step in enumerate((*expected, *UPKEEP))
    ]
    assert shown["of accounts"] == expected[:7]
    assert shown["checked"][2] == "second_look"
    assert shown["section"] == "05_codat_keys#which-instance"
    assert shown["read"].endswith("read:  05_codat_keys#which-instance")
    assert shown["advice"].startswith("step 5 (codat_keys) again")


def test_notebooks_and_pages_follow(longer: Path) -> None:
    """Files, headings, what their texts call other steps, and the README's table."""
    names = [path.name for path in sorted((longer / "notebooks").glob("*.ipynb"))]
    assert names == json.loads(run(longer, "-c", SHOWN))["notebooks"]
    for number, name in enumerate(names):
        cells = json.loads((longer / "notebooks" / name).read_text("utf-8"))["cells"]
        assert "".join(cells[0]["source"]).startswith(f"# {number}. "), name
    keys = (longer / "notebooks" / "05_codat_keys.ipynb").read_text("utf-8")
    assert "the client id from step 1 and the client secret from step 2" in keys
    assert "or do it in step 6." in keys
    readme = (longer / "README.md").read_text("utf-8")
    for number, name in re.findall(r"^\| (\d+) \| .*notebooks/(\w+)\.ipynb", readme, re.M):
        assert name.startswith(f"{int(number):02d}_"), name
    assert not re.findall(r"\b04_codat_keys\b", readme)


def test_nothing_else_has_to_change(longer: Path) -> None:
    """The structure's own tests pass on the copy: nothing else knows how many steps there are."""
    quiet = ("-q", "-n", "0", "-p", "no:cacheprovider")
    run(longer, "-m", "pytest", *quiet, "tests/test_structure.py", "tests/test_aadsts.py")
