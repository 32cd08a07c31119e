"""Many accounts and customers: the same notebooks, several at a time, resumable.

selection   which of them are meant, and in what order
queue       who comes next
worker      one of them, in a process of its own
executor    what the coordinator asks of whatever does the work
processes   those processes, on this machine
dask        the same on a Dask cluster
parking     following installations, for all who wait for one
record      what the ledger knows of a batch, so that it can be taken up again
progress    how far everything is: what a terminal, a report and a script show
report      the page that shows it
coordinator puts them together
"""
