// Plots over one axis of time, with one crosshair over all of them.

import { decimalTicks, timeTicks } from "./scales.js";
import { count, duration, timeOfDay } from "./text.js";

const inset = { left: 62, right: 14, top: 20, bottom: 22 };
const letterWidth = 6;
/** Above this multiple of an interval without a sample a line is broken: the process was stopped. */
const gapFactor = 2.5;
const bridgedMilliseconds = 15_000;

function svg(name, attributes, parent) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent?.append(node);
  return node;
}

function html(name, className, parent, text = "") {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  parent?.append(node);
  return node;
}

/** In words what a mark stands for. */
export function markText(mark, to) {
  const lasted = duration(((mark.end_ms ?? to) - mark.begin_ms) / 1000);
  switch (mark.kind) {
  case "start": return "Started";
  case "outage": return mark.end_ms === null ? `Redis away for ${lasted}` : `Redis was away ${lasted}`;
  case "replay":
    if (mark.end_ms === null) return "Replaying";
    return mark.replayed_keys === null ? "Replay broke off" : `Replayed ${count(mark.replayed_keys)} ${mark.replayed_keys === 1 ? "key" : "keys"}`;
  default: return mark.kind;
  }
}

const shortMarkText = { start: () => "start", outage: (mark, to) => `away ${duration(((mark.end_ms ?? to) - mark.begin_ms) / 1000)}`, replay: () => "replay" };

/**
 * One plot.
 *
 * `lines`: `{ name, style, of: (point) => number or null, bridges, isOptional }`; a line that bridges goes on over short times without a value, an
 * optional one is left out while it is 0.
 * `text`: a value with its unit. `ticks`: the grid for the largest value. `floor`: the least that the top of the scale is.
 * `ceiling`: a fixed top. `limit`: `{ name, of: (points) => number or null }`, drawn if the values come near it.
 * `scale`: "log" for decades. `empty`: what is said if there is no value at all.
 */
class Plot {
  constructor(figure, board, options) {
    Object.assign(this, { figure, board, ticks: decimalTicks, floor: 1, empty: "nothing in this time", ...options });
    this.title = figure.querySelector("figcaption").textContent;
    this.picture = html("div", "picture", figure);
    this.image = svg("svg", { role: "img", tabindex: 0 }, this.picture);
    this.legend = html("div", "legend", figure);
    this.entries = this.lines.map((line) => {
      const entry = html("span", line.style, this.legend, `${line.name} `);
      return { line, entry, value: html("b", "", entry), most: html("i", "", entry) };
    });
    this.limitEntry = this.limit ? html("span", "limit", this.legend) : null;
    this.tooltip = html("div", "tooltip", this.picture);
    this.tooltip.hidden = true;
    this.tooltip.setAttribute("aria-hidden", "true");
    this.image.addEventListener("pointermove", (event) => board.point(this, this.timeAt(event.clientX)));
    this.image.addEventListener("pointerdown", (event) => board.point(this, this.timeAt(event.clientX)));
    this.image.addEventListener("pointerleave", () => board.point(null, null));
    this.image.addEventListener("keydown", (event) => board.key(this, event));
    this.image.addEventListener("blur", () => board.point(null, null));
  }

  get isShown() { return !this.figure.hidden; }

  isLineShown(line) { return !line.isOptional || this.view.points.some((each) => line.of(each) > 0); }

  get shownLines() { return this.lines.filter((line) => this.isLineShown(line)); }

  // MARK: Scales

  timeAt(clientX) {
    const box = this.image.getBoundingClientRect();
    const share = (clientX - box.left - inset.left) / Math.max(1, box.width - inset.left - inset.right);
    return this.view.from + Math.min(1, Math.max(0, share)) * (this.view.to - this.view.from);
  }

  x(time) {
    const share = (time - this.view.from) / (this.view.to - this.view.from);
    return inset.left + (this.width - inset.left - inset.right) * Math.min(1, Math.max(0, share));
  }

  y(value) {
    const [low, high] = [this.grid[0], this.grid.at(-1)];
    const share = this.scale === "log"
      ? (Math.log10(Math.max(value, low)) - Math.log10(low)) / (Math.log10(high) - Math.log10(low))
      : (value - low) / (high - low);
    return inset.top + (this.height - inset.top - inset.bottom) * (1 - Math.min(1, Math.max(0, share)));
  }

  // MARK: Drawing

