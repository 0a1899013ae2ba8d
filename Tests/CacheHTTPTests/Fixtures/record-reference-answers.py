"""Records how FastAPI 0.104 and Pydantic 2.5 answer the request bodies of the corpus below, as the reference of ValidationReferenceTests.

    python3.11 -m venv venv && venv/bin/pip install fastapi==0.104.1 pydantic==2.5.0 "httpx<0.28"
    venv/bin/python record-reference-answers.py > reference-answers.json

Two applications are asked. `original` has the models of the service that came before. `constrained` has the limits of this service declared
as Pydantic constraints, and so says how Pydantic itself would word them. `url` is taken out of each error. An accepted body is answered
with its fields as Pydantic understood them, without `value`.

Python 3.11 is part of the reference: later versions word some errors of `json` differently.
"""

import json
import sys
from typing import Any, Optional

from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

original = FastAPI()
constrained = FastAPI()


class CacheRequest(BaseModel):
    key: str
    value: Any
    ttl: Optional[int] = None


class InvalidateRequest(BaseModel):
    pattern: str


class ConstrainedCacheRequest(BaseModel):
    key: str = Field(min_length=1, max_length=1024)
    value: Any
    ttl: Optional[int] = Field(default=None, ge=0, le=315_360_000)


class ConstrainedInvalidateRequest(BaseModel):
    pattern: str = Field(min_length=1, max_length=1024)
    dry_run: bool = False


def fields(request):
    return {name: value for name, value in request.model_dump().items() if name != "value"}


@original.post("/cache")
def set_value(request: CacheRequest):
    return fields(request)


@original.post("/cache/invalidate")
def invalidate(request: InvalidateRequest):
    return fields(request)


@constrained.post("/cache")
def set_value_constrained(request: ConstrainedCacheRequest):
    return fields(request)


@constrained.post("/cache/invalidate")
def invalidate_constrained(request: ConstrainedInvalidateRequest):
    return fields(request)


def ttl(spelling):
    return '{"key":"k","value":1,"ttl":%s}' % spelling


def dry_run(spelling):
    return '{"pattern":"p*","dry_run":%s}' % spelling


