// Numbers as people read them. What is not known is a dash.

const unknown = "–";
const whole = new Intl.NumberFormat("en");
const isKnown = (number) => number !== null && number !== undefined && Number.isFinite(number);

export function count(number) {
  return isKnown(number) ? whole.format(Math.round(number)) : unknown;
}

/** A rate, with a decimal if it is small. */
export function rate(number) {
  if (!isKnown(number)) return unknown;
  if (number >= 10 || Number.isInteger(number)) return whole.format(Math.round(number));
  return number >= 0.1 ? number.toFixed(1) : number.toFixed(2);
}

/** A rate with its unit, short enough for an axis. */
export function perSecond(number) {
  if (!isKnown(number)) return unknown;
  if (number >= 1e6) return `${trimmed(number / 1e6)} M/s`;
  if (number >= 10_000) return `${trimmed(number / 1000)} k/s`;
  return `${rate(number)}/s`;
}

function trimmed(number) {
  return number >= 100 ? number.toFixed(0) : String(Number(number.toFixed(1)));
}

export function bytes(number) {
  if (!isKnown(number)) return unknown;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (number >= 1024 && unit < units.length - 1) { number /= 1024; unit += 1; }
  return `${unit === 0 ? number.toFixed(0) : trimmed(number)} ${units[unit]}`;
}

export function milliseconds(number) {
  if (!isKnown(number)) return unknown;
  if (number < 1) return `${(number * 1000).toFixed(0)} µs`;
  if (number >= 1000) return `${trimmed(number / 1000)} s`;
  return `${number < 10 ? String(Number(number.toFixed(1))) : number.toFixed(0)} ms`;
}

/** A share of 1. */
export function percent(number) {
  if (!isKnown(number)) return unknown;
  const hundredths = number * 100;
  // 99.97 is not 100.
  return `${Number(hundredths.toFixed(number > 0.999 && number < 1 ? 2 : 1))} %`;
}

export function duration(seconds) {
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const and = (number, unit) => number > 0 ? ` ${number} ${unit}` : "";
  if (seconds < 600) return `${Math.floor(seconds / 60)} min${and(Math.floor(seconds % 60), "s")}`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h${and(Math.floor(seconds % 3600 / 60), "min")}`;
  return `${Math.floor(seconds / 86400)} d${and(Math.floor(seconds % 86400 / 3600), "h")}`;
}

/** `1 key`, `2 keys`. */
export function several(number, noun, nouns = `${noun}s`) {
  return `${whole.format(number)} ${number === 1 ? noun : nouns}`;
}

const twoDigits = (number) => String(number).padStart(2, "0");

/** The time of day here, of milliseconds since 1970. */
export function timeOfDay(milliseconds, { withSeconds = true } = {}) {
  const date = new Date(milliseconds);
  const minutes = `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
  return withSeconds ? `${minutes}:${twoDigits(date.getSeconds())}` : minutes;
}
