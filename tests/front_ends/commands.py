"""Front ends that are commands: they are given a notebook, and leave it executed."""

from __future__ import annotations

import json
import re
from typing import Final

import nbformat
import yaml

from bcrunbook.order import CLIENT_SECRET, CODAT_KEYS, HEALTH_CHECK, START_HERE
from bcrunbook.run.papermill import read_outcome
from tests.front_ends.environments import ROOT
from tests.front_ends.world import BOTH, Place, Wrong

RECIPES: Final = ROOT / "docs" / "guide" / "schedulers.md"
"""What is run as it stands there."""

PAPERMILL_OPTIONS: Final = {
    "-p": (),
    "-y": (),
    "-f": (),
    "-b": (),
    "--engine bcrunbook": ("--engine", "bcrunbook"),
    "--inject-paths": ("--inject-paths",),
    "--inject-input-path, --inject-output-path": ("--inject-input-path", "--inject-output-path"),
    "--log-output, --report-mode": ("--log-output", "--report-mode"),
    "--cwd": ("--cwd", "."),
    "--autosave-cell-every, --execution-timeout": (
        *("--autosave-cell-every", "1"),
        *("--execution-timeout", "120"),
    ),
}
"""What papermill is given besides, by what it is called in the table."""


def papermill(place: Place) -> str:
    """Values with -r, up to a step that needs a person, which is no failure to papermill."""
    steps = (*BOTH, CLIENT_SECRET, CODAT_KEYS)
    return ", ".join(_papermill(place, step, _raw(place.values())) for step in steps)


def papermill_options(place: Place) -> str:
    """Each of its options that matters, in plan mode."""
    for name, words in PAPERMILL_OPTIONS.items():
        try:
            _papermill(place, START_HERE, [*_given(place, name), *words])
        except Wrong as wrong:
            raise Wrong(f"with {name}: {wrong}") from None
    return f"done with each of {len(PAPERMILL_OPTIONS)}"


def papermill_prepare(place: Place) -> str:
    """A notebook that was only prepared holds no outcome, of nobody's run."""
    target = place.folder / "prepared.ipynb"
    words = ["--prepare-only", *_raw(place.values("plan"))]
    place.run("papermill", place.notebook(START_HERE), target, *words)
    outputs = [one for cell in nbformat.read(target, 4).cells for one in cell.get("outputs", ())]
    if outputs:
        raise Wrong("a notebook that was only prepared shows something")
    return "no outcome"


def papermill_help(place: Place) -> str:
    """Type and meaning of each parameter."""
    told = place.run("papermill", "--help-notebook", place.notebook(START_HERE))
    if "Unknown type" in told or "accounts.toml" not in told:
        raise Wrong(told)
    return "types and meanings"


def nbconvert_execute(place: Place) -> str:
    """`jupyter nbconvert --to notebook --execute`."""
    said = []
    for step in BOTH:
        words = ["--to", "notebook", "--execute", "--output", f"{step}.ipynb"]
        place.run("jupyter", "nbconvert", *words, place.copy(step))
        said.append(place.judge(place.folder / f"{step}.ipynb", step))
    return ", ".join(said)


def nbconvert_script(place: Place) -> str:
    """`jupyter nbconvert --to script`: Python, with the prose."""
    place.run("jupyter", "nbconvert", "--to", "script", place.copy(START_HERE))
    script = next(place.folder.glob("*.py"), None)
    if script is None or "# ## What can go wrong" not in script.read_text("utf-8"):
        raise Wrong("there is no Python with the prose")
    return script.suffix


def jupyter_execute(place: Place) -> str:
    """`jupyter execute --inplace`."""
    copies = {step: place.copy(step) for step in BOTH}
    place.run("jupyter", "execute", "--inplace", *copies.values())
    return ", ".join(place.judge(copy, step) for step, copy in copies.items())


def nbmake(place: Place) -> str:
    """`pytest --nbmake --overwrite`."""
    copies = {step: place.copy(step) for step in BOTH}
    place.run("pytest", "--nbmake", "--overwrite", "-p", "no:cacheprovider", *copies.values())
    return ", ".join(place.judge(copy, step) for step, copy in copies.items())


def jupyter_cache(place: Place) -> str:
    """`jcache project execute`, and the outputs merged back."""
    (place.folder / "cache").mkdir()  # it asks whether to make one, otherwise
    said = []
    for step in BOTH:
        copy, merged = place.copy(step), place.folder / f"{step}.merged.ipynb"
        place.run("jcache", "notebook", "-p", "cache", "add", copy)
        place.run("jcache", "project", "-p", "cache", "execute", "--timeout", "120")
        place.run("jcache", "notebook", "-p", "cache", "merge", copy, merged)
        said.append(place.judge(merged, step))
    return ", ".join(said)


