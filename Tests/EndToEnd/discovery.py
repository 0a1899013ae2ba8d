"""Documents of Google Cloud's interfaces, checked offline against Google's own descriptions of them, strictly: an unknown field is a fault."""

import functools
import importlib.resources
import json
import re
from typing import Any, Dict, List

import jsonschema


@functools.lru_cache
def _description(interface: str) -> Dict[str, Any]:
    documents = importlib.resources.files("googleapiclient") / "discovery_cache" / "documents"
    return json.loads((documents / f"{interface}.json").read_text())


def description(interface: str, type_name: str, member: str) -> str:
    """What Google says of a field."""
    return _description(interface)["schemas"][type_name]["properties"][member]["description"]


def _json_schema(described: Dict[str, Any]) -> Dict[str, Any]:
    """What the discovery format says, as JSON Schema. Numbers of 64 bits may be texts."""
    if "$ref" in described:
        return {"$ref": f"#/definitions/{described['$ref']}"}
    kind = described.get("type")
    if kind == "array":
        return {"type": "array", "items": _json_schema(described["items"])}
    if kind == "object":
        members = {name: _json_schema(member) for name, member in described.get("properties", {}).items()}
        more = described.get("additionalProperties")
        return {"type": "object", "properties": members, "additionalProperties": _json_schema(more) if more else False}
    if kind == "string":
        schema: Dict[str, Any] = {"type": ["string", "integer"] if described.get("format") in ("int64", "uint64") else "string"}
        return {**schema, "enum": described["enum"]} if "enum" in described else schema
    return {"type": kind} if kind in ("integer", "number", "boolean") else {}


def faults(interface: str, type_name: str, document: Any) -> List[str]:
    """What is wrong with a document, for example of `monitoring.v1` and `Dashboard`."""
    definitions = {name: _json_schema(described) for name, described in _description(interface)["schemas"].items()}
    validator = jsonschema.Draft7Validator({"$ref": f"#/definitions/{type_name}", "definitions": definitions})
    return [f"{'/'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in validator.iter_errors(document)]


def misplaced_annotations(service: Dict[str, Any]) -> List[str]:
    """Annotations of a Cloud Run service that stand where they are not allowed: the description of the field says where each is."""
    text = _description("run.v1")["schemas"]["ObjectMeta"]["properties"]["annotations"]["description"]
    allowed = {name: kinds for name, kinds in re.findall(r"\* `([^`]+)`: ([A-Za-z, ]+)", text)}
    places = (("Service", service["metadata"]), ("Revision", service["spec"]["template"]["metadata"]))
    wrong = []
    for kind, metadata in places:
        for name, value in metadata.get("annotations", {}).items():
            kinds = allowed.get(name, "")
            if kind not in kinds and "All resources" not in kinds:
                wrong.append(f"{name} on {kind}: allowed on {kinds or 'nothing'}")
            if not isinstance(value, str):
                wrong.append(f"{name}: no text")
    return wrong