SET_BODIES = [
    # Accepted.
    '{"key":"k","value":1}',
    '{"key":"k","value":null}',
    '{"key":"k","value":{"a":[1,2,{"b":null}]},"ttl":60}',
    ' \t\r\n{ "key" : "k" , "value" : [ 1 , 2 ] , "ttl" : 60 } \n',
    '{"ttl":60,"value":"v","key":"k"}',
    '{"key":"k","value":1,"unknown":true}',
    '{"key":"k","value":1,"key":"l"}',
    '{"key":"k","value":1,"ttl":"x","ttl":5}',
    '{"key":5,"value":1,"key":"k"}',
    '{"key":"k","value":1,"key":5}',
    '{"k\\u0065y":"k","value":1}',
    '{"key":"k","v\\u0061lue":1,"\\u0074\\u0074\\u006C":7}',
    '{"key":"a\\"b\\\\c\\/d\\b\\f\\n\\r\\te","value":1}',
    '{"key":"\\u00e9\\u20ac\\ud83d\\ude00","value":1}',
    '{"key":"é€😀","value":"é€😀"}',
    '{"key":"\\u0000","value":1}',
    '{"key":"a/b c","value":"\\u0000"}',
    '{"key":"k","value":"\\ud800"}',
    '{"key":"k","value":1e5}',
    '{"key":"k","value":-0}',
    '{"key":"k","value":0.1000000000000000055}',
    '{"key":"k","value":{"a":1,"a":2}}',
    '{"key":"%s","value":1}' % ("k" * 1024),
    '{"Key":"k","value":1}',
    '{"key ":"k","value":1}',
    '{"key\\u0000":"k","value":1}',
    # Missing fields.
    "{}",
    " { } ",
    '{"key":"k"}',
    '{"value":1}',
    '{"ttl":60}',
    '{"ttl":"x"}',
    '{"key":1}',
    '{"key":1,"ttl":[]}',
    '{"key":[],"value":1,"ttl":{}}',
    '{"unknown":{"a":[1,2],"b":"x"}}',
    '{ "unknown" : { "a" : [ 1 , 2 ] , "b" : " x  y " } }',
    '{"value":"é😀"}',
    '{"value":"\\u00e9"}',
    '{"value":1.50}',
    # The key.
    '{"key":1,"value":1}',
    '{"key":1.5,"value":1}',
    '{"key":true,"value":1}',
    '{"key":false,"value":1}',
    '{"key":null,"value":1}',
    '{"key":[],"value":1}',
    '{"key":["k"],"value":1}',
    '{"key":[ "k" , 1 ],"value":1}',
    '{"key":{},"value":1}',
    '{"key":{"a":"b"},"value":1}',
    '{"key":"","value":1}',
    '{"key":" ","value":1}',
    '{"key":"%s","value":1}' % ("k" * 1025),
    '{"key":"%s","value":1}' % ("é" * 600),
    '{"key":"\\ud800","value":1}',
    '{"key":"\\udc00x","value":1}',
    '{"key":"\\ude00\\ud83d","value":1}',
    '{"key":-0,"value":1}',
    '{"key":1e2,"value":1}',
    # The ttl: numbers.
    *map(
        ttl,
        [
            "0", "1", "60", "-0", "-1", "-5", "315360000", "315360001", "60.0", "60.00", "60.5", "1.5", "-1.5", "-5.0", "0.0", "-0.0", "1e2",
            "1E2", "1e+2", "100e-2", "1e-2", "1e8", "1e9", "1e18", "1e19", "1e20", "-1e19", "-1e20", "1e400", "-1e400", "1e-400",
            "60.00000000000000000001", "0.00000000000000000001", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
            "-9223372036854775809", "9223372036854775807.0", "9007199254740993.0", "99999999999999999999", "-99999999999999999999",
            "1" + "0" * 4299, "1" + "0" * 4300, "3.1536e8", "3.1536000001e8", "-9223372036854775808.0",
        ],
    ),
    # The ttl: everything else.
    *map(
        ttl,
        [
            "null", "true", "false", "[]", "[60]", "{}", '{"a":1}', '{ "a" : [ 1 ] }', '"60"', '" 60 "', '"60.0"', '"60."', '"60.00"', '"60.5"',
            '".0"', '"."', '"+60"', '"-60"', '"-0"', '"--60"', '"+-60"', '"-+60"', '"++60"', '"+"', '"-"', '"6_0"', '"6__0"', '"_60"', '"60_"',
            '"+6_0"', '"+_60"', '"-6_0"', '"-_60"', '"6_0.0"', '"60.0_0"', '"60_.0"', '"060"', '"0060"', '"00"', '"0_0"', '"1e2"', '"0x3c"',
            '""', '" "', '"abc"', '"60 s"', '"6 0"', '"٦٠"', '"６０"', '"NaN"', '"Infinity"', '"inf"', '"true"', '"null"', '"60\\n"', '"\\t60\\r\\n"',
            '"\\u000b60\\f"', '"\\u001c60"', '"\\u008560"', '"\\u00a060\\u3000"', '"\\u200b60"', '"\\u202860"', '"6\\u0030"', '"\\ud800"',
            '"60\\u0000"', '" 60.0 "', '"60 .0"', '"- 60"', '"9223372036854775807"', '"9223372036854775808"', '"-9223372036854775809"',
            '"99999999999999999999"', '"-99999999999999999999"', '"99999999999999999999.0"', '"315360000"', '"315360001"', '"315360000.0"',
            '"%s"' % ("1" + "0" * 4299), '"%s"' % ("1" + "0" * 4300), '"%s60"' % ("0" * 4298), '"%s60"' % ("0" * 4299), '"%s"' % ("x" * 4301),
            '"%s60"' % (" " * 4400), '"60.%s"' % ("0" * 4297), '"60.%s"' % ("0" * 4298), '"1_000_0"', '"1_0.0"', '"_"', '"+_"', '"6_+0"', '"1.0.0"', '"1..0"', '"+.0"', '"-1_0"', '"99999999999999999999_9"',
            '"-9223372036854775808.0"', '"00000000000000060_"', '"000000000000000060_"', '"00000000000000000_6__0"', '"00000000000000006_0.0"', '"000000000000000006_0"',
        ],
    ),
    # Not an object.
    "", " ", "\n\t", "null", " null ", "true", "false", "0", "1", "-1.5", '"k"', '""', "[]", "[1]", "[ 1 , 2 ]", '[{"key":"k","value":1}]', "1e400",
    # Not JSON.
    "{", "}", "[", "]", '"', "{]", "[}", "nul", "nulll", "truefalse", "tru", "fals", "True", "None", "undefined", "'k'", "NaN", "Infinity",
    "-Infinity", "-", "+1", ".5", "1.", "01", "-01", "1e", "1e+", "1.e2", "0x10", "1_000", "--1", "- 1", "1 2", "1,2", "{}{}", "{} x", "{},", "[1,]",
    "[,1]", "[1 2]", "[1,,2]", "[1", "[1,", "[1}", "[[1]", '{"key"}', '{"key":}', '{"key":,}', '{"key" "k"}', '{"key":"k",}', '{"key":"k",,}', '{,"key":"k"}',
    '{"key":"k" "value":1}', '{"key":"k";"value":1}', '{"key"="k"}', "{key:1}", "{'key':1}", "{1:2}", '{"key":"k"', '{"key":"k",', '{"key":"k"]', '{"key":',
    '{"key', '{"key":"k', '{"key":"k\\', '{"key":"k\\"', '{"key":"k\\u', '{"key":"k\\u12', '{"key":"k\\u1234', '{"key":"k\\u1234"', '{"key":"k\\uZZZZ"}',
    '{"key":"k\\u12G4"}', '{"key":"k\\u+123"}', '{"key":"k\\ud83d\\uZZZZ"}', '{"key":"k\\ud83d\\x"}', '{"key":"k\\ud83d\\', '{"key":"k\\x41"}', '{"key":"k\\U00410042"}',
    '{"key":"k\\\'"}', '{"key":"k\\é"}', '{"key":"k\n"}', '{"key":"k\t"}', '{"key":"k\u0000"}', '{"key":"k\u001f"}', '{"key":"k\u007f","value":1}', '{"é":"é€😀", x}',
    '{"é":"é€😀","😀":\\n}', '{"é😀":"é\t"}', '["é😀" "x"]', '"é😀" é', '{"😀":1.}', "\u00a0{}", "{}\u00a0", "{}\u0000", "\u0000", "\ufeff", '\ufeff{"key":"k","value":1}',
    '{"key":"k","value":NaN}', '{"key":"k","value":-Infinity}', '{"key":"k","value":[Infinity]}', '{"key":"k","value":01}', '{"key":"k","value":1.}', '{"key":"k","value":.5}',
    '{"key":"k","value":1e}', '{"key":"k","value":1} //', '{"key":"k",/**/"value":1}', '{"key":"k","value":tru}', '{"key":"k","value":"\\8"}', '{"key":"k"\u00a0:1}',
    '{"key":"k","value":%s1%s}' % ("[" * 127, "]" * 127),
    '{"key":"k","value":%s1%s}' % ("[" * 128, "]" * 128),
    '{"é":%s1%s}' % ('{"a":' * 200, "}" * 200),
    # Not UTF-8, or not only.
    b'{"key":"\xff","value":1}', b'{"key":"\xc3","value":1}', b'{"key":"\xc0\x80","value":1}', b'{"key":"\xed\xa0\x80","value":1}', b'{"key":"k","value":"\xf4\x90\x80\x80"}',
    b'{"key":"k","value":"\xe2\x82"}', b'{"key":"\xc3\xa9" x "\xff"}', b"\xff", b"\x80{}", b"{}\xc3", '{"key":"k","value":1}'.encode("utf-16-le"), '{"key":"k","value":1}'.encode("utf-32"),
]

