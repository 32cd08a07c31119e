"""The program's own words: how a step ends, what a finding says, modes, verdicts, exit codes."""

from __future__ import annotations

from typing import Final

from bcrunbook.aadsts import Advice
from bcrunbook.core.step import State
from bcrunbook.order import CODAT_KEYS, ref
from bcrunbook.steps.link_customer.findings import ADVICE
from bcrunbook.steps.link_customer.installation.verdict import Verdict
from bcrunbook.views.cells import STATE_WORDS

_PERSON: Final = "whom the card names"
_GO_ON: Final = "go on with the next step"

STATES: Final[dict[str, Advice]] = {
    State.DONE: Advice("everything is as it should be (exit code 0)", _GO_ON),
    State.CHANGED: Advice(
        "changes were applied, and a look afterwards shows them (exit code 0)", _GO_ON
    ),
    State.FAILED: Advice(
        "the step ended in an error (exit code 1, or 2 for wrong use or configuration); said of a"
        " deployment in Business Central it is only a suspicion, and is looked at again",
        "read the error in the output notebook or the report",
    ),
    State.NEEDS_PERSON: Advice(
        "a person has to act; the notebook says who and how (exit code 3)",
        "forward the card, then run again: what was done is noticed",
        _PERSON,
    ),
    State.WAITING: Advice(
        "a service, or another run, needs time (exit code 4)", "run again in a few minutes"
    ),
    State.PENDING: Advice(
        "plan mode found changes and made none (exit code 5)",
        "run again with --mode apply to make them, or press Apply in the notebook",
    ),
    "not run": Advice(
        "a step that it needs did not pass, so it was left out", "see to the earlier step first"
    ),
    "not run yet": Advice("the ledger knows of no run of this step", "run it"),
    "not begun": Advice(
        "the customer is named in accounts.toml, and nothing has been done for them yet",
        "run the customer's step when their time has come",
    ),
    "not enabled": Advice(
        "the integration is switched off in the Codat instance",
        f"save the keys first ({ref(CODAT_KEYS)}), then click its toggle in the Codat Portal",
        "somebody with the role Developer or Administrator in the Codat Portal",
    ),
    "parked": Advice(
        "a customer's extension is being installed: the batch follows it, and no process is held",
        "wait: it goes on by itself",
    ),
    "throttled": Advice("a service asked for a pause", "wait: it goes on by itself"),
}
"""How a step stands, in a table, a report or the bar."""

STATE_LABELS: Final[dict[str, str]] = {label: state for state, label in STATE_WORDS.items()}
"""What a person reads of a state, with the state."""

FINDINGS: Final[dict[str, Advice]] = {
    "ok": Advice("what was found is what is wanted", "nothing"),
    "differs": Advice(
        "what was found is not what is wanted: it is not there yet, or somebody changed it",
        "look at the plan: it says what would be changed, and by whom",
    ),
    "unknown": Advice(
        "it could not be looked at, which is never taken for absent; said of a deployment in"
        " Business Central, it has just begun",
        "read the row: it says why, and who can help",
    ),
    "not known": Advice(
        "it could not be looked at, which is never taken for absent",
        "read the row: it says why, and who can help",
    ),
    "note": Advice("it is worth knowing, and nothing has to be done", "nothing"),
    "info": Advice("it is worth knowing, and nothing has to be done", "nothing"),
    "not yet": Advice(
        "it is not there yet, and the plan says who makes it", "look at the plan, then press Apply"
    ),
    "create": Advice("the thing is made anew", "nothing: a plan says so before it is done"),
    "change": Advice("a value is set to another one", "compare the values before and after"),
    "delete": Advice("the thing is removed", "look whose it is before you apply"),
    "by a person": Advice(
        "no call does it, or this sign-in may not: a person clicks",
        "follow the card, or forward it",
        _PERSON,
    ),
}
"""What stands beside a row of findings, and beside a change of a plan."""

