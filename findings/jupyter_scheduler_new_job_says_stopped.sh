#!/usr/bin/env bash
# jupyter-scheduler 2.12.1: a job that was created a moment ago says that it is STOPPED.
#
# A job's status becomes IN_PROGRESS when the process that runs it has started, which takes a second or
# more. Until then GET /scheduler/jobs/{id} answers STOPPED, the same as for a job that somebody has
# stopped. There are the statuses CREATED and QUEUED, which nothing sets here. A client that polls until
# a job has ended, and takes STOPPED for an end, gives up on a job that is about to run.
#
# Seen on 2026-11-29, CPython 3.11:
#   at once: STOPPED
#   later: IN_PROGRESS
#   at last: COMPLETED
#
# Fails when any of the three lines differs.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet jupyter-scheduler==2.12.1 jupyter-server==2.20.0 ipykernel==7.4.0 2>/dev/null
export HOME="$folder" PATH="$folder/venv/bin:$PATH"
mkdir root
cat > make.py <<'PY'
import nbformat
from nbformat.v4 import new_code_cell, new_notebook

kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
cells = [new_code_cell("import time; time.sleep(5)")]
nbformat.write(new_notebook(cells=cells, metadata=kernel), "root/sleeps.ipynb")
PY
cat > ask.py <<'PY'
import json
import sys
import time
import urllib.request

BASE = f"http://127.0.0.1:{sys.argv[1]}/scheduler/"


def ask(path, data=None):
    body = None if data is None else json.dumps(data).encode()
    headers = {"Authorization": "token here", "Content-Type": "application/json"}
    request = urllib.request.Request(BASE + path, body, headers)
    return json.load(urllib.request.urlopen(request, timeout=60))


for _ in range(120):
    try:
        environments = ask("runtime_environments")
        break
    except OSError:
        time.sleep(0.5)
job = ask(
    "jobs",
    {
        "name": "sleeps",
        "input_uri": "sleeps.ipynb",
        "runtime_environment_name": environments[0]["name"],
        "output_formats": ["ipynb"],
    },
)["job_id"]
said = [ask(f"jobs/{job}")["status"]]
while said[-1] != "COMPLETED" and len(said) < 4:
    status = ask(f"jobs/{job}")["status"]
    if status != said[-1]:
        said.append(status)
    time.sleep(0.1)
for when, status in zip(("at once", "later", "at last", "further"), said):
    print(f"{when}: {status}")
PY
venv/bin/python make.py
port=$(venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
venv/bin/jupyter server --no-browser --allow-root --port="$port" --IdentityProvider.token=here \
  --ServerApp.root_dir="$folder/root" >server.log 2>&1 &
server=$!
timeout 120 venv/bin/python ask.py "$port" | tee said.txt
diff said.txt - <<'SEEN'
at once: STOPPED
later: IN_PROGRESS
at last: COMPLETED
SEEN
