"""Worlds in which names, keys, tenants and instances are mixed up between any two commands."""
