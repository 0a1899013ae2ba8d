"use strict";

// The figures come from dashboard/figures: counts since the start. What the page shows are differences between two of them.

const POLL_MS = 2000;
const WINDOW_MS = 5 * 60 * 1000;
const LEAST_WINDOW_MS = 60 * 1000;
const PROMISE_MS = 50;
const SVG = "http://www.w3.org/2000/svg";

const element = (id) => document.getElementById(id);

// MARK: Text

const whole = new Intl.NumberFormat("en");

function rate(number) {
  if (number === null || !Number.isFinite(number)) return "–";
  if (number >= 10 || number === 0) return whole.format(Math.round(number));
  return number.toFixed(1);
}

function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (number >= 1024 && unit < units.length - 1) { number /= 1024; unit += 1; }
  return `${unit === 0 || number >= 100 ? number.toFixed(0) : number.toFixed(1)} ${units[unit]}`;
}

function milliseconds(number) {
  if (number === null || !Number.isFinite(number)) return "–";
  if (number < 1) return `${(number * 1000).toFixed(0)} µs`;
  return `${number < 10 ? number.toFixed(1) : number.toFixed(0)} ms`;
}

function percent(number) {
  if (number === null) return "–";
  const hundredths = number * 100;
  return `${hundredths.toFixed(hundredths % 1 === 0 ? 0 : number > 0.999 ? 2 : 1)} %`;
}

