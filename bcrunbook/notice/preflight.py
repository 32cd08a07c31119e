"""What a customer has to have ready before linking, and to mind while it goes on.

One list for the notice, the card and the notebook.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Preparation:
    """One thing to have ready, or to mind.

    Args:
        id: a short name that stays the same, for programs.
        when: `before` linking or `during` it.
        title: a sentence that is true once it is seen to, without a full stop.
        detail: why, and how to see whether it is so.
    """

    id: str
    when: Literal["before", "during"]
    title: str
    detail: str


# Sources. Version: Codat's page on Business Central. Licence and permission set: Microsoft on
# installing extensions, where administrators without a licence are left out by design. Consent:
# Microsoft on user and admin consent. The window, the computer: Codat's page on linking. The page
# of installation states: reading it while an extension is being installed has failed in the field
# (contract B8.8).
PREFLIGHT: Final[tuple[Preparation, ...]] = (
    Preparation(
        id="version",
        when="before",
        title="Business Central is version 22 (April 2023) or later",
        detail="In Business Central, choose the question mark, then Help & Support: the version "
        "is at the bottom of the page.",
    ),
    Preparation(
        id="licence",
        when="before",
        title="Whoever links has an Essentials or Premium licence",
        detail="An administrator without a licence for Business Central cannot install an "
        "extension, however many rights they have elsewhere.",
    ),
    Preparation(
        id="permission_set",
        when="before",
        title="The same person has the permission set EXTEN. MGT. - ADMIN",
        detail="It is not given by default, though whoever has SUPER needs nothing more. In "
        "Business Central, search for Users, open the person's card, and add it to the user "
        "permission sets with the company left empty.",
    ),
    Preparation(
        id="administrator",
        when="before",
        title="A Microsoft Entra administrator can be reached",
        detail="Each organisation agrees for itself, and often only an administrator may. If "
        "Microsoft asks for approval, the administrator gives it, and then the link is opened "
        "once more.",
    ),
    Preparation(
        id="choice",
        when="before",
        title="You know which environment and company to link",
        detail="Both may be offered more than once: sandboxes beside the production environment, "
        "demo companies such as CRONUS beside yours. The environment's name is the last part of "
        "Business Central's address before the question mark, the company's is under My Settings.",
    ),
    Preparation(
        id="time",
        when="before",
        title="You have half an hour at a computer",
        detail="The installation takes 10 to 20 minutes of it. Linking does not work on a phone.",
    ),
    Preparation(
        id="window",
        when="during",
        title="Keep the window open until it says that it is done",
        detail="It may reload by itself several times; that is as it should be.",
    ),
    Preparation(
        id="installation_page",
        when="during",
        title="Stay off the page Extension Installation Status",
        detail="Opening it in Business Central while the extension is being installed can get in "
        "the installation's way.",
    ),
)
