"""What Business Central says while an extension is installed (contract B4.6, B8.3, B9.14 and B11).

Source: Microsoft Learn, "Troubleshooting OData/API calls" and "Business Central Admin Center API";
AL source of the automation API for the states of a deployment.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.aadsts import Advice

_PASSES: Final = "wait: it is looked at again, and passes by itself"
_NOTHING: Final = "nothing: it proves nothing alone, and the list of extensions decides"
_ADMINISTRATOR: Final = "an administrator of that Business Central"
_NO_ENVIRONMENT: Final = Advice(
    "Business Central: the tenant has no environment of that name, or it is hidden from this"
    " sign-in",
    "compare the customer's environment in accounts.toml with the names that the message tells",
)
_WRONG_NAME: Final = Advice(
    "Business Central: the app, operation or version that was asked for is not there, or is hidden",
    "report this with the request id",
)
_GOES_BACK: Final = Advice(
    "an environment of Business Central: it is not ready for use yet", _PASSES
)

ENVIRONMENTS: Final[dict[str, Advice]] = {
    "Active": Advice("an environment of Business Central: it can be used", "nothing"),
    "NotReady": _GOES_BACK,
    "Preparing": _GOES_BACK,
    "Recovering": _GOES_BACK,
    "Upgrading": Advice(
        "an environment of Business Central: the platform is being updated, and data and extensions"
        " are away meanwhile",
        "wait: the installation is followed on, however long that takes",
    ),
    **dict.fromkeys(
        ("SoftDeleting", "SoftDeleted", "SoftDeletingFailed", "Removing", "RemovingFailed"),
        Advice(
            "an environment of Business Central: it was deleted, or is about to be",
            "ask which environment holds the books now, and name it in accounts.toml",
            _ADMINISTRATOR,
        ),
    ),
    **dict.fromkeys(
        ("CreatingFailed", "RecoveringFailed"),
        Advice(
            "an environment of Business Central: it could not be made, or not be brought back",
            "look at it in the Business Central admin centre",
            _ADMINISTRATOR,
        ),
    ),
}
"""States of an environment. They do not pass by themselves unless it is said."""

DEPLOYMENTS: Final[dict[str, Advice]] = {
    "InProgress": Advice(
        "a deployment in Business Central: an extension is being installed",
        "wait: 10 to 20 minutes are usual",
    ),
    "Completed": Advice("a deployment in Business Central has ended", _NOTHING),
    "NotFound": Advice(
        "a deployment in Business Central is not found; such have been installed all the same",
        _NOTHING,
    ),
    "running": Advice("an operation of Business Central goes on", _PASSES),
    "scheduled": Advice(
        "an operation of Business Central waits for its update window, which may be days away",
        "nothing, or start it in the Business Central admin centre",
        _ADMINISTRATOR,
    ),
    "succeeded": Advice("an operation of Business Central has ended well", "nothing"),
    "canceled": Advice("an operation of Business Central was broken off", _NOTHING),
    "skipped": Advice("an operation of Business Central was left out", _NOTHING),
}
"""States of a deployment, and of an operation in the admin centre's log."""

ERRORS: Final[dict[str, Advice]] = {
    **dict.fromkeys(
        ("BadRequest_NotFound", "BadRequest_ResourceNotFound"),
        Advice(
            "Business Central: the address is not there; while an extension is being installed this"
            " is expected, as descriptions are rebuilt",
            "nothing while it is installed; otherwise compare environment and company in"
            " accounts.toml",
        ),
    ),
    "Authentication_InvalidCredentials": Advice(
        "Business Central: the sign-in is unknown there, disabled or without a licence, or its"
        " token is meant for something else",
        "have the account given a licence, or sign in as somebody who has one",
        _ADMINISTRATOR,
    ),
    "Unauthorized": Advice(
        "Business Central: the sign-in was not accepted",
        "sign in as somebody who may use that environment; what may not be read is told as unknown",
    ),
    "EnvironmentAppOperationFailed": Advice(
        "Business Central: the sign-in lacks the permission set inside the environment",
        "ask for the permission set EXTEN. MGT. - ADMIN",
        _ADMINISTRATOR,
    ),
    "Application_DialogException": Advice(
        "Business Central refused it in words of its own, mostly for lack of permissions",
        "read the message: it names what is missing",
        _ADMINISTRATOR,
    ),
    "NoEnvironment": _NO_ENVIRONMENT,
    "environmentNotFound": _NO_ENVIRONMENT,
    "Internal_CompanyNotFound": Advice(
        "Business Central: the company is wrong, or there is no default one",
        "compare the customer's company in accounts.toml with the name that Business Central shows",
    ),
    "Internal_TenantUnavailable": Advice(
        "Business Central: the tenant's database is not mounted, or is being moved", _PASSES
    ),
    "Internal_MetadataSyncError": Advice(
        "Business Central: the description of a table is not up to date", _PASSES
    ),
    "Internal_ServerError": Advice("Business Central: trouble of a database or server", _PASSES),
    "Application_ServiceUnavailable": Advice(
        "Business Central: the session was dropped, as happens when extensions change", _PASSES
    ),
    "applicationTypeDoesNotExist": _WRONG_NAME,
    "ResourceDoesNotExist": _WRONG_NAME,
    "EntityValidationFailed": Advice(
        "Business Central's admin centre: something else is needed first, or it is scheduled"
        " already",
        "read the message: it names the requirement",
        _ADMINISTRATOR,
    ),
}
"""Codes of errors."""
