// The dashboard: asks for the figures every other second, shows how the service is now, and draws its past.

import { Instances, ranges } from "./figures.js";
import { Board, markText } from "./plots.js";
import { binaryTicks, decadeTicks, decimalTicks } from "./scales.js";
import { bytes, count, duration, milliseconds, percent, perSecond, rate, several, timeOfDay } from "./text.js";
import { connectTools, reason, say } from "./tools.js";

const pollMilliseconds = 2000;
const promiseMilliseconds = 50;
/** Tiles show the mean of so many seconds, so that they do not flicker. */
const recentSeconds = 10;

const element = (id) => document.getElementById(id);
const sum = (points, of) => points.reduce((total, point) => total + of(point), 0);

// MARK: Who asks

/** Lives as long as the page: no cookie, no storage. */
let apiKey = null;

function ask(path, options = {}) {
  const headers = { ...options.headers, ...(apiKey === null ? {} : { "X-API-Key": apiKey }) };
  return fetch(path, { cache: "no-store", credentials: "omit", ...options, headers });
}

function askForKey(text) {
  if (element("sign-in").hidden) {
    element("sign-in").hidden = false;
    element("api-key").focus();
  }
  say("sign-in-result", text, apiKey !== null);
  pill("unknown", "Signed out");
  set("story", "");
  set("about", "The figures are for those who sign in.");
}

// MARK: Plots

const instances = new Instances();
const board = new Board((text) => { element("announcement").textContent = text; });
let range = ranges["5 min"];
let isPaused = false;
let lastAnswered = null;

const line = (name, style, of, options = {}) => ({ name, style, of, ...options });
/** Whether anybody has used leases, conditions, stale values or tags since the start: three plots, which come together so that the rows stay full. */
function hasLeases({ leases, since_start: { not_modified: notModified, stale_answers: stale, outdated_reads: outdated } }) {
  return leases.given + leases.held + leases.void + notModified + stale + outdated > 0;
}

const isRedisAway = () => instances.chosen?.last.redis?.state === "outage";

const plots = {
  rate: {
    text: perSecond, floor: 4, empty: "no operations in this time",
    lines: [
      line("get", "first", (p) => p.get), line("set", "second", (p) => p.set), line("delete", "third", (p) => p.delete),
      line("from memory in an outage", "warn", (p) => p.degraded, { isOptional: true }),
    ],
  },
  ratio: {
    // With copies, the plot of who answered says it too.
    text: percent, ceiling: 1, ticks: () => [0, 0.25, 0.5, 0.75, 1], empty: "no reads in this time", showsMost: false, needsCopies: false,
    lines: [line("found", "first", (p) => p.ratio, { bridges: true })],
  },
  reads: {
    text: percent, ceiling: 1, ticks: () => [0, 0.25, 0.5, 0.75, 1], empty: "no reads in this time", showsMost: false, needsCopies: true,
    lines: [
      line("a copy", "first", (p) => p.near, { bridges: true }), line("Redis", "second", (p) => p.fromRedis, { bridges: true }),
      line("not found", "third", (p) => p.missed, { bridges: true }),
      line("memory in an outage", "warn", (p) => p.fromMemory, { isOptional: true, bridges: true }),
    ],
  },
  latency: {
    text: milliseconds, scale: "log", empty: "no operations in this time",
    ticks: (most, values) => decadeTicks(Math.min(0.1, ...values), Math.max(100, most)),
    limit: { name: "promise", of: () => promiseMilliseconds, isAlways: true },
    lines: [line("p50", "first", (p) => p.p50, { bridges: true }), line("p99", "second", (p) => p.p99, { bridges: true })],
  },
  leases: {
    text: perSecond, floor: 1, isUsed: hasLeases,
    lines: [
      line("given", "first", (p) => p.leasesGiven), line("filled", "second", (p) => p.leasesFilled),
      line("held by another", "third", (p) => p.leasesHeld), line("void", "bad", (p) => p.leasesVoid, { isOptional: true }),
    ],
  },
  waiting: { text: count, floor: 4, isUsed: hasLeases, lines: [line("requests", "first", (p) => p.leaseWaiting)] },
  validity: {
    text: perSecond, floor: 1, isUsed: hasLeases,
    lines: [
      line("not modified (304)", "first", (p) => p.notModified), line("stale", "second", (p) => p.stale),
      line("tag invalidated", "third", (p) => p.outdated),
    ],
  },
  errors: {
    text: perSecond, floor: 1,
    lines: [line("500 and above", "bad", (p) => p.errors), line("refused at a bound", "third", (p) => p.refusals)],
  },
  clients: {
    text: count, floor: 4,
    lines: [line("connections", "first", (p) => p.connections), line("requests in flight", "second", (p) => p.inFlight)],
  },
  journal: { text: count, floor: 4, needsRedis: true, lines: [line("keys", "third", (p) => p.journal)] },
  "redis-memory": {
    text: bytes, ticks: binaryTicks, floor: 1024, needsRedis: true,
    empty: () => isRedisAway() ? "unknown while Redis is away" : "Redis does not say",
    limit: { name: "maxmemory", of: (points) => points.findLast((p) => p.redisMaximum !== null)?.redisMaximum ?? null },
    lines: [line("used", "first", (p) => p.redisUsed)],
  },
  "redis-evictions": {
    text: perSecond, floor: 1, needsRedis: true, empty: () => isRedisAway() ? "unknown while Redis is away" : "Redis does not say",
    lines: [line("evicted by Redis", "third", (p) => p.redisEvictions), line("commands past their deadline", "bad", (p) => p.deadlines)],
  },
  memory: {
    text: bytes, ticks: binaryTicks, floor: 1024,
    limit: { name: "bound", of: () => instances.chosen?.last.memory.maximum_bytes ?? null },
    lines: [line("entries", "first", (p) => p.memory), line("copies of reads", "second", (p) => p.nearBytes, { isOptional: true })],
  },
  evictions: {
    text: perSecond, floor: 1,
    lines: [line("evicted to make room", "third", (p) => p.evictions), line("expired", "first", (p) => p.expirations)],
  },
  processor: {
    text: percent, floor: 0.1, ticks: decimalTicks, empty: "the system does not say", lines: [line("of one processor", "first", (p) => p.processor)],
  },
  process: { text: bytes, ticks: binaryTicks, floor: 1024, empty: "the system does not say", lines: [line("resident", "first", (p) => p.resident)] },
};

