#!/usr/bin/env bash
# httpx 0.28.1: `import httpx` reads rich, Pygments and click wherever they happen to be installed.
#
# httpx has a command line as an extra, httpx[cli]. Its package imports that module at the end and
# takes a failure for "not asked for". A program that depends on typer, or on anything else that
# brings click and rich along, has therefore asked for it without knowing: each process that imports
# httpx to send a request reads the terminal's libraries as well, most of what the import takes.
#
# Nothing is sent.
#
# Seen on 2026-11-30, CPython 3.11:
#   httpx alone: click False, rich False, pygments False
#   beside typer: click True, rich True, pygments True
#   more than half as many modules again: True
#
# Fails when any of the three lines differs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet httpx==0.28.1 2>/dev/null
cat > imported.py <<'PY'
import sys

before = set(sys.modules)
import httpx  # noqa: F401

read = {name.partition(".")[0] for name in sys.modules}
print(f"{sys.argv[1]}:", ", ".join(f"{one} {one in read}" for one in ("click", "rich", "pygments")))
with open(sys.argv[2], "w") as file:
    file.write(str(len(set(sys.modules) - before)))
PY
venv/bin/python imported.py "httpx alone" alone.txt | tee said.txt
venv/bin/pip install --quiet typer==0.29.2 click==8.5.1 rich==15.0.0 pygments==2.21.0 2>/dev/null
venv/bin/python imported.py "beside typer" beside.txt | tee -a said.txt
python3 - <<'PY' | tee -a said.txt
few, many = (int(open(f"{name}.txt").read()) for name in ("alone", "beside"))
print("more than half as many modules again:", many > 1.5 * few)
PY
diff said.txt - <<'SEEN'
httpx alone: click False, rich False, pygments False
beside typer: click True, rich True, pygments True
more than half as many modules again: True
SEEN
