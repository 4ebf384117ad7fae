/**
 * An independent check: the same page under OpenTelemetry's own web SDK and browser instrumentation makes the same
 * requests and events, with equal attributes. What differs stands in DIFFERENCES, each with its reason.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { officialScript } from '../official/bundle.mjs';
import { Browser, html, sessionTrace, startAll, startCollector, startSite, storedId, until } from './stage.mjs';

/** What only one side says, with the reason; a difference that no longer occurs fails. */
const DIFFERENCES = {
  spans: {
    official: { 'http.response.status_code=0': 'a request that failed has no status: it has an error.type' },
    ours: { 'session.id': 'what all this is for', 'error.type=TypeError': 'what a failed fetch is rejected with' },
  },
  events: {
    official: { 'browser.element.attributes': 'attributes of elements are not read' },
    ours: {
      'session.id': 'what all this is for',
      'http.response.status_code': 'resource timing knows it; the official package leaves it out',
    },
  },
};
/** A GET that fails is sent once more, without our headers: it may have been a redirect that did not bear them. */
const SENT_TWICE = '/api/broken';
const REQUESTS = ['/api/ok?q=1', '/api/missing', SENT_TWICE, '/api/xhr'];
/** How many events of these names come of what act does. */
const COUNTS = { 'browser.console': 5, exception: 2, 'browser.navigation': 3 };
const ONCE = ['browser.user_action.click', 'browser.navigation_timing', 'browser.web_vital'];
/** Attributes whose values are of this one run. */
const OF_THE_RUN = new RegExp(
  'timing\\.(?!type|initiator_type|next_hop|render_blocking|redirect_count)' +
    '|web_vital\\.(value|delta|id|rating)|page\\.[xy]|stacktrace|server\\.port',
);

/** @type {Browser} */
let plain;
/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startCollector>>} */
let collector;
/** @type {any[]} */
let sites = [];
/** @type {Record<string, { spans: any[], events: any[] }>} */
const made = {};

async function act() {
  const text = (response) => response.text();
  await fetch('/api/ok?q=1').then(text);
  await fetch('/api/missing', { method: 'POST', body: 'x' }).then(text);
  await fetch('/api/broken').catch(() => {});
  await new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('PUT', '/api/xhr');
    request.onloadend = resolve;
    request.send('x');
  });
  for (const method of ['debug', 'log', 'info', 'warn', 'error']) console[method]('said by', method);
  setTimeout(() => {
    throw new RangeError('out of range');
  });
  await Promise.resolve(Promise.reject(new TypeError('rejected'))).catch(
    () => void Promise.reject(new TypeError('rejected')),
  );
  history.pushState({}, '', '/route');
  await new Promise((resolve) => setTimeout(resolve));
  history.replaceState({}, '', '/route#part');
  await new Promise((resolve) => setTimeout(resolve));
}