// MARK: What is shown

function set(id, text, small) {
  const node = element(id);
  node.textContent = text;
  if (small !== undefined) {
    const unit = document.createElement("small");
    unit.textContent = ` ${small}`;
    node.append(unit);
  }
}

function mark(id, level) {
  element(id).classList.remove("good", "warn", "bad");
  if (level) element(id).classList.add(level);
}

function pill(level, text) {
  const node = element("pill");
  if (node.textContent !== text) node.textContent = text;
  node.className = `pill ${level}`;
}

function show() {
  const instance = instances.chosen;
  if (instance === null) return;
  showChoice();
  const { last } = instance;
  set("about", `${last.store === "redis" ? "On Redis" : "On the embedded store"} · version ${last.version} · up ${duration(last.uptime_seconds)} · instance ${last.instance}`);
  showState(last);
  showTraffic(last, instance.fine);
  showMemory(last);
  const view = instance.view(range);
  showCopies(last, instance.fine);
  for (const [name, options] of Object.entries(plots)) element(`plot-${name}`).hidden = !isAbout(last, options);
  board.draw(view);
  showEvents(view);
}

/** Whether this instance has what a plot is about. */
function isAbout(last, options) {
  const { needsRedis, needsCopies, isUsed } = options;
  if (isUsed && !isUsed(last)) return false;
  return (needsRedis === undefined || needsRedis === (last.redis !== null)) && (needsCopies === undefined || needsCopies === (last.near_cache !== null));
}

function showChoice() {
  const select = element("instance");
  const { names } = instances;
  element("instance-choice").hidden = names.length < 2;
  if (names.join() !== [...select.options].map((option) => option.value).join()) {
    select.replaceChildren(...names.map((name) => new Option(name, name)));
  }
  select.value = instances.chosenName;
}

