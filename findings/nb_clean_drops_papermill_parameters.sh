#!/usr/bin/env bash
# nb-clean 5.0.0 and papermill 2.7.0: a cleaned notebook runs with its own defaults, and exits with 0.
#
# papermill finds the cell with a notebook's defaults by the tag `parameters` in the cell's metadata.
# `nb-clean clean`, with its default options, empties the metadata of every cell. papermill then puts
# the given values on top of the notebook, above the defaults, which overwrite them. It prints one
# warning that the tag is missing, and ends with exit code 0: what ran is not what was asked for.
# nbstripout 0.9.1, with its default options, keeps the tag, and the given value is used.
#
# Seen on 2026-11-28, CPython 3.11:
#   plain:      account is asked
#   nb-clean:   account is default   (exit code 0)
#   nbstripout: account is asked
#
# Fails when any of the three lines differs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet nb-clean==5.0.0 papermill==2.7.0 nbstripout==0.9.1 ipykernel==7.4.0 2>/dev/null
cat > make.py <<'PY'
import nbformat
from nbformat.v4 import new_code_cell, new_notebook

cells = [
    new_code_cell('account = "default"', metadata={"tags": ["parameters"]}),
    new_code_cell('print("account is", account)'),
]
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
for name in ("plain", "nb-clean", "nbstripout"):
    nbformat.write(new_notebook(cells=cells, metadata=kernel), f"{name}.ipynb")
PY
cat > said.py <<'PY'
import sys

import nbformat

cells = nbformat.read(sys.argv[1], as_version=4).cells
print("".join(o.get("text", "") for c in cells for o in c.get("outputs", ())).strip())
PY
venv/bin/python make.py
venv/bin/nb-clean clean nb-clean.ipynb
venv/bin/nbstripout nbstripout.ipynb
status=0
expect() {
  venv/bin/papermill "$1.ipynb" out.ipynb -p account asked 2>"$1.log"
  said=$(venv/bin/python said.py out.ipynb)
  echo "$1: $said"
  [ "$said" = "$2" ] || status=1
}
export PATH="$folder/venv/bin:$PATH"
expect plain "account is asked"
expect nb-clean "account is default"
expect nbstripout "account is asked"
grep -h "does not contain a cell with tag" nb-clean.log || status=1
exit $status
