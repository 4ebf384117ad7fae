/** Server-sent events, cut out of a text that comes in pieces. https://html.spec.whatwg.org/multipage/server-sent-events.html */

export const EVENT_CHARS_MAX = 4_000_000;

/** Feed it pieces; it returns the data of the events that are complete. */
export class EventStreamReader {
  #rest = '';
  #data: string[] = [];
  #chars = 0;

  /** Throws RangeError if one event is longer than EVENT_CHARS_MAX. */
  read(piece: string): string[] {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    const found: string[] = [];
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) found.push(this.#data.join('\n'));
        this.#data = [];
        this.#chars = 0;
      } else if (line.startsWith('data:')) {
        this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
        this.#chars += line.length;
      }
    }
    if (this.#rest.length + this.#chars > EVENT_CHARS_MAX) throw new RangeError('an event of the stream is too long');
    return found;
  }
}