function showTraffic(last, fine) {
  const recent = fine.slice(-recentSeconds);
  const seconds = sum(recent, (p) => p.sample.duration_ms) / 1000;
  set("rate", seconds > 0 ? rate(sum(recent, (p) => p.all * p.sample.duration_ms / 1000) / seconds) : "–", "/s");
  set("rate-detail", `${several(last.http.connections, "connection")}, ${count(last.http.in_flight)} in flight`);

  const { hits, misses } = last.since_start;
  const recentHits = sum(recent, (p) => p.sample.hits);
  const recentReads = recentHits + sum(recent, (p) => p.sample.misses);
  set("ratio", percent(recentReads > 0 ? recentHits / recentReads : hits + misses > 0 ? hits / (hits + misses) : null));
  set("ratio-detail", hits + misses > 0 ? `${percent(hits / (hits + misses))} since the start` : "no reads yet");

  const worst = recent.reduce((most, p) => p.p99 === null ? most : Math.max(most ?? 0, p.p99), null);
  const slow = sum(recent, (p) => p.sample.slow);
  set("p99", milliseconds(worst));
  set("p99-detail", slow > 0 ? `${several(slow, "answer")} above 50 ms` : "promise: 50 ms");
  mark("latency-tile", worst === null ? null : worst > promiseMilliseconds ? "bad" : slow > 0 ? "warn" : null);

  const errors = sum(fine, (p) => p.sample.errors);
  set("errors", count(errors));
  set("errors-detail", `in five minutes; ${count(last.since_start.errors)} since the start`);
  mark("errors-tile", errors > 0 ? "bad" : null);
}

/** Redis's memory if there is a Redis, else the embedded store's. */
function showMemory(last) {
  const embedded = `${bytes(last.memory.bytes)} of ${bytes(last.memory.maximum_bytes)}`;
  if (last.redis === null) {
    const share = last.memory.bytes / last.memory.maximum_bytes;
    set("memory", bytes(last.memory.bytes));
    set("memory-detail", `of ${bytes(last.memory.maximum_bytes)}, ${several(last.memory.entries, "entry", "entries")}`);
    element("memory-meter").hidden = false;
    element("memory-meter").value = share;
    mark("memory-tile", share > 0.95 ? "warn" : null);
    return;
  }
  set("memory-title", "Redis’s memory");
  const redis = last.redis_memory;
  const maximum = redis?.maximum_bytes > 0 ? redis.maximum_bytes : null;
  set("memory", redis === null ? "–" : bytes(redis.used_bytes));
  const bound = redis === null ? (last.redis.state === "outage" ? "unknown while Redis is away" : "Redis does not say")
    : maximum === null ? "no maxmemory" : `of ${bytes(maximum)}`;
  set("memory-detail", `${bound}; embedded store ${embedded}`);
  element("memory-meter").hidden = maximum === null;
  element("memory-meter").value = maximum === null ? 0 : redis.used_bytes / maximum;
  // A cache that is full evicts: that is what it is for, unless it cannot.
  mark("memory-tile", null);
}

/** The near cache: what it spares, and whether Redis keeps it true. */
function showCopies(last, fine) {
  const { near_cache: copies } = last;
  for (const id of ["near-tile", "copies-tile"]) element(id).hidden = copies === null;
  element("tiles").classList.toggle("more", copies !== null);
  if (copies === null) return;
  const recent = fine.slice(-recentSeconds);
  const reads = sum(recent, (p) => p.sample.hits + p.sample.misses);
  set("near", percent(reads > 0 ? sum(recent, (p) => p.sample.near_hits) / reads : null));
  set("near-detail", reads > 0 ? "of reads found a current one" : "no reads lately");
  const { coherence, reason, entries, bytes: used } = copies.state;
  set("copies", count(entries));
  const truth = { tracking: "kept current by Redis", ttl: "by age alone", off: `not current: ${reason}` }[coherence];
  set("copies-detail", `${bytes(used)} of ${bytes(copies.maximum_bytes)}; ${truth}`);
  mark("copies-tile", coherence === "off" ? "warn" : null);
}

/** So many shards that are away are named. */
const namedShards = 3;

const awayShards = ({ shards }) => shards.filter((shard) => shard.state !== "connected");

/** Of a cluster: how many of its shards are there, and of the others which, and why they are not. */
function shardsText(cluster) {
  const { shards } = cluster;
  const away = awayShards(cluster);
  const reasons = away.slice(0, namedShards).map((shard) => {
    const slots = several(shard.slots, "slot");
    if (shard.reason === "slots_uncovered") return `no node serves ${slots}`;
    return `shard ${shard.index} (${slots}): ${shard.state === "replay" ? "replaying" : shard.reason.replaceAll("_", " ")}`;
  });
  if (away.length > namedShards) reasons.push(`${away.length - namedShards} more`);
  return [`${shards.length - away.length} of ${several(shards.length, "shard")} connected`, ...reasons].join("; ");
}

