// What the page does, not only shows: look a key up and delete it, count and delete by pattern, invalidate a tag.

import { bytes, count, duration, several } from "./text.js";

const element = (id) => document.getElementById(id);
const silent = "The service does not answer.";
const retryMilliseconds = 3000;
/** Longer values are not shown. */
const shownBytes = 1024 * 1024;

export function say(id, text, isBad = false) {
  element(id).className = isBad ? "result bad" : "result";
  element(id).textContent = text;
}

/** Why the service refused. */
export async function reason(answer) {
  try {
    const { detail } = await answer.json();
    return typeof detail === "string" ? detail : detail.map((fault) => fault.msg).join("; ");
  } catch {
    return `status ${answer.status}`;
  }
}

/** A button that must be pressed twice: what it does cannot be undone. Returns what makes the first press void. */
function armed(button, text, action, again = "Press again to delete") {
  let timer = null;
  const disarm = () => { clearTimeout(timer); timer = null; button.classList.remove("armed"); button.textContent = text; };
  button.onclick = async () => {
    if (button.form && !button.form.reportValidity()) return;
    if (timer === null) {
      button.classList.add("armed");
      button.textContent = again;
      timer = setTimeout(disarm, 4000);
      return;
    }
    disarm();
    button.disabled = true;
    try { await action(); } finally { button.disabled = false; }
  };
  disarm();
  return disarm;
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

// MARK: Keys

/** JSON as the service sent it, not as a parser of numbers would write it again. */
function formattedJSON(raw) {
  let parsed;
  try { parsed = JSON.parse(raw); } catch { return raw; }
  // Only if nothing is lost: digits beyond a double's, or a member that stands twice, stay as they are.
  return JSON.stringify(parsed) === compact(raw) ? JSON.stringify(parsed, null, 2) : raw;
}

/** JSON without the whitespace outside its strings. */
function compact(json) {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, string) => string ?? "");
}

const stores = { memory: "the embedded store", redis: "Redis", outage: "the embedded store, while Redis is away", near: "a copy of what Redis answered" };

/** How long a value is fresh, or that it no longer is. */
function freshness({ ttl_ms: left }) {
  if (left === null) return "never";
  return left < 0 ? `stale for ${duration(-left / 1000)}` : `in ${duration(left / 1000)}`;
}

function leaseText({ lease }) {
  if (lease === null) return "nobody has it";
  return lease.milliseconds === null ? "held" : `held, for ${duration(lease.milliseconds / 1000)} more`;
}

/** Whether the bytes of a value can be shown as they are. */
function isText({ media_type: type, content_encoding: coding, bytes: size }) {
  return coding === null && size <= shownBytes && (type.startsWith("text/") || /^application\/([\w.-]+\+)?(json|xml)\b/.test(type));
}

function keyEntries(key, found) {
  const stored = !found.found ? [] : [
    ["Expires", freshness(found)],
    ["Size", bytes(found.bytes)],
    ["Media type", found.content_encoding === null ? found.media_type : `${found.media_type}, ${found.content_encoding}`],
    ["Entity tag", found.etag],
  ];
  const tags = found.tags.length > 0 ? [["Tags", found.tags.join(", ")]] : [];
  return [["Key", key], ...stored, ...tags, ["Lease", leaseText(found)], ["From", stores[found.source] ?? "–"]];
}

function hideValue() {
  element("key-value").hidden = true;
  element("key-actions").hidden = true;
}

async function lookUp(ask) {
  const key = element("key").value;
  const query = `key=${encodeURIComponent(key)}`;
  hideValue();
  say("key-result", "…");
  let answer;
  let found;
  let text = null;
  try {
    answer = await ask(`dashboard/key?${query}`);
    if (!answer.ok) return say("key-result", await reason(answer), true);
    found = await answer.json();
    if (found.found && isText(found)) {
      const value = await ask(`values?${query}`);
      if (value.ok) text = await value.text();
    }
  } catch { return say("key-result", silent, true); }
  if (!found.found && found.lease === null && !found.outdated) return say("key-result", `There is no value for ${key}.`);
  describe("key-result", keyEntries(key, found));
  if (!found.found) {
    const why = found.outdated ? `The value of ${key} is a miss: one of its tags has been invalidated.` : `There is no value for ${key} yet.`;
    return element("key-result").prepend(why);
  }
  element("key-value").hidden = text === null;
  if (text !== null) element("key-value").textContent = /json\b/.test(found.media_type) ? formattedJSON(text) : text;
  element("key-actions").hidden = false;
  armed(element("key-delete"), "Delete this key", () => deleteKey(ask, key));
}

