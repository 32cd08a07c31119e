"""Codat's Platform API: the calls that the steps need, typed in and out."""