def jupytext(place: Place) -> str:
    """Paired as a script, and executed from that."""
    said = []
    for step in BOTH:
        script, executed = place.folder / f"{step}.py", place.folder / f"{step}.out.ipynb"
        place.run("jupytext", "--to", "py:percent", "--output", script, place.copy(step))
        place.run("jupytext", "--to", "ipynb", "--execute", "--output", executed, script)
        said.append(place.judge(executed, step))
    return ", ".join(said)


def ploomber_engine(place: Place) -> str:
    """`ploomber-engine`, which runs the cells in its own process."""
    said = []
    for step in BOTH:
        executed = place.folder / f"{step}.ipynb"
        words = [word for pair in place.values().items() for word in ("-p", *pair)]
        place.run("ploomber-engine", place.notebook(step), executed, *words)
        said.append(place.judge(executed, step))
    return ", ".join(said)


def airflow(place: Place) -> str:
    """`airflow dags test` with two tasks of PapermillOperator, one after the other."""
    dags = place.folder / "dags"
    dags.mkdir()
    out = {step: place.folder / f"{step}.ipynb" for step in BOTH}
    tasks = [(step, str(place.notebook(step)), str(out[step]), place.values()) for step in BOTH]
    (dags / "runbook.py").write_text(_DAG.format(tasks=tasks), "utf-8")
    home = {"AIRFLOW_HOME": str(place.folder), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    place.run("airflow", "db", "migrate", **home)
    place.run("airflow", "dags", "test", "runbook", "--dagfile-path", dags / "runbook.py", **home)
    return ", ".join(place.judge(out[step], step) for step in BOTH)


def airflow_recipe(place: Place) -> str:
    """`airflow dags test` with the file of the guide: it fails, as somebody is needed."""
    text = block_of("python")
    for name, value in (("WORKSPACE", str(place.workspace)), ("ACCOUNT", place.account)):
        text, count = re.subn(rf"^{name} = \".*?\"", f"{name} = {value!r}", text, flags=re.M)
        if count != 1:
            raise Wrong(f"the recipe does not name its {name} once")
    recipe = place.folder / "dags" / "codat.py"
    recipe.parent.mkdir()
    recipe.write_text(text, "utf-8")
    (place.workspace / "runs").mkdir(exist_ok=True)
    home = {"AIRFLOW_HOME": str(place.folder), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    place.run("airflow", "db", "migrate", **home)
    words = ("dags", "test", "codat_weekly_check", "--dagfile-path", recipe)
    done = place.end_of("airflow", *words, **home)
    executed = place.workspace / "runs" / f"airflow-{place.account}-check.ipynb"
    judged = place.judge(executed, HEALTH_CHECK)
    outcome = read_outcome(executed)
    told = " ".join((done.stdout + done.stderr).split())
    if outcome is None or f"{place.account}: {outcome.summary}" not in told:
        raise Wrong(f"Airflow does not tell what the outcome says: {told[-900:]}")
    return f"{judged}, told as a failure"


def block_of(language: str) -> str:
    """The one block of a language on the page of recipes."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", RECIPES.read_text("utf-8"), re.M | re.S)
    if len(found) != 1:
        raise Wrong(f"the page of recipes has {len(found)} blocks of {language}")
    return str(found[0])


_DAG: Final = '''"""The runbook's first steps."""
from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.sdk import DAG

with DAG("runbook", schedule=None):
    before = None
    for step, source, target, values in {tasks!r}:
        task = PapermillOperator(
            task_id=step, input_nb=source, output_nb=target, parameters=values
        )
        if before is not None:
            before >> task
        before = task
'''


def _papermill(place: Place, step: str, words: list[str]) -> str:
    target = place.folder / f"{step}.ipynb"
    target.unlink(missing_ok=True)
    place.run("papermill", place.notebook(step), target, *words)
    return place.judge(target, step)


def _raw(values: dict[str, str], option: str = "-r") -> list[str]:
    return [word for pair in values.items() for word in (option, *pair)]


def _given(place: Place, name: str) -> list[str]:
    """The parameters in plan mode, in the way that an option has it."""
    values = place.values("plan")
    match name:
        case "-p":
            return _raw(values, "-p")
        case "-y":
            return ["-y", yaml.safe_dump(values)]
        case "-f":
            file = place.folder / "values.yaml"
            file.write_text(yaml.safe_dump(values), "utf-8")
            return ["-f", str(file)]
        case "-b":
            import base64

            return ["-b", base64.b64encode(json.dumps(values).encode()).decode()]
        case _:
            return _raw(values)
