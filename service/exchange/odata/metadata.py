"""What the feed is made of: the service document, and the model as CSDL (OASIS, OData Version 4.0 Part 3)."""

from collections.abc import Iterable
from typing import Any, get_args
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pydantic import BaseModel

from service.exchange.cells import Kind
from service.exchange.columns import Column, columns_of
from service.exchange.odata.model import EntitySet

NAMESPACE = "Tracker"
EDMX, EDM = "http://docs.oasis-open.org/odata/ns/edmx", "http://docs.oasis-open.org/odata/ns/edm"
CORE = "Org.OData.Core.V1"
CORE_URL = "https://docs.oasis-open.org/odata/odata/v4.0/os/vocabularies/Org.OData.Core.V1.xml"
CAPABILITIES = "Org.OData.Capabilities.V1"
CAPABILITIES_URL = "https://docs.oasis-open.org/odata/odata/v4.0/os/vocabularies/Org.OData.Capabilities.V1.xml"
EDM_TYPES = {
    Kind.INTEGER: "Int64",
    Kind.NUMBER: "Double",
    Kind.AMOUNT: "Decimal",
    Kind.FLAG: "Boolean",
    Kind.DATE: "Date",
    Kind.INSTANT: "DateTimeOffset",
    Kind.TEXT: "String",
}
FACETS = {Kind.AMOUNT: {"Precision": "14", "Scale": "2"}, Kind.INSTANT: {"Precision": "6"}}


def edm_type(entities: EntitySet, column: Column) -> str:
    """Return the type of a property: `Edm.Date`, `Collection(Edm.Int64)`, `Collection(Tracker.Partner)`."""
    if column.kind in EDM_TYPES:
        return f"Edm.{EDM_TYPES[column.kind]}"
    held = _part_of(entities, column)
    if issubclass(held, BaseModel):
        return f"Collection({NAMESPACE}.{held.__name__})"
    return "Collection(Edm.Int64)" if issubclass(held, int) else "Collection(Edm.String)"


def _part_of(entities: EntitySet, column: Column) -> type[Any]:
    """Return what the list in a column holds."""
    return _innermost(entities.model.model_fields[column.path[0]].annotation)


def _innermost(annotation: Any) -> type[Any]:
    parts = get_args(annotation)
    return _innermost(parts[0]) if parts else annotation


def service_document(root: str, sets: Iterable[EntitySet]) -> dict[str, Any]:
    """Return the list of the sets."""
    listed = [{"name": each.name, "kind": "EntitySet", "url": each.name} for each in sets]
    return {"@odata.context": f"{root}$metadata", "value": listed}


def csdl(sets: Iterable[EntitySet]) -> bytes:
    """Return the model of the sets as XML."""
    known = tuple(sets)
    edmx = Element("edmx:Edmx", {"xmlns:edmx": EDMX, "Version": "4.0"})
    for url, namespace in ((CORE_URL, CORE), (CAPABILITIES_URL, CAPABILITIES)):
        SubElement(SubElement(edmx, "edmx:Reference", Uri=url), "edmx:Include", Namespace=namespace)
    schema = SubElement(SubElement(edmx, "edmx:DataServices"), "Schema", xmlns=EDM, Namespace=NAMESPACE)
    for entities in known:
        _add_entity_type(schema, entities)
    for part in _parts(known):
        _add_complex_type(schema, part)
    container = SubElement(schema, "EntityContainer", Name="Plan")
    for entities in known:
        made = SubElement(container, "EntitySet", Name=entities.name, EntityType=f"{NAMESPACE}.{entities.entity}")
        _add_limits(made, entities)
    indent(edmx)
    written: bytes = tostring(edmx, "utf-8", xml_declaration=True)
    return written


def _add_entity_type(schema: Element, entities: EntitySet) -> None:
    made = SubElement(schema, "EntityType", Name=entities.entity)
    key = SubElement(made, "Key")
    for name in entities.keys:
        SubElement(key, "PropertyRef", Name=name)
    for column in entities.columns:
        _add_property(made, column, edm_type(entities, column))
    _describe(made, entities.model.__doc__ or "")


def _add_complex_type(schema: Element, part: type[BaseModel]) -> None:
    made = SubElement(schema, "ComplexType", Name=part.__name__)
    for column in columns_of(part):
        _add_property(made, column, f"Edm.{EDM_TYPES[column.kind]}")


def _parts(sets: Iterable[EntitySet]) -> list[type[BaseModel]]:
    """Return the models of what lists hold that have parts."""
    held = {_part_of(each, column) for each in sets for column in each.columns if column.kind is Kind.JSON}
    return sorted(held, key=lambda each: each.__name__)


def _add_property(parent: Element, column: Column, type_: str) -> None:
    facets = {} if column.is_nullable else {"Nullable": "false"}
    made = SubElement(parent, "Property", {"Name": column.name, "Type": type_, **facets, **FACETS.get(column.kind, {})})
    _describe(made, column.description)


def _describe(element: Element, words: str) -> None:
    SubElement(element, "Annotation", Term=f"{CORE}.Description", String=words)


def _add_limits(entity_set: Element, entities: EntitySet) -> None:
    """Say what cannot be done with a set."""
    for term in ("InsertRestrictions.Insertable", "UpdateRestrictions.Updatable", "DeleteRestrictions.Deletable"):
        name, flag = term.split(".")
        record = SubElement(SubElement(entity_set, "Annotation", Term=f"{CAPABILITIES}.{name}"), "Record")
        SubElement(record, "PropertyValue", Property=flag, Bool="false")
    shown = [column.name for column in entities.columns if column.kind not in EDM_TYPES]
    if shown:
        record = SubElement(SubElement(entity_set, "Annotation", Term=f"{CAPABILITIES}.FilterRestrictions"), "Record")
        value = SubElement(record, "PropertyValue", Property="NonFilterableProperties")
        paths = SubElement(value, "Collection")
        for name in shown:
            SubElement(paths, "PropertyPath").text = name
