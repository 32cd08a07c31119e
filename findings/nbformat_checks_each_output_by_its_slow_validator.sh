#!/usr/bin/env bash
# nbformat 5.11.1: the fast validator is chosen, and each new output is checked by the slow one.
#
# nbformat compiles the notebook's schema with fastjsonschema and says that this is its current
# validator. It is asked about whole notebooks only. Whatever makes a part (new_output, new_code_cell,
# output_from_msg) has that part checked against one definition within the schema; a compiled schema
# cannot do that, so jsonschema walks the schema instead, though NBFORMAT_VALIDATOR names the other.
# nbclient and papermill make each output by output_from_msg: in a run of many short cells it is one
# of the larger costs that are not the cells' own.
#
# Nothing is executed: the outputs are made from a message like a kernel's.
#
# Seen on 2026-11-30, CPython 3.11:
#   current validator: fastjsonschema
#   a whole notebook: checked by jsonschema 0 times
#   new_code_cell: checked by jsonschema 1 times
#   new_output: checked by jsonschema 1 times
#   output_from_msg: checked by jsonschema 1 times
#
# Fails when any of the five lines differs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet nbformat==5.11.1 fastjsonschema==2.22.3 jsonschema==4.26.0 2>/dev/null
cat > checked.py <<'PY'
import nbformat
from nbformat import json_compat, v4

asked = []
slow = json_compat.JsonSchemaValidator.iter_errors


def counted(self, data, schema=None):
    asked.append(schema)
    return slow(self, data, schema)


json_compat.JsonSchemaValidator.iter_errors = counted
print("current validator:", json_compat.get_current_validator().name)


def show(what, make):
    asked.clear()
    made = make()
    print(f"{what}: checked by jsonschema {len(asked)} times")
    return made


book = v4.new_notebook(cells=[v4.new_code_cell("1 + 1")])
show("a whole notebook", lambda: nbformat.validate(book))
show("new_code_cell", lambda: v4.new_code_cell("1 + 1"))
show("new_output", lambda: v4.new_output("stream", name="stdout", text="2\n"))
message = {
    "header": {"msg_type": "stream"},
    "content": {"name": "stdout", "text": "2\n"},
}
show("output_from_msg", lambda: v4.output_from_msg(message))
PY
env -u NBFORMAT_VALIDATOR venv/bin/python checked.py | tee said.txt
diff said.txt - <<'SEEN'
current validator: fastjsonschema
a whole notebook: checked by jsonschema 0 times
new_code_cell: checked by jsonschema 1 times
new_output: checked by jsonschema 1 times
output_from_msg: checked by jsonschema 1 times
SEEN
