/** Which trace a response names, and when that counts as another one than it was asked in. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { restartedTrace } from '../../../extension/page/server-timing.js';

const ASKED = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
const OTHER = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) };
const metric = ({ traceId, spanId }, name = 'traceparent') => ({ name, description: `00-${traceId}-${spanId}-01` });
const response = (serverTiming, differences = {}) => ({
  transferSize: 800,
  encodedBodySize: 500,
  serverTiming,
  ...differences,
});

test('a trace of its own is told, whatever else the header says', () => {
  assert.deepEqual(restartedTrace(response([metric(OTHER)]), ASKED), OTHER);
  assert.deepEqual(restartedTrace(response([metric(OTHER)]), null), OTHER);
  const names = [{ name: 'db', description: 'x' }, metric(OTHER, 'Traceparent')];
  assert.deepEqual(restartedTrace(response(names), ASKED), OTHER);
});

test('the trace that it was asked in is no other', () => {
  const sameTrace = { ...ASKED, spanId: OTHER.spanId };
  assert.equal(restartedTrace(response([metric(sameTrace)]), ASKED), null);
});

test('what is no traceparent is passed over', () => {
  const broken = { name: 'traceparent', description: `00-${'0'.repeat(32)}-${OTHER.spanId}-01` };
  assert.equal(restartedTrace(response([broken]), ASKED), null);
  assert.deepEqual(restartedTrace(response([broken, metric(OTHER)]), ASKED), OTHER);
  assert.equal(restartedTrace(response([metric(OTHER, 'traceresponse')]), ASKED), null);
  assert.equal(restartedTrace(response([]), ASKED), null);
  assert.equal(restartedTrace(response(undefined), ASKED), null);
});

test('what the cache repeats joins nothing: neither a whole response nor one that a 304 confirmed', () => {
  for (const transferSize of [0, 300, undefined]) {
    assert.equal(restartedTrace(response([metric(OTHER)], { transferSize }), ASKED), null);
  }
  const isEmpty = { transferSize: 300, encodedBodySize: 0 };
  assert.deepEqual(restartedTrace(response([metric(OTHER)], isEmpty), ASKED), OTHER);
});