MODES: Final[dict[str, Advice]] = {
    "plan": Advice("the mode that shows what would be done, and writes nothing", "nothing"),
    "apply": Advice("the mode that makes the changes and reports the rest", "nothing"),
    "ask": Advice("the mode of a notebook with a person: it waits for the click", "press Apply"),
    "auto": Advice(
        "the mode that asks when somebody is there, applies in the rehearsal cloud, and only plans"
        " in the live one",
        "add --mode apply to write in the live cloud",
    ),
    "live": Advice("the cloud of Microsoft's and Codat's real services", "nothing"),
    "rehearsal": Advice(
        "the cloud that stands in for the real services on this machine: nothing real is touched",
        "nothing",
    ),
}
"""How far a run goes, and where."""

_MEANINGS: Final[dict[Verdict, str]] = {
    Verdict.NOT_LINKED: "the customer has not used the link, or not to its end",
    Verdict.LINK_FAILED: "the customer tried to link and met an error, which the row above quotes",
    Verdict.RELINK: "Codat has lost its access to the customer's Business Central",
    Verdict.CUT: "somebody cut the connection in Codat",
    Verdict.NOT_ALLOWED: "the customer has linked, and Codat lacks rights to read",
    Verdict.INSTALLING: "App Link is being put into the customer's Business Central",
    Verdict.SUSPECT: "Business Central reports a failure; such reports have been wrong",
    Verdict.HIDDEN: "the environment does not answer now, so nothing can be said",
    Verdict.CONFIRMING: "App Link was seen installed once; a second look and a read are due",
    Verdict.INSTALLED: "App Link was seen twice, and data can be read",
    Verdict.DATA_FLOWS: "Codat is linked and has synced; the extension itself may not be looked at",
    Verdict.NOT_FINISHED: "App Link is installed, and the link was not finished",
    Verdict.OLDER: "App Link is there in a lower version than was seen before",
    Verdict.UNINSTALLED: "App Link was there, and somebody has uninstalled it",
    Verdict.UNPUBLISHED: "App Link was there, and has been removed from the environment altogether",
    Verdict.UNCONFIRMED: "45 minutes have passed, and nothing proves it either way",
}
_CUSTOMERS: Final = frozenset(
    {
        Verdict.LINK_FAILED,
        Verdict.RELINK,
        Verdict.CUT,
        Verdict.NOT_FINISHED,
        Verdict.OLDER,
        Verdict.UNINSTALLED,
        Verdict.UNPUBLISHED,
    }
)


def _next(verdict: Verdict) -> str:
    """What the step itself says beside its verdict, as the other words have it."""
    advice = ADVICE.get(verdict, "Nothing: this is the good state.")
    return f"{advice[0].lower()}{advice[1:]}".removesuffix(".")


VERDICTS: Final[dict[str, Advice]] = {
    verdict.value: Advice(
        f"an installation: {meaning}",
        _next(verdict),
        "the customer" if verdict in _CUSTOMERS else "you",
    )
    for verdict, meaning in _MEANINGS.items()
}
"""How the installation of a customer's extension stands."""

EXIT_CODES: Final[dict[str, Advice]] = {
    "0": Advice("exit code: everything asked for is done", "nothing"),
    "1": Advice("exit code: something failed", "read the message: it says what to do next"),
    "2": Advice(
        "exit code: wrong use or configuration, and nothing was run for it",
        "correct the command or the file that the message names",
    ),
    "3": Advice(
        "exit code: a person has to act, or to sign in",
        "do what the card or the message says, then run again",
        _PERSON,
    ),
    "4": Advice("exit code: a service, or another run, needs time", "run again in a few minutes"),
    "5": Advice(
        "exit code: a plan found changes, and made none", "run again with --mode apply to make them"
    ),
    "130": Advice(
        "exit code: interrupted with Ctrl-C", "run again: what was done is found, and not repeated"
    ),
}
"""How a command ends."""