function duration(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  const and = (count, unit) => count > 0 ? ` ${count} ${unit}` : "";
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h${and(Math.floor(seconds % 3600 / 60), "min")}`;
  return `${Math.floor(seconds / 86400)} d${and(Math.floor(seconds % 86400 / 3600), "h")}`;
}

/** `1 key`, `2 keys`. */
function several(number, noun, nouns = `${noun}s`) {
  return `${whole.format(number)} ${number === 1 ? noun : nouns}`;
}

// MARK: From counts to figures

const total = (counts) => counts.reduce((sum, count) => sum + count, 0);

function operations(figures, name) {
  const results = figures.operations[name];
  return total(Object.values(results));
}

/** The value below which a share of the durations lies, by interpolation within its bucket, in milliseconds. */
function quantile(share, bounds, counts) {
  const all = total(counts);
  if (all === 0) return null;
  let rank = share * all;
  for (let index = 0; index < counts.length; index += 1) {
    if (counts[index] > 0 && rank <= counts[index]) {
      const low = index === 0 ? 0 : bounds[index - 1];
      const high = index < bounds.length ? bounds[index] : bounds[bounds.length - 1];
      return (low + (high - low) * rank / counts[index]) * 1000;
    }
    rank -= counts[index];
  }
  return bounds[bounds.length - 1] * 1000;
}

/** What happened between two readings of one instance. */
function difference(earlier, later) {
  const seconds = (later.time_ms - earlier.time_ms) / 1000;
  const per = (name) => (operations(later, name) - operations(earlier, name)) / seconds;
  const counts = later.latency.counts.map((count, index) => count - earlier.latency.counts[index]);
  const hits = later.operations.get.hit - earlier.operations.get.hit;
  const misses = later.operations.get.miss - earlier.operations.get.miss;
  return {
    at: later.time_ms,
    get: per("get"), set: per("set"), delete: per("delete"),
    all: Object.keys(later.operations).reduce((sum, name) => sum + per(name), 0),
    ratio: hits + misses > 0 ? hits / (hits + misses) : null,
    p50: quantile(0.5, later.latency.bounds, counts),
    p99: quantile(0.99, later.latency.bounds, counts),
    slow: total(counts.filter((_, index) => index >= later.latency.bounds.indexOf(PROMISE_MS / 1000) + 1)),
    errors: later.http.errors - earlier.http.errors,
    memory: later.memory.bytes, bound: later.memory.maximum_bytes,
    evictions: (later.memory.evictions - earlier.memory.evictions) / seconds,
    expirations: (later.memory.expirations - earlier.memory.expirations) / seconds,
    connections: later.http.connections, inFlight: later.http.in_flight,
    journal: later.redis ? later.redis.journal.keys : null,
  };
}

// MARK: Plots

const WIDTH = 600;
const HEIGHT = 150;
const INSET = { left: 56, right: 8, top: 8, bottom: 18 };

function svg(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (parent) parent.append(node);
  return node;
}

/** One plot over the last minutes. `lines` are drawn, `promise` is a line that must not be crossed. */
class Plot {
  constructor(id, { lines, text, promise, floor, ceiling, decades }) {
    this.lines = lines;
    this.text = text;
    this.promise = promise;
    this.floor = floor ?? 1;
    this.ceiling = ceiling;
    this.decades = decades;
    this.cursor = null;
    const figure = element(id);
    this.image = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" }, figure);
    this.caption = figure.querySelector("figcaption").textContent;
    this.legend = document.createElement("div");
    this.legend.className = "legend";
    figure.append(this.legend);
    this.image.addEventListener("pointermove", (event) => {
      const box = this.image.getBoundingClientRect();
      this.cursor = (event.clientX - box.left) / box.width * WIDTH;
      this.draw(this.series ?? []);
    });
    this.image.addEventListener("pointerleave", () => { this.cursor = null; this.draw(this.series ?? []); });
  }

  draw(series) {
    this.series = series;
    // The picture is as wide as its place, so that letters keep their shape.
    const width = Math.max(200, this.image.clientWidth || WIDTH);
    this.image.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const end = series.length > 0 ? series[series.length - 1].at : 0;
    const values = series.flatMap((point) => this.lines.map((line) => line.of(point)).filter((value) => value !== null));
    const top = this.ceiling ?? niceCeiling(Math.max(this.floor, ...values, this.promise ?? 0));
    const span = series.length > 0 ? Math.max(LEAST_WINDOW_MS, end - series[0].at) : LEAST_WINDOW_MS;
    const x = (at) => INSET.left + (width - INSET.left - INSET.right) * (1 - (end - at) / span);
    const y = (value) => INSET.top + (HEIGHT - INSET.top - INSET.bottom) * (1 - this.share(value, top));

    this.image.replaceChildren();
    for (const value of this.decades ?? [0, top / 2, top]) {
      svg("line", { class: "grid", x1: INSET.left, x2: width - INSET.right, y1: y(value), y2: y(value) }, this.image);
      svg("text", { x: INSET.left - 6, y: y(value) + 4, "text-anchor": "end" }, this.image).textContent = this.text(value);
    }
    const step = [15, 30, 60].find((seconds) => span / 1000 / seconds <= 5.5) ?? 60;
    for (let ago = 0; ago * 1000 < span * 0.95; ago += step) {
      const text = ago === 0 ? "now" : ago % 60 === 0 ? `−${ago / 60} min` : `−${ago} s`;
      svg("text", { x: x(end - ago * 1000), y: HEIGHT - 4, "text-anchor": ago === 0 ? "end" : "middle" }, this.image).textContent = text;
    }
    if (this.promise !== undefined) {
      svg("line", { class: "promise", x1: INSET.left, x2: width - INSET.right, y1: y(this.promise), y2: y(this.promise) }, this.image);
    }
    for (const line of this.lines) {
      svg("path", { class: line.style, d: this.path(series, line, x, y) }, this.image);
      const last = series.length > 0 ? line.of(series[series.length - 1]) : null;
      if (last !== null) svg("circle", { class: line.style, cx: x(end), cy: y(last), r: 2.5 }, this.image);
    }

    const shown = this.shown(series, x, width);
    if (shown !== null && this.cursor !== null) svg("line", { class: "cursor", x1: x(shown.at), x2: x(shown.at), y1: INSET.top, y2: HEIGHT - INSET.bottom }, this.image);
    this.describe(shown, end);
  }

  /** How high a value stands, from 0 to 1: by its logarithm where the plot spans decades. */
  share(value, top) {
    if (this.decades === undefined) return Math.min(value, top) / top;
    const [low, high] = [Math.log10(this.decades[0]), Math.log10(this.decades[this.decades.length - 1])];
    return Math.min(1, Math.max(0, (Math.log10(Math.max(value, Number.MIN_VALUE)) - low) / (high - low)));
  }

  path(series, line, x, y) {
    let path = "";
    let isDown = false;
    for (const point of series) {
      const value = line.of(point);
      if (value === null) { isDown = false; continue; }
      path += `${isDown ? "L" : "M"}${x(point.at).toFixed(1)} ${y(value).toFixed(1)}`;
      isDown = true;
    }
    return path;
  }

  shown(series, x, width) {
    if (series.length === 0) return null;
    if (this.cursor === null) return series[series.length - 1];
    const cursor = this.cursor * width / WIDTH;
    return series.reduce((best, point) => Math.abs(x(point.at) - cursor) < Math.abs(x(best.at) - cursor) ? point : best);
  }

  describe(shown, end) {
    const parts = this.lines.map((line) => [line.style, line.name, shown === null ? "–" : this.text(line.of(shown))]);
    this.legend.replaceChildren(...parts.map(([style, name, text]) => {
      const entry = document.createElement("span");
      entry.className = style;
      const value = document.createElement("b");
      value.textContent = text;
      entry.append(`${name} `, value);
      return entry;
    }));
    if (shown !== null && this.cursor !== null) this.legend.append(`${duration((end - shown.at) / 1000)} ago`);
    this.image.setAttribute("aria-label", `${this.caption}: ${parts.map(([, name, text]) => `${name} ${text}`).join(", ")}`);
  }
}

/** 1, 2 or 5 times a power of ten, or more. */
function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= value);
}

const plots = {};

function makePlots() {
  plots.rate = new Plot("plot-rate", {
    text: rate, floor: 10,
    lines: [{ name: "get", style: "first", of: (p) => p.get }, { name: "set", style: "second", of: (p) => p.set }, { name: "delete", style: "third", of: (p) => p.delete }],
  });
  plots.ratio = new Plot("plot-ratio", { text: percent, ceiling: 1, lines: [{ name: "hits of reads", style: "first", of: (p) => p.ratio }] });
  plots.latency = new Plot("plot-latency", {
    text: milliseconds, promise: PROMISE_MS, decades: [0.01, 0.1, 1, 10, 100],
    lines: [{ name: "p50", style: "first", of: (p) => p.p50 }, { name: "p99", style: "second", of: (p) => p.p99 }],
  });
  plots.memory = new Plot("plot-memory", { text: (number) => number === null ? "–" : bytes(number), floor: 1024, lines: [{ name: "entries take", style: "first", of: (p) => p.memory }] });
  plots.evictions = new Plot("plot-evictions", {
    text: rate, lines: [{ name: "evicted to make room", style: "third", of: (p) => p.evictions }, { name: "expired", style: "first", of: (p) => p.expirations }],
  });
  plots.journal = new Plot("plot-journal", { text: (number) => number === null ? "–" : whole.format(Math.round(number)), floor: 10, lines: [{ name: "keys", style: "third", of: (p) => p.journal }] });
  plots.clients = new Plot("plot-clients", {
    text: rate, floor: 10,
    lines: [{ name: "connections", style: "first", of: (p) => p.connections }, { name: "requests in flight", style: "second", of: (p) => p.inFlight }],
  });
}

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

// MARK: The instances

/** Behind a load balancer each answer may come from another instance: counts are compared with those of the same one. */
const instances = new Map();
let chosen = null;
let isPaused = false;
let lastAnswered = null;

function take(figures) {
  const known = instances.get(figures.instance) ?? { series: [], last: null, seen: 0 };
  if (known.last !== null && figures.time_ms > known.last.time_ms) {
    known.series.push(difference(known.last, figures));
    known.series = known.series.filter((point) => figures.time_ms - point.at <= WINDOW_MS);
  }
  known.last = figures;
  known.seen = Date.now();
  instances.set(figures.instance, known);
  for (const [name, instance] of instances) if (Date.now() - instance.seen > WINDOW_MS) instances.delete(name);
  if (chosen === null || !instances.has(chosen)) chosen = figures.instance;
  showChoice();
}

function showChoice() {
  const select = element("instance");
  element("instance-choice").hidden = instances.size < 2;
  const names = [...instances.keys()].sort();
  if (names.join() !== [...select.options].map((option) => option.value).join()) {
    select.replaceChildren(...names.map((name) => new Option(name, name)));
  }
  select.value = chosen;
}

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

function show() {
  const instance = instances.get(chosen);
  if (!instance) return;
  const { last, series } = instance;
  const now = series[series.length - 1] ?? null;
  // Over about ten seconds, so that the tiles do not flicker.
  const recent = series.slice(-5);
  const mean = (of) => recent.length === 0 ? null : total(recent.map(of)) / recent.length;

  set("about", `${last.store === "redis" ? "On Redis" : "On the embedded store"} · version ${last.version} · up ${duration(last.uptime_seconds)} · instance ${last.instance}`);
  showState(last);

  set("rate", rate(mean((p) => p.all)), "/s");
  set("rate-detail", `${several(last.http.connections, "connection")}, ${whole.format(last.http.in_flight)} in flight`);

  const hits = last.operations.get.hit;
  const reads = hits + last.operations.get.miss;
  set("ratio", percent(now === null || now.ratio === null ? (reads > 0 ? hits / reads : null) : now.ratio));
  set("ratio-detail", reads > 0 ? `${percent(hits / reads)} since the start` : "no reads yet");

  const p99 = recent.map((p) => p.p99).filter((value) => value !== null);
  const worst = p99.length > 0 ? Math.max(...p99) : null;
  set("p99", milliseconds(worst));
  const slow = total(recent.map((p) => p.slow));
  set("p99-detail", slow > 0 ? `${several(slow, "answer")} above 50 ms` : "promise: 50 ms");
  mark("latency-tile", worst === null ? null : worst > PROMISE_MS ? "bad" : slow > 0 ? "warn" : null);

  set("memory", bytes(last.memory.bytes));
  const share = last.memory.bytes / last.memory.maximum_bytes;
  element("memory-meter").value = share;
  set("memory-detail", `of ${bytes(last.memory.maximum_bytes)}, ${several(last.memory.entries, "entry", "entries")}`);
  mark("memory-tile", share > 0.95 ? "warn" : null);

  const errors = total(series.map((p) => p.errors));
  set("errors", whole.format(errors));
  set("errors-detail", `in five minutes; ${whole.format(last.http.errors)} since the start`);
  mark("errors-tile", errors > 0 ? "bad" : null);

  element("plot-journal").hidden = last.redis === null;
  element("plot-clients").hidden = last.redis !== null;
  for (const plot of Object.values(plots)) plot.draw(series);
}

function showState(last) {
  const redis = last.redis;
  const level = redis === null || redis.state === "connected" ? "good" : "warn";
  pill(level, level === "good" ? "Healthy" : redis.state === "replay" ? "Recovering" : "Degraded");
  if (redis === null) {
    set("story", "");
    set("redis", "None");
    set("redis-detail", "the embedded store serves by choice");
    mark("redis-tile", null);
    return;
  }
  const since = duration(Math.max(0, (Date.now() - Date.parse(`${redis.since}Z`)) / 1000));
  set("redis", { connected: "Connected", outage: "Away", replay: "Replaying" }[redis.state]);
  mark("redis-tile", level);
  if (redis.state === "connected") {
    set("story", "");
    set("redis-detail", `for ${since}; ${several(last.redis_client.deadlines_missed, "deadline")} missed`);
  } else {
    set("story", `${redis.detail ?? ""}, for ${since}. Memory answers.`);
    const journal = redis.journal;
    set("redis-detail", journal.delete_everything
      ? "the journal is full: every string will be deleted from Redis"
      : `${several(journal.keys, "key")} and ${several(journal.patterns, "pattern")} to tell it of`);
  }
}

function pill(level, text) {
  const node = element("pill");
  if (node.textContent !== text) node.textContent = text;
  node.className = `pill ${level}`;
}

let polling = null;

async function poll() {
  clearTimeout(polling);
  await refresh();
  clearTimeout(polling);
  polling = setTimeout(poll, POLL_MS);
}

async function refresh() {
  if (!isPaused && !document.hidden) {
    try {
      // A request that can only be refused would be noise on the console.
      const answer = element("sign-in").hidden || apiKey !== null ? await ask("dashboard/figures", { signal: AbortSignal.timeout(5000) }) : null;
      if (answer === null) return;
      if (answer.status === 401 || answer.status === 403) {
        askForKey(apiKey === null ? "" : await reason(answer));
        apiKey = null;
        return;
      }
      if (!answer.ok) throw new Error(`${answer.status}`);
      take(await answer.json());
      lastAnswered = Date.now();
      element("sign-in").hidden = true;
      show();
    } catch {
      pill("bad", "Unreachable");
      set("story", lastAnswered === null ? "no answer" : `no answer for ${duration((Date.now() - lastAnswered) / 1000)}`);
    }
  }
}

// MARK: Keys

/** A button that must be pressed twice: what it does cannot be undone. */
function armed(button, text, action) {
  let timer = null;
  const disarm = () => { clearTimeout(timer); timer = null; button.classList.remove("armed"); button.textContent = text(); };
  button.onclick = async () => {
    if (timer === null) {
      button.classList.add("armed");
      button.textContent = "Press again to delete";
      timer = setTimeout(disarm, 4000);
      return;
    }
    disarm();
    button.disabled = true;
    try { await action(); } finally { button.disabled = false; }
  };
  disarm();
}

/** Fields of an answer as a list of terms. */
function describe(id, entries) {
  const list = document.createElement("dl");
  for (const [term, text] of entries) {
    const name = document.createElement("dt");
    name.textContent = term;
    const value = document.createElement("dd");
    value.textContent = text;
    list.append(name, value);
  }
  element(id).className = "result";
  element(id).replaceChildren(list);
}

function say(id, text, isBad = false) {
  element(id).className = isBad ? "result bad" : "result";
  element(id).textContent = text;
}

async function reason(answer) {
  try {
    const { detail } = await answer.json();
    return typeof detail === "string" ? detail : detail.map((fault) => fault.msg).join("; ");
  } catch {
    return `status ${answer.status}`;
  }
}

/** The value as the service sent it, not as a parser of numbers would write it again. */
function valueText(body) {
  const start = body.indexOf(',"value":', '{"success":true,"key":"'.length) + ',"value":'.length;
  const raw = body.slice(start, -1);
  let parsed;
  try { parsed = JSON.parse(body); } catch { return { raw: body, formatted: body }; }
  const pretty = JSON.stringify(parsed.value, null, 2);
  // Only where nothing is lost: digits beyond a double's, or a member that stands twice, stay as they are.
  return { raw, formatted: JSON.stringify(parsed.value) === compact(raw) ? pretty : raw };
}

/** JSON without the whitespace outside its strings. */
function compact(json) {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, string) => string ?? "");
}

async function lookUp(event) {
  event.preventDefault();
  const key = element("key").value;
  element("key-value").hidden = true;
  element("key-actions").hidden = true;
  say("key-result", "…");
  let answer;
  try { answer = await ask(`cache?key=${encodeURIComponent(key)}`); } catch { return say("key-result", "The service does not answer.", true); }
  if (answer.status === 404) return say("key-result", `There is no value for ${key}.`);
  if (!answer.ok) return say("key-result", await reason(answer), true);
  const status = answer.headers.get("Cache-Status") ?? "";
  const { raw, formatted } = valueText(await answer.text());
  const ttl = /ttl=(\d+)/.exec(status);
  describe("key-result", [
    ["Key", key],
    ["Expires", ttl ? `in ${duration(Number(ttl[1]))}` : "never"],
    ["Size", bytes(new TextEncoder().encode(raw).length)],
    ["From", { memory: "the embedded store", redis: "Redis", outage: "the embedded store, while Redis is away" }[/detail=(\w+)/.exec(status)?.[1]] ?? "–"],
  ]);
  element("key-value").textContent = formatted;
  element("key-value").hidden = false;
  element("key-actions").hidden = false;
  armed(element("key-delete"), () => "Delete this key", async () => {
    const deleted = await ask(`cache?key=${encodeURIComponent(key)}`, { method: "DELETE" });
    element("key-value").hidden = true;
    element("key-actions").hidden = true;
    if (deleted.ok) return say("key-result", `${key} is deleted.`);
    say("key-result", deleted.status === 404 ? `There was no value for ${key} any more.` : await reason(deleted), deleted.status !== 404);
  });
}

// MARK: Patterns

function invalidate(pattern, isDryRun) {
  return ask("cache/invalidate", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ pattern, dry_run: isDryRun }),
  });
}

async function count(event) {
  event.preventDefault();
  const pattern = element("pattern").value;
  element("pattern-actions").hidden = true;
  say("pattern-result", "…");
  let answer;
  try { answer = await invalidate(pattern, true); } catch { return say("pattern-result", "The service does not answer.", true); }
  if (!answer.ok) return say("pattern-result", await reason(answer), true);
  const found = (await answer.json()).keys_matched;
  const where = answer.headers.get("X-Cache-Degraded") ? " in memory; Redis is away, and is told when it is back" : "";
  say("pattern-result", `${several(found, "key matches", "keys match")} ${pattern}${where}.`);
  if (found === 0 && where === "") return;
  element("pattern-actions").hidden = false;
  armed(element("pattern-delete"), () => `Delete ${found === 1 ? "this key" : `these ${whole.format(found)} keys`}`, async () => {
    const done = await invalidate(pattern, false);
    element("pattern-actions").hidden = true;
    if (!done.ok) return say("pattern-result", await reason(done), true);
    const deleted = (await done.json()).keys_deleted;
    say("pattern-result", `${several(deleted, "key is", "keys are")} deleted.`);
  });
}

// MARK: Start

makePlots();
if (document.body.dataset.access === "required") askForKey("");
element("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  apiKey = element("api-key").value;
  element("api-key").value = "";
  poll();
});
element("key-form").addEventListener("submit", lookUp);
element("pattern-form").addEventListener("submit", count);
element("pattern").addEventListener("input", () => { element("pattern-actions").hidden = true; });
element("instance").addEventListener("change", (event) => { chosen = event.target.value; show(); });
element("pause").addEventListener("click", () => {
  isPaused = !isPaused;
  element("pause").setAttribute("aria-pressed", `${isPaused}`);
  element("pause").textContent = isPaused ? "Go on" : "Pause";
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) show(); });
window.addEventListener("resize", show);
poll();
