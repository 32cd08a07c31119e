"""The people of a rehearsal: who works in the Codat Portal, and the customer who links.

Every step is what a browser does: get a page, find the form or the link by the words that a person
reads, fill it in, press the button, follow to the next page. A page that does not look as expected
ends it with `UnexpectedPage`. What is typed travels in request bodies only, never in an address.
"""

from bcrunbook.rehearsal.people.browser import UnexpectedPage
from bcrunbook.rehearsal.people.customer import CustomerPerson
from bcrunbook.rehearsal.people.outside import Outside
from bcrunbook.rehearsal.people.portal import PortalPerson, act_as_developer, developer_of

__all__ = [
    "CustomerPerson",
    "Outside",
    "PortalPerson",
    "UnexpectedPage",
    "act_as_developer",
    "developer_of",
]
