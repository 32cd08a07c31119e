"""The notebooks as files: where they are, their parameters, and whether a run may trust them."""
