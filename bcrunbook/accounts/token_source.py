"""Which platform gives the token that an application proves itself with, as `token_from` says it.

github                   the job's own token of GitHub Actions
github:HOST              the same from a server of your own, at HOST or below it
azure-pipelines:ID       that of an Azure Pipelines service connection, by its id
env:NAME                 a variable that the platform sets, as GitLab does
managed-identity         the one managed identity of the Azure machine that this runs on
managed-identity:ID      one of several, by its client id
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bcrunbook.accounts.forms import DOMAIN, GUID
from bcrunbook.secrets.names import VARIABLE

GITHUB: Final = "github"
AZURE_PIPELINES: Final = "azure-pipelines"
ENVIRONMENT: Final = "env"
MANAGED_IDENTITY: Final = "managed-identity"

FORMS: Final = (
    '"github", "github:HOST" for a server of your own, "azure-pipelines:ID" with the service'
    ' connection\'s id, "env:NAME", "managed-identity" or "managed-identity:CLIENT_ID"'
)

# What may follow each, behind a colon; an empty text where nothing has to.
_REST: Final = {
    GITHUB: re.compile(rf"|{DOMAIN}"),
    AZURE_PIPELINES: re.compile(GUID),
    ENVIRONMENT: VARIABLE,
    MANAGED_IDENTITY: re.compile(rf"|{GUID}"),
}
# The platforms' own variables with what proves a job to them.
_PROOFS: Final = {GITHUB: "ACTIONS_ID_TOKEN_REQUEST_TOKEN", AZURE_PIPELINES: "SYSTEM_ACCESSTOKEN"}


@dataclass(frozen=True, slots=True)
class TokenSource:
    """Where a federated token comes from; prints as it stands in the file.

    Args:
        platform: one of the words above, before the colon.
        rest: what stands behind it, if anything.
    """

    platform: str
    rest: str = ""

    @classmethod
    def parse(cls, text: str) -> TokenSource:
        """Read `token_from`.

        Raises:
            ValueError: it is none of the forms.
        """
        platform, colon, rest = text.strip().partition(":")
        form = _REST.get(platform)
        if form is None or not form.fullmatch(rest) or (colon and not rest):
            raise ValueError("not a source of tokens")
        return cls(platform, rest)

    @property
    def variable(self) -> str:
        """The environment variable that holds a secret of this source; empty where none does."""
        return self.rest if self.platform == ENVIRONMENT else _PROOFS.get(self.platform, "")

    def __str__(self) -> str:
        return f"{self.platform}:{self.rest}" if self.rest else self.platform
