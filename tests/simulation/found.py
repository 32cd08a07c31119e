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
    "a watch was measured by two clocks, where two machines follow one customer": Drawn(
        61947,
        "linked",
        steps=("link_customer",),
        customers=("normal",),
        lags="worst",
        ahead=400.0,
        deaths=(534, 0),
        pause=1800.0,
        other_ahead=-1200.0,
        other_after=39.1,
    ),
    "a watch that two machines had ended well was begun again hours later": Drawn(
        72773,
        "linking",
        steps=("link_customer",),
        customers=("renamed",),
        lags="worst",
        ahead=7200.0,
        deaths=(0, 14),
        pause=14400.0,
        other_ahead=-300.0,
        other_after=36.4,
    ),
}
"""By what did not hold."""
