/** A colour for each service, by number (`.c0`…): the same in every view for as long as the page is open. */

export const COLOURS = 11;
export const BROWSER_COLOUR = 0;

export class Colours {
  readonly #given = new Map<string, number>([['browser', BROWSER_COLOUR]]);

  /** The colour of a service: by its name, or the next free one if another service has that. */
  of(service: string): number {
    const known = this.#given.get(service);
    if (known !== undefined) return known;
    const taken = new Set(this.#given.values());
    const wanted = hash(service) % COLOURS;
    let colour = wanted;
    for (let step = 1; step < COLOURS && taken.has(colour + 1); step += 1) colour = (wanted + step) % COLOURS;
    this.#given.set(service, colour + 1);
    return colour + 1;
  }
}

function hash(text: string): number {
  let value = 2166136261;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 16777619) >>> 0;
  }
  return value >>> 3;
}
