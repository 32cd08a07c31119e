"""Which cloud a run talks to: the live one, or the rehearsal cloud on this machine.

The program always speaks the real URLs. The two clouds differ in three settings of the HTTP client,
the same three that a company network asks for: a proxy, a CA bundle, and the pace of waiting. In
both, an account may have a certificate to show to Codat.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from bcrunbook.accounts import Account, Workspace
from bcrunbook.core.pace import Pace
from bcrunbook.errors import FixInput
from bcrunbook.hosts import CODAT_HOST
from bcrunbook.skipped import dates


@dataclass(frozen=True)
class ClientCertificate:
    """What this program shows to a host that wants to know it by a certificate.

    Args:
        host: the host; no other one is shown it.
        certificate: a PEM file.
        private_key: a PEM file without a password; it is never named in a message.
        setting: the table of accounts.toml that names both.
    """

    host: str
    certificate: Path
    private_key: Path = field(repr=False)
    setting: str


@dataclass(frozen=True)
class Cloud:
    """Where requests go.

    Args:
        kind: `live` or `rehearsal`.
        proxy: URL of an HTTP proxy; None takes the environment's (`HTTPS_PROXY`, `ALL_PROXY`,
            `NO_PROXY`).
        ca: a PEM file of certificate authorities. For a rehearsal it is the only one trusted, live
            it is trusted beside the usual ones.
        strict_certificates: whether certificates have to be as this Python wants them.
        pace: how fast waits go.
        directory: the rehearsal cloud's folder; None when live.
        pages: where a browser finds the rehearsal cloud's pages; None when live.
        certificate: what one of the hosts is shown of ourselves; None where none wants it.
    """

    kind: Literal["live", "rehearsal"]
    proxy: str | None = None
    ca: Path | None = None
    strict_certificates: bool = True
    pace: Pace = field(default_factory=Pace)
    directory: Path | None = None
    pages: str | None = None
    certificate: ClientCertificate | None = None

    @property
    def is_live(self) -> bool:
        """Whether writes reach real tenants."""
        return self.kind == "live"

    def page(self, address: str) -> str:
        """Where a person's browser finds a page: it is not behind the rehearsal cloud's proxy."""
        return address if self.pages is None else f"{self.pages}/{address.partition('://')[2]}"


def cloud_of(workspace: Workspace, account: Account) -> Cloud:
    """The cloud that an account's runs talk to.

    Raises:
        FixInput: the account rehearses, and no rehearsal cloud is running where it should.
    """
    if account.cloud == "live":
        if dates.are_rehearsed():
            raise FixInput(
                "This process goes by the dates of a rehearsal, and this account is a live one.",
                where=f'account "{account.name}"',
                why="a secret that is made now would end on a wrong day",
                next="run it in a workspace of its own",
            )
        return Cloud(
            kind="live",
            proxy=workspace.network.proxy,
            ca=workspace.network.ca,
            strict_certificates=workspace.network.strict,
            certificate=_certificate_of(account),
        )
    if workspace.rehearsal is None:
        raise FixInput(
            f'The account "{account.name}" rehearses, but no rehearsal cloud is named.',
            where=f"{workspace.root / 'accounts.toml'}, [rehearsal] dir",
            next='add [rehearsal] with dir = "the folder given to bcrunbook rehearsal serve"',
        )
    return replace(rehearsal_cloud(workspace.rehearsal), certificate=_certificate_of(account))


def _pace(directory: Path, speed: float, port: int | None) -> Pace:
    """The pace of a rehearsal: where its clock has a keeper, it is waited at there."""
    if port is None:
        return Pace(speed)
    from bcrunbook.skipped.waiting import clock_at

    return Pace(speed, clock=clock_at(directory, int(port), speed))


def _certificate_of(account: Account) -> ClientCertificate | None:
    mine = account.codat_mtls
    if mine is None:
        return None
    setting = f"accounts.{account.name}.codat_mtls"
    return ClientCertificate(CODAT_HOST, mine.certificate, mine.private_key, setting)


def rehearsal_cloud(directory: Path) -> Cloud:
    """The rehearsal cloud that is running on `directory`.

    Raises:
        FixInput: none is running there.
    """
    description = directory / "rehearsal.json"
    try:
        fields = json.loads(description.read_text(encoding="utf-8"))
        return Cloud(
            kind="rehearsal",
            proxy=str(fields["proxy"]),
            ca=Path(fields["ca"]),
            pace=_pace(directory, float(fields.get("speed", 1.0)), fields.get("clock")),
            directory=directory,
            pages=str(fields["pages"]),
        )
    except FileNotFoundError:
        raise FixInput(
            "The rehearsal cloud is not running.",
            where=str(description),
            why="it was stopped, or it was started on another folder",
            next=f"start it and leave it running: bcrunbook rehearsal serve --dir {directory}",
        ) from None
    except (ValueError, KeyError, OSError) as error:
        raise FixInput(
            f"The rehearsal cloud's description cannot be read ({type(error).__name__}).",
            where=str(description),
            next="stop the rehearsal cloud and start it again on the same folder",
        ) from None
