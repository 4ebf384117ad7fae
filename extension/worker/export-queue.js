/**
 * Records on their way to the collector, kept in chrome.storage.session: the worker may be ended at any moment.
 *
 * What arrives together is written as one segment, in one write with the proof of its arrival. Segments are sent in
 * batches whose members are written down before the first attempt: a batch that is sent again has the same bytes, by
 * which the collector knows it. A segment goes when the collector has taken it.
 *
 * Records are kept as JSON: of objects Chrome counts two to three times as much.
 */

/** Bytes of all records as JSON; Chrome gives 10 MiB to all of storage.session. */
export const QUEUE_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes of one export request, before compression; one segment may be larger by its last record. */
export const BATCH_BYTES_MAX = 256 * 1024;
/** Records of one export request. */
export const BATCH_RECORDS_MAX = 512;

/**
 * @typedef {import('./otlp.js').Encoded} Encoded
 * @typedef {import('./otlp.js').Written} Written
 *
 * @typedef {object} QueueState
 * @property {number} head number of the oldest segment
 * @property {number} tail number of the next segment
 * @property {{ bytes: number, records: number }[]} sizes of the segments, oldest first
 * @property {number} bytes
 * @property {number} records
 * @property {number} exportedRecords
 * @property {number} droppedRecords
 * @property {number} rejectedRecords
 * @property {number} inFlight how many of the oldest segments are the batch being sent; 0: none
 * @property {boolean} tracesDone whether the traces of that batch were taken
 *
 * @typedef {object} SessionStorage what is needed of chrome.storage.session
 * @property {(keys: string[]) => Promise<Record<string, any>>} get
 * @property {(items: Record<string, any>) => Promise<void>} set
 * @property {(keys: string[]) => Promise<void>} remove
 */

export const QUEUE_KEY = 'queue';
const ENCODER = new TextEncoder();

/** @returns {QueueState} */
export function emptyQueue() {
  return {
    head: 0,
    tail: 0,
    sizes: [],
    bytes: 0,
    records: 0,
    exportedRecords: 0,
    droppedRecords: 0,
    rejectedRecords: 0,
    inFlight: 0,
    tracesDone: false,
  };
}

export class ExportQueue {
  /**
   * @param {SessionStorage} storage
   * @param {QueueState} [state] as it was stored
   */
  constructor(storage, state = emptyQueue()) {
    this.storage = storage;
    this.state = state;
  }

  /**
   * Store records; they are safe when this returns. What does not fit is dropped and counted.
   * @param {Encoded} encoded
   * @param {Record<string, any>} [alongside] other keys that must be written with them or not at all
   */
  async add(encoded, alongside = {}) {
    const { state } = this;
    /** @type {Record<string, any>} */
    const items = { ...alongside };
    for (const { segment, bytes } of segmentsOf(encoded)) {
      const records = segment.traces.length + segment.logs.length;
      if (state.bytes + bytes > QUEUE_BYTES_MAX) {
        state.droppedRecords += records;
        continue;
      }
      items[segmentKey(state.tail)] = segment;
      state.tail += 1;
      state.sizes.push({ bytes, records });
      state.bytes += bytes;
      state.records += records;
    }
    await this.storage.set({ ...items, [QUEUE_KEY]: state });
  }

  /**
   * Count records that were lost before they came here.
   * @param {number} count
   */
  countDropped(count) {
    this.state.droppedRecords += count;
  }

  /** @returns {Promise<Written | null>} the batch to send, the same until it is settled; null: nothing is waiting */
  async batch() {
    const { state } = this;
    if (state.sizes.length === 0) return null;
    if (state.inFlight === 0) {
      state.inFlight = batchLength(state.sizes);
      state.tracesDone = false;
      await this.#save();
    }
    const keys = Array.from({ length: state.inFlight }, (_, index) => segmentKey(state.head + index));
    const stored = await this.storage.get(keys);
    /** @type {Written} */
    const batch = { traces: [], logs: [] };
    for (const key of keys) {
      batch.traces.push(...(stored[key]?.traces ?? []));
      batch.logs.push(...(stored[key]?.logs ?? []));
    }
    return batch;
  }

  /** The traces of the batch were taken or given up; only its logs are to be sent again. */
  async settleTraces() {
    this.state.tracesDone = true;
    await this.#save();
  }

  /**
   * The batch is done with.
   * @param {{ rejected: number, dropped: number }} lost how many of its records were not taken
   */
  async settle({ rejected, dropped }) {
    const { state } = this;
    const keys = Array.from({ length: state.inFlight }, (_, index) => segmentKey(state.head + index));
    const done = state.sizes.splice(0, state.inFlight);
    const records = done.reduce((sum, size) => sum + size.records, 0);
    state.head += done.length;
    state.bytes -= done.reduce((sum, size) => sum + size.bytes, 0);
    state.records -= records;
    state.exportedRecords += records - rejected - dropped;
    state.rejectedRecords += rejected;
    state.droppedRecords += dropped;
    state.inFlight = 0;
    state.tracesDone = false;
    await this.#save();
    await this.storage.remove(keys);
  }

  async #save() {
    await this.storage.set({ [QUEUE_KEY]: this.state });
  }
}

/**
 * @param {number} number
 * @returns {string}
 */
function segmentKey(number) {
  return `segment:${number}`;
}

/**
 * @param {{ bytes: number, records: number }[]} sizes
 * @returns {number} how many segments go into the next batch: at least one
 */
function batchLength(sizes) {
  let bytes = 0;
  let records = 0;
  let length = 0;
  for (const size of sizes) {
    bytes += size.bytes;
    records += size.records;
    if (length > 0 && (bytes > BATCH_BYTES_MAX || records > BATCH_RECORDS_MAX)) break;
    length += 1;
  }
  return length;
}

/**
 * @param {Encoded} encoded
 * @returns {{ segment: Written, bytes: number }[]} parts that each fit into one export request; none if there are no
 *   records
 */
function segmentsOf(encoded) {
  /** @type {{ segment: Written, bytes: number }[]} */
  const segments = [];
  let records = 0;
  for (const signal of /** @type {const} */ (['traces', 'logs'])) {
    for (const record of encoded[signal]) {
      const last = segments.at(-1);
      const isFull = !last || last.bytes >= BATCH_BYTES_MAX || records >= BATCH_RECORDS_MAX;
      const open = isFull ? { segment: { traces: [], logs: [] }, bytes: 0 } : last;
      if (isFull) {
        segments.push(open);
        records = 0;
      }
      const text = JSON.stringify(record);
      open.segment[signal].push(text);
      open.bytes += ENCODER.encode(text).length;
      records += 1;
    }
  }
  return segments;
}
