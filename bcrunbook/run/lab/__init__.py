"""JupyterLab at the first notebook, with everything ready.

start         JupyterLab as a child process, from its start to its end
server        what the program adds to its server
secret_files  what the server neither lists nor serves
warm          a kernel that is ready before a notebook asks for one
warm_kernel   the process that becomes that kernel
"""
