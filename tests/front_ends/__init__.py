"""Other people's programs that run the notebooks, as they come from the public registries.

Not among the tests: environments are made first, and that takes minutes. `uv run poe front-ends`.
"""