  draw(view) {
    this.view = view;
    this.width = Math.max(200, this.image.clientWidth);
    this.height = Math.max(100, this.image.clientHeight);
    this.image.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.image.replaceChildren();
    const values = view.points.flatMap((each) => this.lines.map((line) => line.of(each))).filter((value) => value !== null && value !== undefined);
    const most = values.reduce((one, other) => Math.max(one, other), this.floor);
    const limit = this.limit?.of(view.points) ?? null;
    const showsLimit = limit !== null && (this.limit.isAlways || most >= limit / 3);
    const top = this.ceiling ?? Math.max(most, showsLimit ? limit : 0);
    this.grid = this.ticks(top, values);
    this.drawMarks(view);
    this.drawGrid(view);
    if (showsLimit) {
      svg("line", { class: "limit", x1: inset.left, x2: this.width - inset.right, y1: this.y(limit), y2: this.y(limit) }, this.image);
    }
    for (const line of this.shownLines.toReversed()) this.drawLine(line, view.points);
    if (values.length === 0) {
      svg("text", { class: "empty", x: (inset.left + this.width - inset.right) / 2, y: this.height / 2, "text-anchor": "middle" }, this.image)
        .textContent = typeof this.empty === "function" ? this.empty() : this.empty;
    }
    this.crosshair = svg("g", { class: "crosshair" }, this.image);
    this.describe(values, limit);
  }

  drawGrid(view) {
    for (const value of this.grid) {
      const y = this.y(value);
      svg("line", { class: "grid", x1: inset.left, x2: this.width - inset.right, y1: y, y2: y }, this.image);
      svg("text", { x: inset.left - 8, y: y + 4, "text-anchor": "end" }, this.image).textContent = this.text(value);
    }
    const room = this.width - inset.left - inset.right;
    const { times, withSeconds } = timeTicks(view.wallTime(view.from), view.wallTime(view.to), room);
    for (const time of times) {
      const text = timeOfDay(time, { withSeconds });
      const x = this.x(time - view.wallTime(0));
      svg("line", { class: "tick", x1: x, x2: x, y1: this.height - inset.bottom, y2: this.height - inset.bottom + 4 }, this.image);
      const half = text.length * letterWidth / 2;
      // A label that would stand out of the picture is left out; its tick is enough.
      if (x + half > this.width) continue;
      svg("text", { x, y: this.height - 5, "text-anchor": "middle" }, this.image).textContent = text;
    }
  }

  drawMarks(view) {
    let free = 0;
    for (const mark of view.marks) {
      const begin = this.x(mark.begin_ms);
      const end = this.x(mark.end_ms ?? view.to);
      const bottom = this.height - inset.bottom;
      if (mark.kind !== "start") {
        svg("rect", { class: `mark ${mark.kind}`, x: begin, y: inset.top, width: Math.max(2, end - begin), height: bottom - inset.top }, this.image);
      }
      if (mark.begin_ms >= view.from) svg("line", { class: `mark ${mark.kind}`, x1: begin, x2: begin, y1: inset.top - 6, y2: bottom }, this.image);
      const text = shortMarkText[mark.kind]?.(mark, view.to) ?? mark.kind;
      const width = text.length * letterWidth;
      const x = Math.min(begin, this.width - inset.right - width);
      if (x < free) continue;
      free = x + width + 8;
      svg("text", { class: `mark ${mark.kind}`, x, y: inset.top - 9 }, this.image).textContent = text;
    }
  }

  drawLine(line, points) {
    let [path, area, dots, run] = ["", "", [], []];
    const floor = this.y(this.grid[0]).toFixed(1);
    const end = () => {
      if (run.length === 1) dots.push(run[0]);
      if (run.length > 1) {
        const stroke = run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
        path += `M${stroke}`;
        area += `M${run[0][0].toFixed(1)} ${floor}L${stroke}L${run.at(-1)[0].toFixed(1)} ${floor}Z`;
      }
      run = [];
    };
    let last = null;
    for (const each of points) {
      const value = line.of(each);
      const interval = each.time - each.begin;
      const silence = last === null ? 0 : each.time - last;
      if (silence > Math.max(gapFactor * interval, line.bridges ? bridgedMilliseconds : 0)) end();
      if (value === null || value === undefined) {
        if (!line.bridges) end();
        continue;
      }
      run.push([this.x(each.time), this.y(value)]);
      last = each.time;
    }
    end();
    if (line === this.lines[0] && this.scale !== "log") svg("path", { class: `area ${line.style}`, d: area }, this.image);
    svg("path", { class: line.style, d: path }, this.image);
    for (const [cx, cy] of dots) svg("circle", { class: line.style, cx, cy, r: 1.8 }, this.image);
  }

  // MARK: Values

