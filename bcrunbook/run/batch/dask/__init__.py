"""A batch whose notebooks are run by the workers of a Dask cluster.

The coordinator sends each job as a task (`executor`). A Dask worker (`remote_job`) has it done by a
process of its own, made by a program that stands ready beside it (`process_host`), in a folder that
goes away; what came of it comes back as the task's value (`job_result`). So nothing has to be
shared but the ledger and the store of the secrets: values of secrets never travel, references do.
"""

from typing import Final

SCHEME: Final = "dask://"
"""How the address of a cluster's scheduler begins."""
TAKEN: Final = "taken"
"""The kind of event by which a worker reports that it has begun a task."""
