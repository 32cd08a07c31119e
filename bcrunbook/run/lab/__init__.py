"""JupyterLab at the first notebook, with everything ready."""