  /** The legend and the name for those who do not see the picture. */
  describe(values, limit) {
    const { points } = this.view;
    for (const { line, entry, most } of this.entries) {
      entry.hidden = !this.isLineShown(line);
      const own = points.map((each) => line.of(each)).filter((value) => value !== null && value !== undefined);
      most.textContent = own.length > 0 && this.showsMost !== false ? ` max ${this.text(own.reduce((one, other) => Math.max(one, other)))}` : "";
    }
    if (this.limitEntry) {
      this.limitEntry.hidden = limit === null;
      this.limitEntry.textContent = limit === null ? "" : `${this.limit.name} ${this.text(limit)}`;
    }
    this.showValues(null);
    const said = this.shownLines.map((line) => `${line.name} ${this.text(this.lastValue(line))}`);
    this.image.setAttribute("aria-label", `${this.title}: ${values.length > 0 ? said.join(", ") : "no values"}`);
  }

  /** The values of a point, or the last ones. */
  showValues(point) {
    for (const { line, value } of this.entries) value.textContent = this.text(point === null ? this.lastValue(line) : line.of(point));
  }

  /** Of a line that bridges short times without a value, the value before such a time. */
  lastValue(line) {
    const { points, to } = this.view;
    const last = line.bridges
      ? points.findLast((each) => to - each.time <= bridgedMilliseconds && line.of(each) !== null)
      : points.at(-1);
    return last === undefined ? null : line.of(last);
  }

  point(point, isPointedAt) {
    this.crosshair.replaceChildren();
    this.showValues(point);
    this.tooltip.hidden = point === null || !isPointedAt;
    if (point === null) return;
    const x = this.x(point.time);
    svg("line", { x1: x, x2: x, y1: inset.top, y2: this.height - inset.bottom }, this.crosshair);
    for (const line of this.shownLines) {
      const value = line.of(point);
      if (value !== null && value !== undefined) svg("circle", { class: line.style, cx: x, cy: this.y(value), r: 3.5 }, this.crosshair);
    }
    if (isPointedAt) this.showTooltip(point, x);
  }

  showTooltip(point, x) {
    const { view } = this;
    const rows = [html("time", "", null, this.timeText(point))];
    for (const line of this.shownLines) {
      const row = html("div", line.style, null, `${line.name} `);
      html("b", "", row, this.text(line.of(point)));
      rows.push(row);
    }
    for (const mark of view.marks) {
      if (mark.begin_ms <= point.time && (mark.end_ms ?? view.to) >= point.begin) rows.push(html("div", `mark ${mark.kind}`, null, markText(mark, view.to)));
    }
    this.tooltip.replaceChildren(...rows);
    const isRight = x > this.width / 2;
    this.tooltip.style.left = isRight ? "" : `${x + 12}px`;
    this.tooltip.style.right = isRight ? `${this.width - x + 12}px` : "";
  }

  timeText(point) {
    const time = timeOfDay(this.view.wallTime(point.time));
    const seconds = Math.round((point.time - point.begin) / 1000);
    return seconds > 1 ? `${time}, over ${seconds} s` : time;
  }

  /** The same for those who hear it. */
  sentence(point) {
    return `${this.timeText(point)}: ${this.shownLines.map((line) => `${line.name} ${this.text(line.of(point))}`).join(", ")}`;
  }
}

/** All plots, with their common time and crosshair. */
export class Board {
  #plots = [];
  #view = null;
  #time = null;
  #pointedAt = null;

  /** `announce` says a sentence to those who do not see. */
  constructor(announce) {
    this.announce = announce;
  }

  add(figure, options) {
    this.#plots.push(new Plot(figure, this, options));
  }

  draw(view) {
    this.#view = view;
    for (const plot of this.#plots) if (plot.isShown) plot.draw(view);
    if (this.#time !== null) this.point(this.#pointedAt, this.#time);
  }

  #nearest(time) {
    const { points } = this.#view;
    let [low, high] = [0, points.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle].time < time) low = middle + 1; else high = middle;
    }
    return low > 0 && time - points[low - 1].time < points[low].time - time ? low - 1 : low;
  }

  /** Puts the crosshair at a time; null takes it away. */
  point(plot, time) {
    this.#pointedAt = plot;
    this.#time = time;
    if (this.#view === null) return;
    const shown = time === null || this.#view.points.length === 0 ? null : this.#view.points[this.#nearest(time)];
    for (const each of this.#plots) if (each.isShown) each.point(shown, each === plot);
  }

  /** Arrows move the crosshair by a sample, with Shift by ten; Home and End to the ends; Escape takes it away. */
  key(plot, event) {
    const { points } = this.#view;
    if (points.length === 0) return;
    const step = event.shiftKey ? 10 : 1;
    const current = this.#time === null ? points.length : this.#nearest(this.#time);
    const target = { ArrowLeft: current - step, ArrowRight: current + step, Home: 0, End: points.length - 1 }[event.key];
    if (event.key === "Escape") return this.point(null, null);
    if (target === undefined) return;
    event.preventDefault();
    const point = points[Math.min(points.length - 1, Math.max(0, target))];
    this.point(plot, point.time);
    this.announce(plot.sentence(point));
  }
}
