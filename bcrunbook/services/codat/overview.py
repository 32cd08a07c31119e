"""What an instance shows at one look of all customers of an account.

The list of companies has each company's connections in it (contract C7.3), and can be filtered by
a part of a tag (contract C4.9). So many customers take one request for a hundred of them, where
each alone takes three.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from bcrunbook.services.codat.client import Codat
from bcrunbook.services.codat.models import Company, Integration


@dataclass(frozen=True)
class Overview:
    """An integration, and the companies that bear one tag, as they were a while ago.

    Args:
        integration: the integration; None where the instance does not know it.
        companies: the companies with all their connections, by the value of the tag.
    """

    integration: Integration | None
    companies: Mapping[str, tuple[Company, ...]]


async def overview_of(codat: Codat, platform: str, tag: str, beginning: str) -> Overview:
    """Look at an instance once.

    Args:
        codat: the instance's client.
        platform: the integration's key.
        tag: the tag's name.
        beginning: what its values begin with.

    Raises:
        RunbookError: Codat cannot be asked.
    """
    integration = await codat.integration(platform)
    companies: dict[str, tuple[Company, ...]] = defaultdict(tuple)
    for company in await codat.companies_tagged(tag, beginning):
        companies[(company.tags or {})[tag]] += (company,)
    return Overview(integration, dict(companies))
