"""Worlds in which something did not hold once: played again in every test run.

What they are like stands here, not their seeds: what a seed draws changes with the drawing. A table
in docs/reference/simulation.md tells what was mended.
"""

from __future__ import annotations

from typing import Final

from tests.simulation.drawing import Doing, Drawn

FOUND: Final = {
    "a marker that is taken and does not show yet made a second application": Drawn(
        357, "nothing", is_batch=True, worker_deaths=(95,)
    ),
    "what came and went in one watch was taken for an extension somewhere else": Drawn(
        194,
        "enabled",
        customers=("normal",),
        lags="usual",
        deaths=(2,),
        slips=("later",),
        doings=(Doing("extension removed", 1, 26.8),),
        pause=1800.0,
    ),
}
"""By what did not hold."""
