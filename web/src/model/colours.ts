/** A colour for each service, by number (`.c0`…), whatever was seen before: by its name, among those that are shown. */

export const COLOURS = 11;
export const BROWSER_COLOUR = 0;
const BROWSER = 'browser';

/** The colour of each of these services: that of its name, or the next free one where the one before it has that. */
export function coloursOf(services: Iterable<string>): ReadonlyMap<string, number> {
  const names = [...new Set(services)].filter((name) => name !== BROWSER).toSorted();
  const given = new Map<string, number>([[BROWSER, BROWSER_COLOUR]]);
  const taken = new Set<number>();
  const later: string[] = [];
  for (const name of names) {
    // Who has its name's colour keeps it, whoever else comes.
    if (taken.has(colourOf(name))) later.push(name);
    else given.set(name, colourOf(name));
    taken.add(colourOf(name));
  }
  for (const name of later) {
    let colour = colourOf(name);
    for (let step = 1; step < COLOURS && taken.has(colour); step += 1) colour = (colour % COLOURS) + 1;
    taken.add(colour);
    given.set(name, colour);
  }
  return given;
}

/** The colour of a service by its name alone. */
export function colourOf(service: string): number {
  return service === BROWSER ? BROWSER_COLOUR : (hash(service) % COLOURS) + 1;
}

function hash(text: string): number {
  let value = 2166136261;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 16777619) >>> 0;
  }
  return value >>> 3;
}
