"""A model of a person at a notebook: any order of cells, clicks and mishaps, on a real kernel."""
