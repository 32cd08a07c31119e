"""The page where a person types in a device code and signs in for a program elsewhere."""

from __future__ import annotations

from html import escape

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.entra import device, interactive, scopes
from bcrunbook.rehearsal.entra.authority import find_authority
from bcrunbook.rehearsal.entra.clients import find_client
from bcrunbook.rehearsal.entra.errors import SignInError
from bcrunbook.rehearsal.entra.pages import browser_path, message_page, page
from bcrunbook.rehearsal.messages import Answer, Call


def answer(cloud: RehearsalCloud, call: Call) -> Answer:
    """Serve one stop: the code, then signing in, then the end."""
    fields = {**call.params, **(call.form if call.method == "POST" else {})}
    action = browser_path(cloud, call)
    shown = fields.get("otc") or fields.get("user_code", "")
    if not shown:
        return _code_page(action)
    found = device.find(cloud, shown)
    if found is None:
        return _code_page(action, problem="That code did not work. Check the code and try again.")
    code, flow = found
    try:
        authority = find_authority(flow["authority"])
        client = find_client(cloud, flow["client"], authority)
        requested = (
            scopes.of_resource(flow["resource"])
            if flow["resource"]
            else scopes.parse(flow["scope"])
        )
        visit = interactive.Visit(action, {**fields, "otc": shown})
        user = interactive.signed_in(cloud, authority, client, requested, visit)
    except SignInError as problem:
        if problem.code in (65004, 90094):
            device.decline(cloud, code, flow)
        text = f"AADSTS{problem.code}: {problem.message}"
        return message_page("Sorry, we could not sign you in", text, status=400, problem=True)
    if isinstance(user, Answer):
        return user
    device.approve(cloud, code, flow, user)
    return message_page(
        client.name,
        f"You have signed in to the {client.name} application on your device. You may now close "
        "this window.",
    )


def _code_page(action: str, *, problem: str = "") -> Answer:
    alert = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    return page(
        "Enter code",
        f"""<p>Enter the code that the program or device shows.</p>
{alert}
<form method="post" action="{escape(action)}">
<label for="otc">Code</label>
<input id="otc" name="otc" autocomplete="off" autocapitalize="characters" required autofocus>
<div class="row"><button class="main" type="submit">Next</button></div>
</form>""",
    )
