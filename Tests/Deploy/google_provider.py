#!/usr/bin/env python3
"""A stand-in for Terraform's provider of Google Cloud that knows its schema and nothing else, so that configurations are checked offline.

`google_provider.py extract WHEEL SCHEMA.json` reads the schema (hashicorp/google 6.50) out of the package of the CDK for Terraform, which carries it as the types
of a TypeScript library. Started by Terraform with GOOGLE_SCHEMA set, it serves that schema. What a provider checks itself (values, what excludes what) is not checked."""

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


def serve(schema: Dict[str, Any], arguments: List[str]) -> None:
    """Speaks Terraform's plugin protocol, as far as schemas go."""
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
