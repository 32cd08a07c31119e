"""Headless runs: the notebooks of one account through papermill, and the report about them."""
