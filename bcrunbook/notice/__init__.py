"""The notice to a customer before the books are linked: what to have ready, and who must be there.

It is rendered and never sent: a draft for the engineer's own mail program.
"""

from bcrunbook.notice.files import folder_of, write_notice
from bcrunbook.notice.model import Notice
from bcrunbook.notice.preflight import PREFLIGHT, Preparation
from bcrunbook.notice.rendering import render

__all__ = ["PREFLIGHT", "Notice", "Preparation", "folder_of", "render", "write_notice"]