async function deleteKey(ask, key) {
  let deleted;
  try { deleted = await ask(`cache?key=${encodeURIComponent(key)}`, { method: "DELETE" }); } catch { return say("key-result", silent, true); }
  hideValue();
  if (deleted.ok) return say("key-result", `${key} is deleted.`);
  say("key-result", deleted.status === 404 ? `There was no value for ${key} any more.` : await reason(deleted), deleted.status !== 404);
}

// MARK: Patterns

/** While a number is not known the page asks again; whatever is asked or typed anew ends that. */
let turn = 0;
let retry = null;

function beginTurn() {
  clearTimeout(retry);
  turn += 1;
  return turn;
}

function invalidate(ask, pattern, isDryRun) {
  return ask("cache/invalidate", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ pattern, dry_run: isDryRun }),
  });
}

/** Whether an answer is only of what memory holds, while Redis is away. */
function isIncomplete(answer, figures, number) {
  return figures.complete === false || typeof number !== "number" || answer.headers.has("X-Cache-Degraded");
}

function offerDeletion(ask, pattern, text) {
  element("pattern-actions").hidden = false;
  armed(element("pattern-delete"), text, () => deleteMatching(ask, pattern));
}

async function countMatching(ask) {
  const own = beginTurn();
  const pattern = element("pattern").value;
  element("pattern-actions").hidden = true;
  say("pattern-result", "…");
  let isUnknownSaid = false;
  const attempt = async () => {
    let answer;
    let figures;
    try {
      answer = await invalidate(ask, pattern, true);
      figures = answer.ok ? await answer.json() : { detail: await reason(answer) };
    } catch {
      if (own !== turn) return;
      if (!isUnknownSaid) return say("pattern-result", silent, true);
      retry = setTimeout(attempt, retryMilliseconds);
      return;
    }
    if (own !== turn) return;
    if (!answer.ok) {
      element("pattern-actions").hidden = true;
      return say("pattern-result", figures.detail, true);
    }
    const found = figures.keys_matched;
    if (!isIncomplete(answer, figures, found)) {
      say("pattern-result", `${several(found, "key matches", "keys match")} ${pattern}.`);
      element("pattern-actions").hidden = found === 0;
      if (found > 0) offerDeletion(ask, pattern, `Delete ${found === 1 ? "this key" : `these ${count(found)} keys`}`);
      return;
    }
    // Once: what has been said is not said again, and a button that is about to be pressed stays as it is.
    if (!isUnknownSaid) {
      say("pattern-result", `How many keys match ${pattern} is unknown while Redis is away. This page keeps asking.`);
      offerDeletion(ask, pattern, "Delete what matches when Redis is back");
      isUnknownSaid = true;
    }
    retry = setTimeout(attempt, retryMilliseconds);
  };
  await attempt();
}

async function deleteMatching(ask, pattern) {
  beginTurn();
  let done;
  try { done = await invalidate(ask, pattern, false); } catch { return say("pattern-result", silent, true); }
  element("pattern-actions").hidden = true;
  if (!done.ok) return say("pattern-result", await reason(done), true);
  const figures = await done.json();
  const deleted = figures.keys_deleted;
  if (isIncomplete(done, figures, deleted)) {
    return say("pattern-result", `What matches ${pattern} will be deleted when Redis is back. Until then it is not served.`);
  }
  say("pattern-result", `${several(deleted, "key is", "keys are")} deleted.`);
}

// MARK: Tags

async function invalidateTag(ask) {
  const tag = element("tag").value;
  let done;
  let figures;
  try {
    done = await ask("cache/invalidate", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ tag }),
    });
    if (!done.ok) return say("tag-result", await reason(done), true);
    figures = await done.json();
  } catch { return say("tag-result", silent, true); }
  if (figures.complete === false) {
    return say("tag-result", `Values with the tag ${tag} are misses here. Other instances hear of it when Redis is back.`);
  }
  say("tag-result", `Every value with the tag ${tag} is a miss.`);
}

function connectTags(ask) {
  const disarm = armed(element("tag-invalidate"), "Invalidate", () => invalidateTag(ask), "Press again to invalidate");
  // The button does what is to be done.
  element("tag-form").addEventListener("submit", (event) => event.preventDefault());
  // Another tag must be confirmed anew.
  element("tag").addEventListener("input", () => { disarm(); say("tag-result", ""); });
}

/** Connects the forms. `ask` is `fetch` with the caller's key. */
export function connectTools(ask) {
  connectTags(ask);
  element("key-form").addEventListener("submit", (event) => { event.preventDefault(); lookUp(ask); });
  element("pattern-form").addEventListener("submit", (event) => { event.preventDefault(); countMatching(ask); });
  element("pattern").addEventListener("input", () => {
    beginTurn();
    element("pattern-actions").hidden = true;
    say("pattern-result", "");
  });
}
