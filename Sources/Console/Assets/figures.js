// What the service says: how it is now, and its past. The past is kept here for each instance, and every answer brings what has come since.

export const ranges = { "5 min": 5 * 60_000, "1 h": 60 * 60_000, "6 h": 6 * 60 * 60_000 };

const promiseOfFineSamples = 5 * 60_000;
const leastSpan = 30_000;
const forgetAfter = 10 * 60_000;
const longestPast = 6 * 60 * 60_000;

/** A point of every plot, from the counts of one interval. */
function point(row, columns) {
  const sample = Object.fromEntries(columns.map((name, index) => [name, row[index]]));
  const seconds = sample.duration_ms / 1000;
  const reads = sample.hits + sample.misses;
  return {
    time: sample.time_ms,
    begin: sample.time_ms - sample.duration_ms,
    sample,
    get: reads / seconds,
    set: sample.sets / seconds,
    delete: sample.deletes / seconds,
    all: (reads + sample.sets + sample.deletes + sample.others) / seconds,
    ratio: share(sample.hits, reads),
    near: share(sample.near_hits, reads),
    fromRedis: share(sample.hits - sample.near_hits - sample.outage_hits, reads),
    fromMemory: share(sample.outage_hits, reads),
    missed: share(sample.misses, reads),
    p50: thousandth(sample.p50_us),
    p99: thousandth(sample.p99_us),
    errors: sample.errors / seconds,
    refusals: sample.refusals / seconds,
    degraded: sample.degraded / seconds,
    evictions: sample.evictions / seconds,
    expirations: sample.expirations / seconds,
    connections: sample.connections,
    inFlight: sample.in_flight,
    journal: sample.journal_keys,
    memory: sample.memory_bytes,
    nearBytes: sample.near_bytes,
    resident: sample.resident_bytes,
    processor: thousandth(sample.processor_permille),
    redisUsed: sample.redis_used_bytes,
    redisMaximum: sample.redis_maximum_bytes > 0 ? sample.redis_maximum_bytes : null,
    redisEvictions: sample.redis_evictions_per_second,
    deadlines: sample.deadlines_missed / seconds,
    notModified: sample.not_modified / seconds,
    stale: sample.stale_answers / seconds,
    outdated: sample.outdated_reads / seconds,
    leasesGiven: sample.leases_given / seconds,
    leasesHeld: sample.leases_held / seconds,
    leasesFilled: sample.leases_filled / seconds,
    leasesVoid: sample.leases_void / seconds,
    leaseWaiting: sample.lease_waiting,
  };
}

const share = (part, whole) => whole > 0 ? part / whole : null;
const thousandth = (number) => number === null ? null : number / 1000;

const summed = [
  "hits", "misses", "near_hits", "outage_hits", "sets", "deletes", "others", "degraded", "errors", "refusals", "deadlines_missed", "evictions",
  "expirations", "not_modified", "stale_answers", "outdated_reads", "leases_given", "leases_held", "leases_filled", "leases_void", "slow",
  "duration_ms",
];
const largest = ["p50_us", "p99_us", "connections", "in_flight", "redis_pending", "journal_keys", "lease_waiting", "processor_permille"];

/** Several points as one: what has happened since the last coarse sample. */
function merged(points, columns) {
  const samples = points.map((each) => each.sample);
  const row = columns.map((name) => {
    const values = samples.map((sample) => sample[name]);
    if (summed.includes(name)) return values.reduce((sum, value) => sum + value, 0);
    if (largest.includes(name)) return values.reduce((most, value) => value === null ? most : Math.max(most ?? 0, value), null);
    return values.at(-1);
  });
  return point(row, columns);
}

/** One process of the service. */
class Instance {
  fine = [];
  coarse = [];
  marks = new Map();
  seen = 0;

  take(figures) {
    const { history } = figures;
    if (history.whole) {
      this.fine = [];
      this.coarse = [];
      this.marks.clear();
    }
    this.columns = history.columns;
    this.fine.push(...history.fine.map((row) => point(row, history.columns)));
    this.coarse.push(...history.coarse.map((row) => point(row, history.columns)));
    const now = figures.time_ms;
    this.fine = this.fine.filter((each) => each.time > now - promiseOfFineSamples);
    this.coarse = this.coarse.filter((each) => each.time > now - longestPast);
    for (const mark of history.marks) this.marks.set(mark.number, mark);
    this.last = figures;
    this.historyTime = history.time_ms;
    this.seen = Date.now();
  }

  /** Of a time on the service's clock, milliseconds since 1970. */
  wallTime(time) {
    return time - this.last.time_ms + this.last.wall_ms;
  }

  /** The points of the last `range` milliseconds, and from when to when the plots go. A short past fills them too. */
  view(range) {
    const to = this.fine.at(-1)?.time ?? this.last.time_ms;
    const first = this.coarse[0]?.begin ?? this.fine[0]?.begin ?? to;
    const from = Math.max(to - range, Math.min(first, to - leastSpan));
    return { from, to, points: this.pointsSince(from, to), marks: this.marksSince(from, to), wallTime: (time) => this.wallTime(time) };
  }

  pointsSince(from, to) {
    if (to - from <= promiseOfFineSamples) return this.fine.filter((each) => each.time > from);
    const coarse = this.coarse.filter((each) => each.time > from);
    const rest = this.fine.filter((each) => each.time > (coarse.at(-1)?.time ?? from));
    return rest.length > 0 ? [...coarse, merged(rest, this.columns)] : coarse;
  }

  marksSince(from, to) {
    return [...this.marks.values()].filter((mark) => (mark.end_ms ?? to) >= from).sort((one, other) => one.begin_ms - other.begin_ms);
  }
}

/** Behind a load balancer each answer may come from another instance: the past of each is kept apart. */
export class Instances {
  #known = new Map();
  #chosen = null;

  /** What is asked of the service: which past is here already. */
  get query() {
    const have = [...this.#known].filter(([, instance]) => instance.historyTime !== null).map(([name, instance]) => `${name}:${instance.historyTime}`);
    return have.length > 0 ? `?have=${have.join(",")}` : "";
  }

  take(figures) {
    const instance = this.#known.get(figures.instance) ?? new Instance();
    instance.take(figures);
    this.#known.set(figures.instance, instance);
    for (const [name, other] of this.#known) if (Date.now() - other.seen > forgetAfter) this.#known.delete(name);
    if (this.#isGone(this.#chosen)) this.#chosen = figures.instance;
  }

  /** An instance that has not answered for a while, though others have, was most likely replaced. */
  #isGone(name) {
    const instance = this.#known.get(name);
    return instance === undefined || (this.#known.size > 1 && Date.now() - instance.seen > 60_000);
  }

  get names() { return [...this.#known.keys()].sort(); }
  get chosenName() { return this.#chosen; }
  get chosen() { return this.#known.get(this.#chosen) ?? null; }
  choose(name) { this.#chosen = name; }
}
