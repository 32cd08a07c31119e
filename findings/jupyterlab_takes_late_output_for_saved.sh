#!/usr/bin/env bash
# JupyterLab 4.6.6: an output that arrives while a notebook is being saved is taken for saved with it.
#
# Saving takes a copy of the notebook, sends it, and when the answer has come clears the mark for unsaved
# changes. What a cell has printed between the copy and the answer is not in the file, yet nothing is left
# to say so: no mark in the tab, nothing for the autosave to do, no question when the page is closed. It
# gets into the file only if something else changes the notebook later. With a slow or distant server, or a
# cell that prints in bursts, the window is wide.
#
# Here the request that saves is held back, a second cell is run, and the request is let go. Needs
# Debian's chromium on the PATH (or CHROMIUM). Seen on 2026-11-29, CPython 3.11, Chromium 156:
#   on the page: early late
#   marked as unsaved: no
#   in the file, after three autosaves: early
#
# Fails when any of the three lines differs.
set -euo pipefail
chromium=${CHROMIUM:-$(command -v chromium)}
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet jupyterlab==4.6.6 ipykernel==7.4.0 playwright==1.58.0 2>/dev/null
export HOME="$folder" PATH="$folder/venv/bin:$PATH"
mkdir root settings
cat > make.py <<'PY'
import json

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
cells = [new_code_cell("print('early')"), new_code_cell("print('l' + 'ate')")]
nbformat.write(new_notebook(cells=cells, metadata=kernel), "root/two.ipynb")
with open("settings/overrides.json", "w") as file:
    json.dump({"@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 2}}, file)
PY
cat > look.py <<'PY'
import json
import sys
import time

from playwright.sync_api import expect, sync_playwright

port, chromium = sys.argv[1:]
url = f"http://127.0.0.1:{port}/doc/tree/two.ipynb?reset&token=here"
held = []


def hold(route):
    if route.request.method == "PUT" and not held:
        held.append(route)
    else:
        route.continue_()


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    page = browser.new_page()
    page.set_default_timeout(60_000)
    for _ in range(120):
        try:
            page.goto(url)
            break
        except Exception:
            time.sleep(0.5)
    prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
    outputs = page.locator(".jp-OutputArea-output pre")
    prompts.first.click()
    page.keyboard.press("Control+Enter")
    expect(outputs).to_have_text(["early"], timeout=60_000)
    page.route("**/api/contents/**", hold)
    with page.expect_request(lambda one: one.method == "PUT"):
        page.keyboard.press("Control+s")
    prompts.nth(1).click()
    page.keyboard.press("Control+Enter")
    expect(outputs).to_have_text(["early", "late"], timeout=60_000)
    # Whatever else a cell changes while it runs is over when its prompt has a number.
    expect(prompts.nth(1)).to_have_text("[2]:", timeout=60_000)
    page.wait_for_timeout(1_000)
    held[0].continue_()
    page.wait_for_timeout(7_000)
    print("on the page:", *" ".join(outputs.all_inner_texts()).split())
    is_dirty = page.locator(".jp-mod-dirty").count()
    print("marked as unsaved:", "yes" if is_dirty else "no")
    with open("root/two.ipynb") as file:
        cells = json.load(file)["cells"]
    texts = ["".join(out["text"]).strip() for cell in cells for out in cell["outputs"]]
    print("in the file, after three autosaves:", *texts)
    browser.close()
PY
venv/bin/python make.py
port=$(venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
venv/bin/jupyter lab --no-browser --allow-root --port="$port" --IdentityProvider.token=here \
  --ServerApp.root_dir="$folder/root" --LabApp.app_settings_dir="$folder/settings" >server.log 2>&1 &
server=$!
timeout 240 venv/bin/python look.py "$port" "$chromium" | tee said.txt
diff said.txt - <<'SEEN'
on the page: early late
marked as unsaved: no
in the file, after three autosaves: early
SEEN
