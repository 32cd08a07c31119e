"""papermill's engine `bcrunbook`: cells in a process that is forked ready, instead of in a kernel.

    shell       IPython's own shell, and what it says as Jupyter messages
    cells       a notebook's cells in this process, or in one made for them
    client      papermill's notebook client, asking `cells` where it would ask a kernel
    execution   a notebook from its first cell to its last, with papermill's record of it
    engine      what papermill finds by the name `bcrunbook`
    processes   how such a process is made
    preload     what it has read before it is forked

Outputs and metadata come about as they do with a kernel: messages of the same form go through
papermill's and nbclient's own code.
"""