before(async () => {
  const script = await officialScript();
  [plain, browser, collector] = await startAll(
    Browser.launch({ hasExtension: false }),
    Browser.launch(),
    startCollector(),
  );
  sites = await Promise.all(
    [`<script src=/sdk.js></script>`, ''].map((head) =>
      startSite((request, response) => {
        if (request.url === '/') html(response, `${head}<p><button class="buy now">press</button></p>`);
        else if (request.url === '/sdk.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
        else if (request.url === '/api/missing') response.writeHead(404).end('no');
        else if (request.url === '/api/broken') request.socket.destroy();
        else response.end('ok');
      }),
    ),
  );
  made.official = await official(sites[0].origin);
  made.ours = await ours(sites[1].origin);
  const isOfTwo = ({ name, attributes }) =>
    name === 'browser.resource_timing' && attributes['url.full'].endsWith(SENT_TWICE);
  const second = made.ours.events.findLastIndex(isOfTwo);
  assert.equal(made.ours.events.filter(isOfTwo).length, 2);
  made.ours.events.splice(second, 1);
});
after(async () => {
  await Promise.all([plain?.close(), browser?.close(), collector?.stop(), ...sites.map((site) => site.stop())]);
  await collector?.remove();
});

/**
 * @param {any[]} events
 * @param {number} times that one request is sent
 * @returns {boolean} whether all is there that the tests compare
 */
function hasAll(events, times) {
  const count = (/** @type {string} */ wanted, path = '') =>
    events.filter(({ name, attributes }) => name === wanted && (attributes['url.full'] ?? '').endsWith(path)).length;
  return (
    Object.entries(COUNTS).every(([name, least]) => count(name) >= least) &&
    ONCE.every((name) => count(name) >= 1) &&
    REQUESTS.every((path) => count('browser.resource_timing', path) >= (path === SENT_TWICE ? times : 1))
  );
}

/** @param {string} origin */
async function official(origin) {
  const page = await plain.context.newPage();
  await page.goto(`${origin}/`);
  await page.evaluate(act);
  await page.click('button');
  return until(async () => {
    const kept = await page.evaluate(() => window.kept);
    return kept.spans.length >= REQUESTS.length && hasAll(kept.events, 1) && kept;
  }, 'the official packages');
}

/** @param {string} origin */
async function ours(origin) {
  await browser.switchOn(origin, { endpoint: collector.endpoint });
  const page = await browser.open(`${origin}/`);
  const id = await storedId(page);
  await page.evaluate(act);
  await page.click('button');
  const requests = (all) => all.filter(({ signal, name }) => signal === 'span' && name !== 'documentLoad').length;
  const { events } = await sessionTrace(
    collector.observe,
    id,
    (all) => requests(all) >= made.official.spans.length && hasAll(all, 2),
  );
  const spans = events.filter(({ signal, name }) => signal === 'span' && name !== 'documentLoad');
  const logs = events.filter(({ signal, name }) => signal === 'log' && !name.startsWith('session.'));
  return { spans, events: logs };
}

/** @type {Set<string>} differences that were seen: `spans official component` */
const seen = new Set();

/** Ports are of the run; a value that is undefined or empty is not there. */
function comparable(attributes, kind, side) {
  const differences = DIFFERENCES[kind][side];
  const kept = Object.entries(attributes).filter(([name, value]) => {
    const known = [name, `${name}=${value}`].find((one) => one in differences);
    if (known) seen.add(`${kind} ${side} ${known}`);
    const isEmpty = typeof value === 'object' && Object.keys(value).length === 0;
    return value !== undefined && value !== '' && !isEmpty && !known;
  });
  return Object.fromEntries(
    kept.map(([name, value]) => [
      name,
      OF_THE_RUN.test(name)
        ? typeof value
        : typeof value === 'string'
          ? value.replaceAll(/127\.0\.0\.1:\d+/g, 'host')
          : value,
    ]),
  );
}

const spansOf = (side) =>
  made[side].spans
    .map(({ name, attributes }) => [name, comparable(attributes, 'spans', side)])
    .toSorted((a, b) => JSON.stringify(a[1]['url.full']).localeCompare(JSON.stringify(b[1]['url.full'])));

/** @param {string} side @param {string} name */
const eventsOf = (side, name) =>
  made[side].events
    .filter((event) => event.name === name && !/sdk\.js|favicon/.test(event.attributes['url.full'] ?? ''))
    .map(({ attributes, body }) => ({ ...comparable(attributes, 'events', side), ...(body ? { body } : {}) }))
    .toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

test('requests: the same spans with the same attributes', () => {
  assert.deepEqual(spansOf('ours'), spansOf('official'));
});

for (const name of [
  'browser.navigation',
  'browser.navigation_timing',
  'browser.console',
  'exception',
  'browser.user_action.click',
  'browser.resource_timing',
]) {
  test(`events: ${name}`, () => {
    assert.ok(eventsOf('official', name).length > 0);
    assert.deepEqual(eventsOf('ours', name), eventsOf('official', name));
  });
}

test('events: browser.web_vital', () => {
  const shape = (side) => Object.keys(eventsOf(side, 'browser.web_vital')[0] ?? {}).toSorted();
  assert.ok(shape('official').length > 5);
  assert.deepEqual(shape('ours'), shape('official'));
});

test('each listed difference occurs', () => {
  const listed = Object.entries(DIFFERENCES).flatMap(([kind, sides]) =>
    Object.entries(sides).flatMap(([side, names]) => Object.keys(names).map((name) => `${kind} ${side} ${name}`)),
  );
  assert.deepEqual([...seen].toSorted(), listed.toSorted());
});
