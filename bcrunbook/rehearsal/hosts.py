"""Which module stands in for which host. A new host is a new module and a line here."""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal import azure, businesscentral, codat, entra, graph, keyvault, platforms
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat.world import API_HOST
from bcrunbook.rehearsal.messages import Handler

HOSTS: Final = {
    **dict.fromkeys(entra.HOSTS, entra.handler),
    **dict.fromkeys(graph.HOSTS, graph.handler),
    **dict.fromkeys(azure.HOSTS, azure.handler),
    **dict.fromkeys(codat.HOSTS, codat.handler),
    **dict.fromkeys(businesscentral.HOSTS, businesscentral.handler),
    **dict.fromkeys(keyvault.HOSTS, keyvault.handler),
    **dict.fromkeys(platforms.HOSTS, platforms.handler),
}
"""Host name and the maker of its handler."""


KEEPERS: Final = {API_HOST: codat.keeper}
"""Host name and the maker of what keeps the answers of fault rules there."""


def handlers(cloud: RehearsalCloud) -> dict[str, Handler]:
    """A handler for every host; names that share a maker share the handler."""
    made = {maker: maker(cloud) for maker in set(HOSTS.values())}
    return {host: made[maker] for host, maker in HOSTS.items()}
