/** What the worker finishes for a popup that is gone, and whether there is a page to show a session. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { SWITCHING_ON_MS_MAX, finishSwitchingOn } from '../../../extension/worker/switching-on.js';
import { PAGE_TIMEOUT_MS, timelinePage } from '../../../extension/worker/timeline-page.js';
import { DEFAULT_SETTINGS } from '../../../extension/worker/settings.js';
import { WorkerState } from '../../../extension/worker/state.js';

const NOW = 1_795_000_000_000;
const ORIGIN = 'https://shop.example:8443';
/** @type {Record<string, any>} */
let kept;
/** @type {string[]} */
let permitted;
/** @type {any} */
let worker;

beforeEach(() => {
  kept = {};
  permitted = [];
  const session = {
    get: async (key) => (key in kept ? { [key]: kept[key] } : {}),
    remove: async (key) => void delete kept[key],
  };
  globalThis.chrome = /** @type {any} */ ({
    storage: { session, local: session },
    permissions: { contains: async ({ origins }) => origins.every((one) => permitted.includes(one)) },
    tabs: { query: async () => [] },
  });
  const state = new WorkerState({ ...DEFAULT_SETTINGS }, {});
  worker = {
    now: () => NOW,
    ready: Promise.resolve(state),
    change: (work) => work(state),
    useSettings: async (_, settings) => void (state.settings = settings),
    settings: () => state.settings,
  };
});

const FINISHED = [
  { name: 'permitted', at: NOW - SWITCHING_ON_MS_MAX, origins: [ORIGIN], isNoted: false },
  { name: 'too long ago', at: NOW - SWITCHING_ON_MS_MAX - 1, origins: [], isNoted: false },
  { name: 'another permission was given', at: NOW, isOther: true, origins: [], isNoted: true },
];

for (const { name, at, isOther = false, origins, isNoted } of FINISHED) {
  test(`a permission was given: ${name}`, async () => {
    kept['switching-on'] = { origin: ORIGIN, at };
    permitted = [isOther ? 'https://other.example/*' : 'https://shop.example/*'];
    await finishSwitchingOn(worker);
    assert.deepEqual(worker.settings().origins, origins);
    assert.equal('switching-on' in kept, isNoted);
  });
}

test('a permission was given, and nothing was wanted', async () => {
  permitted = ['https://shop.example/*'];
  await finishSwitchingOn(worker);
  assert.deepEqual(worker.settings().origins, []);
});

const ENDPOINT = 'http://127.0.0.1:4319';
const ANSWERS = [
  { name: 'a page', answer: () => new Response('<p>', { headers: { 'content-type': 'text/html; charset=utf-8' } }) },
  { name: 'an older collector', answer: () => new Response('{}', { headers: { 'content-type': 'application/json' } }) },
  { name: 'not built', answer: () => new Response('no', { status: 404, headers: { 'content-type': 'text/html' } }) },
  { name: 'nothing', answer: () => Promise.reject(new TypeError('Failed to fetch')) },
];

for (const [index, { name, answer }] of ANSWERS.entries()) {
  test(`whether there is a timeline page: ${name}`, async () => {
    const asked = [];
    const send = async (url, init) => {
      asked.push([url, init.credentials]);
      assert.equal(init.signal.aborted, false);
      return answer();
    };
    assert.equal(await timelinePage(/** @type {any} */ (send), ENDPOINT), index === 0 ? ENDPOINT : '');
    assert.deepEqual(asked, [[`${ENDPOINT}/`, 'omit']]);
  });
}

test('a query port that says nothing is not waited for', async (context) => {
  const waited = [];
  context.mock.method(AbortSignal, 'timeout', (ms) => {
    waited.push(ms);
    return AbortSignal.abort();
  });
  const send = async (_, { signal }) => signal.throwIfAborted();
  assert.equal(await timelinePage(/** @type {any} */ (send), ENDPOINT), '');
  assert.deepEqual(waited, [PAGE_TIMEOUT_MS]);
});
