/** Records of one frame until the worker has stored them. */

/** Records that are kept while no worker takes them; what comes then is dropped and counted. */
export const OUTBOX_RECORDS_MAX = 5000;
/** Characters of them, as JSON. */
export const OUTBOX_CHARS_MAX = 4 * 1024 * 1024;

/** Messages beside records that a page which is prerendered keeps until it is shown. */
export const HELD_MAX = 100;

/**
 * @typedef {object} Batch
 * @property {'records'} type
 * @property {string} bridgeId
 * @property {number} seq
 * @property {number} count
 * @property {string} text the records, a list as JSON
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
    /** @type {Batch[]} oldest first */
    this.unstored = [];
    /** @type {object[]} */
    this.held = [];
  }

  /** @param {any} message that cannot be sent yet: records wait here anyhow */
  hold(message) {
    if (message.type !== 'records' && this.held.length < HELD_MAX) this.held.push(message);
  }

  /** @returns {object[]} what was held, once */
  release() {
    return this.held.splice(0);
  }

  /** @returns {boolean} */
  get isEmpty() {
    return this.count === 0;
  }

  /**
   * @param {number} count
   * @param {string} text so many records, a list as JSON
   * @returns {Batch | null} to be sent; null if there is no room for it
   */
  add(count, text) {
    if (this.count + count > OUTBOX_RECORDS_MAX || this.chars + text.length > OUTBOX_CHARS_MAX) {
      this.dropped += count;
      return null;
    }
    const { bridgeId, dropped } = this;
    this.seq += 1;
    /** @type {Batch} */
    const batch = { type: 'records', bridgeId, seq: this.seq, count, text, dropped };
    this.unstored.push(batch);
    this.chars += text.length;
    this.count += count;
    this.dropped = 0;
    return batch;
  }

  /** @param {number} seq of a batch: it and all before it are safe */
  stored(seq) {
    while (this.unstored[0] && this.unstored[0].seq <= seq) {
      const batch = /** @type {Batch} */ (this.unstored.shift());
      this.count -= batch.count;
      this.chars -= batch.text.length;
    }
  }
}
