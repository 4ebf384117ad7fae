/** Records of one frame until the worker has stored them. */

/** Records that are kept while no worker takes them; what comes then is dropped and counted. */
export const OUTBOX_RECORDS_MAX = 5000;
/** Characters of them, as JSON. */
export const OUTBOX_CHARS_MAX = 4 * 1024 * 1024;

/** How long records wait for others before they go to the worker, and how many wait. */
export const GATHER_MS = 100;
export const GATHERED_RECORDS_MAX = 200;

/**
 * @typedef {object} Batch
 * @property {'records'} type
 * @property {string} bridgeId
 * @property {number} seq
 * @property {object[]} records
 * @property {number} dropped records that were lost since the batch before
 */

export class Outbox {
  /** @param {string} bridgeId */
  constructor(bridgeId) {
    this.bridgeId = bridgeId;
    this.seq = 0;
    this.dropped = 0;
    this.chars = 0;
    this.count = 0;
    /** @type {object[]} */
    this.open = [];
    /** @type {Batch[]} sealed and perhaps sent, oldest first */
    this.unstored = [];
    /** @type {Map<number, number>} seq -> characters */
    this.sizes = new Map();
    this.openChars = 0;
  }

  /** @returns {boolean} */
  get isEmpty() {
    return this.count === 0;
  }

  /**
   * @param {object} record
   * @param {number} chars that it has as JSON
   * @returns {number} milliseconds within which what is open is to be sealed and sent
   */
  add(record, chars) {
    if (this.count >= OUTBOX_RECORDS_MAX || this.chars + chars > OUTBOX_CHARS_MAX) {
      this.dropped += 1;
      return GATHER_MS;
    }
    this.open.push(record);
    this.openChars += chars;
    this.chars += chars;
    this.count += 1;
    return this.open.length < GATHERED_RECORDS_MAX ? GATHER_MS : 0;
  }

  /** @returns {Batch | null} what has been added since the last time, to be sent; null if nothing was */
  seal() {
    if (this.open.length === 0) return null;
    const { bridgeId, open: records, dropped } = this;
    this.seq += 1;
    /** @type {Batch} */
    const batch = { type: 'records', bridgeId, seq: this.seq, records, dropped };
    this.sizes.set(this.seq, this.openChars);
    this.unstored.push(batch);
    this.open = [];
    this.openChars = 0;
    this.dropped = 0;
    return batch;
  }

  /** @param {number} seq of a batch: it and all before it are safe */
  stored(seq) {
    while (this.unstored[0] && this.unstored[0].seq <= seq) {
      const batch = /** @type {Batch} */ (this.unstored.shift());
      this.count -= batch.records.length;
      this.chars -= this.sizes.get(batch.seq) ?? 0;
      this.sizes.delete(batch.seq);
    }
  }
}
