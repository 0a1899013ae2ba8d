"""The cache service as it is usually written in Python: FastAPI in front of redis-py. A peer of the benchmark.

Same paths and same answers as the service for setting, getting and deleting a key. Nothing is left out to make it slow
and nothing is tuned beyond what its documentation recommends: asyncio client, uvloop, httptools, one worker per core.
The process time header is added as FastAPI's documentation shows it.
"""

import json
import os
import time
from typing import Any, Optional

import redis.asyncio as redis
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

app = FastAPI(docs_url=None, redoc_url=None)
# redis-py's own limit of 100 connections turns the 101st concurrent call into an error; the load has up to 256 at once.
client = redis.from_url(os.environ["REDIS_URL"], decode_responses=True, max_connections=1024)


class Entry(BaseModel):
    key: str
    value: Any
    ttl: Optional[int] = None


@app.middleware("http")
async def add_process_time(request: Request, call_next):
    started = time.perf_counter()
    response = await call_next(request)
    response.headers["X-Process-Time"] = str(time.perf_counter() - started)
    return response


@app.get("/health")
async def health():
    return {"status": "healthy", "redis_connected": bool(await client.ping())}


@app.post("/cache")
async def set_entry(entry: Entry):
    await client.set(entry.key, json.dumps(entry.value), ex=entry.ttl or None)
    lifetime = entry.ttl or "no expiration"
    return {"success": True, "key": entry.key, "message": f"Value cached successfully with TTL: {lifetime}"}


@app.get("/cache/{key}")
async def get_entry(key: str):
    text = await client.get(key)
    if text is None:
        raise HTTPException(status_code=404, detail="Key not found")
    return {"success": True, "key": key, "value": json.loads(text)}


@app.delete("/cache/{key}")
async def delete_entry(key: str):
    if await client.delete(key) == 0:
        raise HTTPException(status_code=404, detail="Key not found")
    return {"success": True, "key": key, "message": "Key deleted successfully"}
