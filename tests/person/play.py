"""People one after the other: `python -m tests.person.play SEED COUNT`.

Fails at the first to whom something happens that must not, with what was done and with the seed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from random import Random

from jupyter_client.manager import KernelManager

from bcrunbook.rehearsal import launch
from tests.notebook.interactive_session import InteractiveSession
from tests.person.model import Person


def main() -> None:
    """Play them on one kernel."""
    first, count = map(int, sys.argv[1:])
    manager = KernelManager(kernel_name="python3", transport_encryption="auto")
    manager.start_kernel()

    client = manager.blocking_client()
    client.start_channels()
    page = InteractiveSession(manager, client)
    try:
        page.ready()
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made,
            launch(Path(made) / "cloud", skips=True, lags="worst") as cloud,
        ):
            for seed in range(first, first + count):
                # The kernel may still write in the one before while that is removed.
                folder = Path(made) / f"person-{seed}"
                folder.mkdir()
                page.forget()
                person = Person(folder, cloud, page, Random(seed))
                try:
                    person.live()
                except BaseException as error:
                    story = "\n  ".join(person.did)
                    error.add_note(f"PERSON_SEED={seed}\n  {story}")
                    raise
                finally:
                    person.leave()
                    shutil.rmtree(folder, ignore_errors=True)
    finally:
        page.leave()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
