"""Pin what was tested: `uv run poe pins`.

Resolves the newest versions that pyproject.toml allows and writes them, by name and version alone,
into its `constraint-dependencies` and into environment.yml. uv.lock itself stays out of git.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "pyproject.toml"
ENVIRONMENT = ROOT / "environment.yml"

OVERRIDES = """\
# jsonschema tries this optional package for one format that nobody here uses. It builds a parser
# when imported: 2 of the 4 seconds that importing papermill took.
override-dependencies = ["rfc3987-syntax ; python_version < '3'"]
"""

ENVIRONMENT_HEAD = """\
# The same environment for conda users:
#   conda env create -f environment.yml && conda activate bcrunbook
# The packages come from PyPI by pip, in the versions that pyproject.toml pins.
name: bcrunbook
channels:
  - conda-forge
dependencies:
  - python>=3.11
  - pip
  - pip:
      - -e .
"""


def locked() -> dict[str, str]:
    """Name to version, as uv resolves them; the lower one where Python versions differ."""
    subprocess.run(["uv", "lock", "--upgrade", "--quiet"], cwd=ROOT, check=True)
    packages = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
    found: dict[str, str] = {}
    for package in packages:
        if package["name"] != "bcrunbook":
            found[package["name"]] = min(
                package["version"], found.get(package["name"], package["version"]), key=_order
            )
    return dict(sorted(found.items()))


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def set_constraints(pins: dict[str, str]) -> None:
    """Write the pins into pyproject.toml."""
    text = PROJECT.read_text("utf-8")
    text = re.sub(r"\n\[tool\.uv\]\n.*?(?=\n\[|\Z)", "", text, flags=re.DOTALL).rstrip("\n")
    lines = "\n".join(f'  "{name}=={version}",' for name, version in pins.items())
    text += (
        "\n\n[tool.uv]\n# What was tested; both commands of the README install exactly this."
        f" Written by tests/tools/pin.py.\nconstraint-dependencies = [\n{lines}\n]\n{OVERRIDES}"
    )
    PROJECT.write_text(text, "utf-8")


def write_environment() -> None:
    """Write environment.yml: everything installed, with the markers of other platforms."""
    export = [
        *("uv", "export", "--quiet", "--format", "requirements-txt", "--no-hashes"),
        *("--no-annotate", "--no-header", "--no-emit-project"),
    ]
    exported = subprocess.run(export, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    lines = "".join(f'      - "{line}"\n' for line in exported.splitlines() if line.strip())
    ENVIRONMENT.write_text(ENVIRONMENT_HEAD + lines, "utf-8")


def main() -> None:
    """Drop the old pins, resolve, write the new ones."""
    set_constraints({})
    pins = locked()
    set_constraints(pins)
    subprocess.run(["uv", "lock", "--quiet"], cwd=ROOT, check=True)
    write_environment()
    print(f"{len(pins)} packages pinned")


if __name__ == "__main__":
    main()
