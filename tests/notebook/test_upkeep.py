"""A notebook that is not on the way to customers opens for a person as the others do."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bcrunbook.order import ROTATE_SECRET
from bcrunbook.rehearsal import launch
from tests.notebook.interactive_session import InteractiveSession
from tests.support.linking import set_up

OPEN = """
from bcrunbook.notebook import open_step
step = await open_step({step!r}, account="trial", mode="auto", workspace={root!r})
await step.examine(); step.plan(); await step.apply(); step.check()
"""


def test_a_secret_that_is_good_is_left_alone(tmp_path: Path, session: InteractiveSession) -> None:
    """Map, findings and outcome are shown; nothing has to be done."""
    with launch(tmp_path / "cloud", skips=True, latency_ms=0, lags="worst") as cloud:
        workspace = asyncio.run(set_up(tmp_path, cloud, []))
        session.run(OPEN.format(step=ROTATE_SECRET, root=str(workspace.root)))
        outcome = session.outcome()
        assert outcome["state"] == "done"
