// Where the lines of a grid stand: at round numbers, so that they can be read without thinking.

/** From 0 to `maximum` or above in steps of 1, 2 or 5 times a power of ten. */
export function decimalTicks(maximum) {
  return steps(maximum, roundStep(maximum / 4));
}

/** The same in steps that are round in KiB, MiB, GiB. */
export function binaryTicks(maximum) {
  const unit = 1024 ** Math.max(0, Math.floor(Math.log(maximum) / Math.log(1024)));
  const step = maximum / unit / 4;
  // 1,000 MiB are no rounder than 1,024.
  return steps(maximum, unit * (step < 0.25 ? roundStep(step) : 2 ** Math.ceil(Math.log2(step))));
}

/** Powers of ten that enclose both, for a logarithmic scale. */
export function decadeTicks(minimum, maximum) {
  const low = Math.floor(Math.log10(minimum));
  const high = Math.max(low + 1, Math.ceil(Math.log10(maximum)));
  return Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
}

function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * (1 - 1e-9));
}

function steps(maximum, step) {
  const count = Math.max(1, Math.ceil(maximum / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

const timeSteps = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

/** Round times of day here between two times, in milliseconds since 1970, as many as have room in so many pixels. */
export function timeTicks(from, to, room) {
  // A label of minutes is narrower than one of seconds.
  const fits = (step) => (to - from) / 1000 / step <= room / (step < 60 ? 66 : 50);
  const step = timeSteps.find(fits) ?? timeSteps.at(-1);
  const zone = new Date(to).getTimezoneOffset() * 60_000;
  const times = [];
  for (let time = Math.ceil((from - zone) / (step * 1000)) * step * 1000 + zone; time <= to; time += step * 1000) times.push(time);
  return { times, withSeconds: step < 60 };
}
