/** Times as people read them. Events carry unix nanoseconds as decimal strings, too long for a number. */

const NANOS_DIGITS = 9;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const COUNT_FORMAT = new Intl.NumberFormat('en');

/** `12,345`. */
export function countWords(count: number): string {
  return COUNT_FORMAT.format(count);
}

/** `1 event`, `12,345 events`. */
export function countOf(count: number, noun: string): string {
  return `${countWords(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Milliseconds from `base` to `time`, both unix nanoseconds as decimal strings; exact to the microsecond over years. */
export function sinceMs(time: string, base: string): number {
  const [seconds, nanos] = split(time);
  const [baseSeconds, baseNanos] = split(base);
  return (seconds - baseSeconds) * 1000 + (nanos - baseNanos) / 1e6;
}

/** Unix nanoseconds, as decimal text, of so many milliseconds after `base`; none before 1970. */
export function afterMs(base: string, ms: number): string {
  const nanos = BigInt(base) + BigInt(Math.round(ms * 1e6));
  return String(nanos > 0n ? nanos : 0n);
}

/** Unix milliseconds of unix nanoseconds. */
export function unixMs(time: string): number {
  const [seconds, nanos] = split(time);
  return seconds * 1000 + nanos / 1e6;
}

/** RFC 3339 with nine decimals, of unix nanoseconds. */
export function isoNanos(time: string): string {
  const [seconds, nanos] = split(time);
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}.${String(nanos).padStart(NANOS_DIGITS, '0')}Z`;
}

function split(time: string): [number, number] {
  const cut = time.length - NANOS_DIGITS;
  return cut > 0 ? [Number(time.slice(0, cut)), Number(time.slice(cut))] : [0, Number(time) || 0];
}

/** `412 ms`, `1.24 s`, `3 min 05 s`: three digits that matter. */
export function durationWords(ms: number): string {
  const size = Math.abs(ms);
  if (size === 0) return '0 ms';
  if (size < 0.0009995) return `${Math.round(ms * 1e6)} ns`;
  if (size < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (size < 9.995) return `${ms.toFixed(2)} ms`;
  if (size < 99.95) return `${ms.toFixed(1)} ms`;
  if (size < 999.5) return `${Math.round(ms)} ms`;
  if (size < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (size < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (Math.abs(seconds) < 3600) return `${Math.trunc(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (Math.abs(minutes) < 48 * 60) return `${Math.trunc(minutes / 60)} h ${two(minutes % 60)} min`;
  return `${Math.round(minutes / 1440)} days`;
}

/**
 * What stands at marks on an axis, so that those that are `stepMs` apart differ: `20.5 ms`, `5 min 00 s`; where these
 * are too long, `+300.020`, in seconds as in the time column.
 */
export function axisWords(times: readonly number[], stepMs: number): string[] {
  const largest = times.reduce((most, time) => Math.max(most, Math.abs(time)), 0);
  const inUnit = (ms: number, unit: string, sign = '') => {
    const decimals = Math.max(0, -Math.floor(Math.log10(stepMs / ms) + 1e-9));
    return times.map((time) => {
      const value = (Math.abs(time) / ms).toFixed(decimals);
      return `${time < 0 ? '−' : sign}${value}${unit}`;
    });
  };
  if (largest < 1) return inUnit(0.001, ' µs');
  if (largest < 1000) return inUnit(1, ' ms');
  if (largest < 60_000) return inUnit(1000, ' s');
  const words = times.map(durationWords);
  return stepMs >= 1000 && new Set(words).size === words.length ? words : inUnit(1000, '', '+');
}

/** `+0.412`, in seconds: the time column of a timeline, as the text answers have it. */
export function offsetWords(ms: number): string {
  const thousandths = Math.round(ms);
  return `${thousandths < 0 ? '−' : '+'}${(Math.abs(thousandths) / 1000).toFixed(3)}`;
}

/** Local date and time of an instant, to the second: `22 Nov 18:52:03`, with the year if it is not that of `now`. */
export function clockWords(instantMs: number, nowMs: number): string {
  if (!Number.isFinite(instantMs)) return 'unknown time';
  const date = new Date(instantMs);
  const now = new Date(nowMs);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === now.toDateString()) return time;
  const year = date.getFullYear() === now.getFullYear() ? '' : ` ${date.getFullYear()}`;
  return `${date.getDate()} ${MONTHS[date.getMonth()]}${year} ${time}`;
}

/** `3 min ago`, for a list that is looked at while things happen. */
export function agoWords(instantMs: number, nowMs: number): string {
  const seconds = Math.round((nowMs - instantMs) / 1000);
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 5) return seconds < -5 ? 'in the future' : 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} days ago`;
}

/** Milliseconds between two instants in RFC 3339. */
export function betweenMs(start: string, end: string): number {
  return Date.parse(end) - Date.parse(start);
}

function two(value: number): string {
  return String(Math.abs(value)).padStart(2, '0');
}
