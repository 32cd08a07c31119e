"""Secrets: how a value is held, where it is kept, and how it is kept out of everything written.

`value` holds one value in memory as a type that prints as `•••`. `stores` keeps values on this
machine and finds them again by reference. `scrubbing` takes values out of texts and recognises
what looks like one. `log` does the same for the log. Nothing else in the package writes a secret.
"""

from .log import RedactingFilter, install_log_redaction
from .scrubbing import looks_like_secret, scrub, scrub_json
from .stores import SecretReference, SecretStore, open_store, read
from .value import MASK, Secret

__all__ = [
    "MASK",
    "RedactingFilter",
    "Secret",
    "SecretReference",
    "SecretStore",
    "install_log_redaction",
    "looks_like_secret",
    "open_store",
    "read",
    "scrub",
    "scrub_json",
]
