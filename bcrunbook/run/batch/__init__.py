"""Many accounts and customers: the same notebooks, several at a time, resumable.

selection   which of them are meant, and in what order
worker      one of them, in a process of its own
processes   those processes, on this machine
record      what the ledger knows of a batch, so that it can be taken up again
board       how far everything is: what a terminal, a report and a script are told
coordinator puts them together
"""