function showState(last) {
  const { redis } = last;
  const cluster = redis?.cluster ?? null;
  element("shards").hidden = cluster === null;
  set("shards", cluster === null ? "" : shardsText(cluster));
  const level = redis === null || redis.state === "connected" ? "good" : "warn";
  pill(level, level === "good" ? "Healthy" : redis.state === "replay" ? "Recovering" : "Degraded");
  if (redis === null) {
    set("story", "");
    set("redis", "None");
    set("redis-detail", "the embedded store serves by choice");
    mark("redis-tile", null);
    return;
  }
  const since = duration(Math.max(0, (last.wall_ms - Date.parse(`${redis.since}Z`)) / 1000));
  const isPart = cluster !== null && redis.state !== "connected" && awayShards(cluster).length < cluster.shards.length;
  set("redis", isPart ? "In part" : { connected: "Connected", outage: "Away", replay: "Replaying" }[redis.state]);
  mark("redis-tile", level);
  if (redis.state === "connected") {
    set("story", "");
    set("redis-detail", `for ${since}; ${several(last.redis_client.deadlines_missed, "deadline")} missed`);
    return;
  }
  const slots = (shards) => sum(shards, (shard) => shard.slots);
  const whose = isPart ? ` for ${count(slots(awayShards(cluster)))} of ${several(slots(cluster.shards), "slot")}` : "";
  set("story", `${redis.detail ?? ""}, for ${since}. Memory answers${whose}.`);
  const { journal } = redis;
  set("redis-detail", journal.delete_everything
    ? "the journal is full: every string will be deleted from Redis"
    : `${several(journal.keys, "key")} and ${several(journal.patterns, "pattern")} to replay`);
}

/** The marks of the plots in words, the latest first. */
function showEvents(view) {
  const rows = view.marks.toReversed().map((each) => {
    const row = document.createElement("li");
    const time = document.createElement("time");
    time.textContent = timeOfDay(view.wallTime(each.begin_ms));
    const kind = document.createElement("span");
    kind.className = `event ${each.kind}`;
    kind.textContent = markText(each, view.to);
    row.append(time, kind, each.reason ?? "");
    return row;
  });
  const text = rows.map((row) => row.textContent).join("\n");
  if (element("events").dataset.text === text) return;
  element("events").dataset.text = text;
  element("events").replaceChildren(...rows);
  element("no-events").hidden = rows.length > 0;
}

// MARK: Polling

let polling = null;

async function poll() {
  clearTimeout(polling);
  await refresh();
  clearTimeout(polling);
  polling = setTimeout(poll, pollMilliseconds);
}

async function refresh() {
  if (isPaused || document.hidden) return;
  // A request that can only be refused would be noise on the console.
  if (!element("sign-in").hidden && apiKey === null) return;
  try {
    const answer = await ask(`dashboard/figures${instances.query}`, { signal: AbortSignal.timeout(5000) });
    if (answer.status === 401 || answer.status === 403) {
      askForKey(apiKey === null ? "" : await reason(answer));
      apiKey = null;
      return;
    }
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    instances.take(await answer.json());
    lastAnswered = Date.now();
    element("sign-in").hidden = true;
  } catch {
    pill("bad", "Unreachable");
    set("story", lastAnswered === null ? "no answer" : `no answer for ${duration((Date.now() - lastAnswered) / 1000)}`);
    return;
  }
  show();
}

// MARK: Start

function chooseRange(name) {
  range = ranges[name];
  for (const button of element("ranges").querySelectorAll("button")) button.setAttribute("aria-pressed", `${button.value === name}`);
  show();
}

for (const [name, options] of Object.entries(plots)) board.add(element(`plot-${name}`), options);
connectTools(ask);
if (document.body.dataset.access === "required") askForKey("");
element("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  apiKey = element("api-key").value;
  element("api-key").value = "";
  poll();
});
element("ranges").addEventListener("click", (event) => { if (event.target.value) chooseRange(event.target.value); });
element("instance").addEventListener("change", (event) => { instances.choose(event.target.value); show(); });
element("pause").addEventListener("click", () => {
  isPaused = !isPaused;
  element("pause").setAttribute("aria-pressed", `${isPaused}`);
  element("pause").textContent = isPaused ? "Go on" : "Pause";
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
new ResizeObserver(show).observe(element("plots"));
poll();
