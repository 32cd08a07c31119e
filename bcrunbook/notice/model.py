"""A rendered notice, and the draft that a mail program opens."""

from __future__ import annotations

import email.policy
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage


@dataclass(frozen=True)
class Notice:
    """A rendered notice.

    Args:
        to: the customer's contact.
        subject: the subject, one line.
        text: the plain text.
        html: the page. Like the text it may hold the link, so neither is in the `repr`.
        sender: who it is from, if known.
    """

    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    sender: Address | None = None

    def eml(self) -> bytes:
        """The notice as a draft.

        It has no date, which it gets when it is sent; `X-Unsent` is what makes Outlook and others
        open it for writing.
        """
        message = EmailMessage(policy=email.policy.SMTP)
        message["Subject"] = self.subject
        message["To"] = Address(addr_spec=self.to)
        if self.sender is not None:
            message["From"] = self.sender
        message["X-Unsent"] = "1"
        message.set_content(self.text, cte="quoted-printable")
        message.add_alternative(self.html, subtype="html", cte="quoted-printable")
        return message.as_bytes()
