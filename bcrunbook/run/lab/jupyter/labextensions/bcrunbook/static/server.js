// What the program's own addresses answer.

const config = JSON.parse(document.getElementById("jupyter-config-data").textContent);

export function address(path) {
  return config.baseUrl + path;
}

async function ask(path, options = {}) {
  const headers = { "Content-Type": "application/json" };
  const xsrf = /\b_xsrf=([^;]*)/.exec(document.cookie);
  if (xsrf) headers["X-XSRFToken"] = xsrf[1];
  if (config.token) headers.Authorization = `token ${config.token}`;
  return fetch(address(path), { headers, cache: "no-store", ...options });
}

// What the bar shows; null if that is the same version still.
export async function bar(front, version) {
  const answer = await ask(`bcrunbook/bar?${new URLSearchParams({ ...front, version })}`);
  if (answer.status === 204) return null;
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

// Why a choice was not kept; empty if it was.
export async function choose(what, name, front) {
  const body = JSON.stringify({ what, name, ...front });
  try {
    const answer = await ask("bcrunbook/choice", { method: "POST", body });
    return (await answer.json()).refused ?? "That was not kept: try again.";
  } catch {
    return "JupyterLab's server does not answer, so that was not kept.";
  }
}

// Whether a notebook asks before it writes.
export async function asksFirst(notebook) {
  const answer = await ask(`bcrunbook/asks-first?${new URLSearchParams({ notebook })}`);
  return answer.ok && (await answer.json()).asks_first;
}