INVALIDATE_BODIES = [
    '{"pattern":"a*"}', '{"pattern":""}', '{"pattern":" "}', '{"pattern":null}', '{"pattern":1}', '{"pattern":["a*"]}', '{"pattern":{}}', '{"pattern":true}', "{}", '{"key":"a"}',
    "[]", "null", "", "{", '{"pattern":"%s"}' % ("p" * 1024), '{"pattern":"%s"}' % ("p" * 1025), '{"pattern":"\\ud800"}', '{"pattern":"\\u002a"}', '{"p\\u0061ttern":"*"}',
    '{"pattern":"a","pattern":"b"}', '{"dry_run":"x"}', '{"pattern":1,"dry_run":[]}',
    *map(
        dry_run,
        [
            "true", "false", "null", "0", "1", "2", "-0", "-1", "0.0", "1.0", "-0.0", "1.5", "0.5", "2.0", "1e0", "0e5", "1e400", "1e-400", "10e-1", "99999999999999999999", "[]", "[true]", "{}",
            '"true"', '"false"', '"True"', '"FALSE"', '"tRuE"', '"t"', '"F"', '"yes"', '"No"', '"y"', '"N"', '"on"', '"OFF"', '"1"', '"0"', '"1.0"', '"2"', '""', '" "', '" true"', '"true "',
            '"truе"', '"t\\u0072ue"', '"maybe"', '"null"', '"none"', '"\\ud800"', '"İ"', '"K"', '"%s"' % ("x" * 1100), "18446744073709551616", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1e18", "1e19", "1.00000000000000000001",
        ],
    ),
]


def answer(client, path, body):
    response = client.post(path, content=body, headers={"content-type": "application/json"})
    text = response.text
    if response.headers.get("content-type") == "application/json":
        content = response.json()
        if isinstance(content.get("detail"), list):
            for error in content["detail"]:
                error.pop("url", None)
        # As Starlette writes it.
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return {"status": response.status_code, "answer": text}


def record(clients, path, bodies):
    for body in bodies:
        data = body.encode() if isinstance(body, str) else body
        recorded = {"path": path}
        recorded.update({"body": body} if isinstance(body, str) else {"hex": data.hex()})
        for name, client in clients.items():
            recorded[name] = answer(client, path, data)
        if recorded["constrained"] == recorded["original"]:
            del recorded["constrained"]
        yield recorded


def main():
    clients = {
        "original": TestClient(original, raise_server_exceptions=False),
        "constrained": TestClient(constrained, raise_server_exceptions=False),
    }
    recorded = [*record(clients, "/cache", SET_BODIES), *record(clients, "/cache/invalidate", INVALIDATE_BODIES)]
    lines = ",\n".join(json.dumps(one, ensure_ascii=True) for one in recorded)
    sys.stdout.write("[\n" + lines + "\n]\n")


main()
