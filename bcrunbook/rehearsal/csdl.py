"""OData's description of a service, which `$metadata` answers: CSDL (OData 4.0, part 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree

from bcrunbook.rehearsal.messages import Answer

METADATA: Final = "$metadata"
_EDMX: Final = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM: Final = "http://docs.oasis-open.org/odata/ns/edm"


@dataclass(frozen=True)
class Type:
    """A type: an entity type if it has a key, otherwise a complex one.

    Args:
        name: its name.
        properties: its properties with their types, as CSDL writes them.
        key: the property that entities are found by; empty for a complex type.
        contained: collections that belong to each entity, with the type of what is in them.
        actions: what can be done with one entity.
        is_open: whether an entity may have further properties.
    """

    name: str
    properties: Mapping[str, str]
    key: str = ""
    contained: Mapping[str, str] = field(default_factory=dict)
    actions: Sequence[str] = ()
    is_open: bool = False


def document(
    namespace: str, types: Sequence[Type], sets: Mapping[str, str], singletons: Mapping[str, str]
) -> Answer:
    """The answer to `$metadata`.

    Args:
        namespace: what the names of types belong to.
        types: the types.
        sets: the entity sets, with the name of the type of what is in each.
        singletons: the entities that are there once, with the names of their types.
    """
    root = ElementTree.Element("edmx:Edmx", {"Version": "4.0", "xmlns:edmx": _EDMX})
    services = ElementTree.SubElement(root, "edmx:DataServices")
    schema = ElementTree.SubElement(services, "Schema", {"Namespace": namespace, "xmlns": _EDM})
    for one in types:
        _add(schema, namespace, one)
    container = ElementTree.SubElement(schema, "EntityContainer", {"Name": "Container"})
    for name, kind in sets.items():
        values = {"Name": name, "EntityType": f"{namespace}.{kind}"}
        ElementTree.SubElement(container, "EntitySet", values)
    for name, kind in singletons.items():
        values = {"Name": name, "Type": f"{namespace}.{kind}"}
        ElementTree.SubElement(container, "Singleton", values)
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return Answer(200, body, {"Content-Type": "application/xml", "OData-Version": "4.0"})


def _add(schema: ElementTree.Element, namespace: str, one: Type) -> None:
    values = {"Name": one.name, **({"OpenType": "true"} if one.is_open else {})}
    kind = ElementTree.SubElement(schema, "EntityType" if one.key else "ComplexType", values)
    if one.key:
        key = ElementTree.SubElement(kind, "Key")
        ElementTree.SubElement(key, "PropertyRef", {"Name": one.key})
    for name, type_ in one.properties.items():
        is_key = {"Nullable": "false"} if name == one.key else {}
        ElementTree.SubElement(kind, "Property", {"Name": name, "Type": type_, **is_key})
    for name, type_ in one.contained.items():
        collection = f"Collection({namespace}.{type_})"
        values = {"Name": name, "Type": collection, "ContainsTarget": "true"}
        ElementTree.SubElement(kind, "NavigationProperty", values)
    for name in one.actions:
        action = ElementTree.SubElement(schema, "Action", {"Name": name, "IsBound": "true"})
        bound = {"Name": "bound", "Type": f"{namespace}.{one.name}"}
        ElementTree.SubElement(action, "Parameter", bound)
