/** Times, numbers and sizes in words, at the edges between their units. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ago, count, sentence, size, span } from '../../extension/ui/words.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

test('a time ago', () => {
  const agoOf = (elapsedMs) => ago(1e12 - elapsedMs, 1e12);
  assert.deepEqual(
    [-SECOND_MS, 0, 1999, 2000, MINUTE_MS].map(agoOf),
    ['just now', 'just now', 'just now', '2 s ago', '1 min ago'],
  );
});

test('a length of time is rounded down to its largest unit', () => {
  assert.deepEqual(
    [0, MINUTE_MS - 1, MINUTE_MS, HOUR_MS - 1, HOUR_MS, 24 * HOUR_MS - 1, 24 * HOUR_MS, 72 * HOUR_MS].map(span),
    ['0 s', '59 s', '1 min', '59 min', '1 h', '23 h', '1 d', '3 d'],
  );
});

test('a number of things', () => {
  assert.deepEqual(
    [0, 1, 2, 12345].map((amount) => count(amount, 'record')),
    ['0 records', '1 record', '2 records', '12,345 records'],
  );
});

test('a size', () => {
  assert.deepEqual(
    [0, 1023, 1024, 1536, 1048576, 1572864].map(size),
    ['0 B', '1023 B', '1 KiB', '2 KiB', '1 MiB', '1.5 MiB'],
  );
});

test('a sentence begins with a capital, an address or a name as it is written', () => {
  assert.deepEqual(
    ['nothing answers at x', 'http://x answered 503', 'Failed to fetch', 'sessionStorage is full', ''].map(sentence),
    ['Nothing answers at x', 'http://x answered 503', 'Failed to fetch', 'sessionStorage is full', ''],
  );
});
