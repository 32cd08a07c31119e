#!/usr/bin/env bash
# @microsoft/microsoft-graph-client 3.0.7 (JavaScript): a filter with `&`, `#` or `+` in it reaches the
# service as another one.
#
# `filter()`, `search()`, `select()` and `query()` put their texts into the address as they are, and what
# `fetch` does to it afterwards codes blanks and quotation marks, but none of the signs that divide an
# address. So a name such as "R&D" ends the filter at its `&`, and the rest is a parameter of its own;
# with a `#` all that follows is not sent at all, the other options included (a `select` is gone, and
# with it a `top`); a `+` is read as a blank. A service that is strict refuses the first two; "A+B" is
# answered with what is called "A B", or with nothing, and nobody is told. Who codes the value before
# with encodeURIComponent gets what was meant.
#
# Needs Node.js with npm. A server on this machine notes what it is asked, as it reads the address.
# Seen on 2026-11-29, Node.js 20.20:
#   R&D: $filter=[displayName eq 'R] $select=[id] D'=[]
#   C#: $filter=[displayName eq 'C]
#   A+B: $filter=[displayName eq 'A B'] $select=[id]
#   R&D, coded before: $filter=[displayName eq 'R&D'] $select=[id]
#
# Fails when any of the four lines differs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-save --no-audit --no-fund --prefix "$folder" \
  @microsoft/microsoft-graph-client@3.0.7 >npm.log 2>&1
cat > ask.mjs <<'JS'
import http from "node:http";
import { Client } from "@microsoft/microsoft-graph-client";

const asked = [];
const server = http.createServer((request, answer) => {
  const { searchParams } = new URL(request.url, "http://here");
  asked.push([...searchParams].map(([name, value]) => `${name}=[${value}]`).sort().join(" "));
  answer.setHeader("Content-Type", "application/json");
  answer.end('{"value": []}');
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const graph = Client.init({
  baseUrl: `http://127.0.0.1:${server.address().port}/`,
  authProvider: (done) => done(null, "none"),
});
const names = ["R&D", "C#", "A+B"];
for (const name of names) {
  await graph.api("/applications").filter(`displayName eq '${name}'`).select("id").get();
}
const coded = encodeURIComponent("R&D");
await graph.api("/applications").filter(`displayName eq '${coded}'`).select("id").get();
[...names, "R&D, coded before"].forEach((name, n) => console.log(`${name}: ${asked[n]}`));
server.close();
JS
node ask.mjs | tee said.txt
diff said.txt - <<'SEEN'
R&D: $filter=[displayName eq 'R] $select=[id] D'=[]
C#: $filter=[displayName eq 'C]
A+B: $filter=[displayName eq 'A B'] $select=[id]
R&D, coded before: $filter=[displayName eq 'R&D'] $select=[id]
SEEN
