"""Thin async clients of the services: typed in, typed out, errors mapped at this boundary."""
