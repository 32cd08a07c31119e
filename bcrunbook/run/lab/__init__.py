"""JupyterLab at the first notebook, with everything ready.

start            JupyterLab as a child process, from its start to its end
server           what the program adds to its server
secret_files     what the server neither lists nor serves
addresses        what the server answers to the bar in its pages
bar              what the bar shows, and what it lets a person choose
asked            what a notebook's file asks for
glance, known    what the workspace says: at once, and all of it
warm             a kernel that is ready before a notebook asks for one
warm_kernel      the process that becomes that kernel
unrun_names      what a kernel says of names that its notebook's cells have not made yet

The bar itself, which pages load, is in jupyter/labextensions: plain JavaScript that nothing builds.
"""
