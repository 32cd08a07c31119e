"""Programs that only have to type-check: mypy reads them, nobody runs them."""
