/** Pages and servers that try to choose the session, to read the way of the records, or to do away with it. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { html, sessionTrace, storedId, until } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const CHOSEN = `session-${'0'.repeat(31)}1`;
/** What the worker tells a new document in Server-Timing, made up by somebody else. */
const FORGED = Buffer.from(
  JSON.stringify({
    session: { id: CHOSEN, nextId: CHOSEN, startedAt: 0, lastActivityAt: 0 },
    page: null,
    targets: [],
    strays: [],
    redactedNames: [],
    idleTimeoutMs: 1e9,
    maxAgeMs: 1e9,
    headerRules: true,
    method: 'GET',
  }),
).toString('base64url');
const SERVICE_WORKER = `
  addEventListener('install', () => skipWaiting());
  addEventListener('activate', (event) => event.waitUntil(clients.claim()));
  const headers = { 'content-type': 'text/html', 'server-timing': 'gasoline;desc="${FORGED}"' };
  addEventListener('fetch', (event) => {
    if (event.request.mode !== 'navigate') return;
    event.respondWith(new Response('<script>fetch("/api/made-up")</script>', { headers }));
  });`;
const early = (path) => `<script>fetch('/api${path}')</script><a href=/cached>cached</a>`;

const stage = useStage((request, response) => {
  const path = request.url ?? '/';
  const forging = { 'server-timing': `gasoline;desc="${FORGED}"` };
  if (path.startsWith('/api')) response.end('{}');
  else if (path === '/service-worker.js') {
    response.writeHead(200, { 'content-type': 'text/javascript' }).end(SERVICE_WORKER);
  } else if (path === '/cached') html(response, early(path), { ...forging, 'cache-control': 'max-age=3600' });
  else html(response, early(path), path === '/forging' ? forging : {});
});
/** @type {import('./stage.mjs').Browser} */
let browser;
/** @type {import('./stage.mjs').Collector} */
let collector;
/** @type {import('./stage.mjs').Site} */
let site;
beforeEach(() => ({ browser, collector, site } = stage));

/** @param {string} path @param {number} [count] of requests there @returns {Promise<any>} the headers of the last */
const asked = (path, count = 1) =>
  until(() => site.seen.filter(({ url }) => url === path)[count - 1]?.headers, `request ${count} of ${path}`);

test('fixation: what a server says in our place in Server-Timing is not used, nor what lies in a cache', async () => {
  const page = await browser.open(`${site.origin}/forging`);
  const first = await storedId(page);
  assert.equal((await asked('/api/forging'))['tracestate'], `gasoline=${first}`);
  await Promise.all([page.waitForURL('**/cached'), page.click('a')]);
  assert.equal((await asked('/api/cached'))['tracestate'], `gasoline=${first}`);
  await page.goto(`${site.origin}/`);
  await browser.ask('new-session', { origin: site.origin });
  await page.evaluate(() => fetch('/api/used'));
  const second = await storedId(page, first);
  await Promise.all([page.waitForURL('**/cached'), page.click('a')]);
  const { tracestate, 'x-session-id': named } = await asked('/api/cached', 2);
  assert.equal(site.seen.filter(({ url }) => url === '/cached').length, 1, 'the second one came out of the cache');
  assert.ok(tracestate === undefined || tracestate === `gasoline=${second}`, tracestate);
  assert.equal(named, second);
});

test("fixation: what a page's own service worker says in our place is not used", async () => {
  const page = await browser.open(`${site.origin}/`);
  await page.evaluate(async () => {
    const { serviceWorker } = navigator;
    const claimed = new Promise((resolve) => serviceWorker.addEventListener('controllerchange', resolve));
    await serviceWorker.register('/service-worker.js');
    await claimed;
  });
  const id = await storedId(page);
  await page.goto(`${site.origin}/anything`);
  const { tracestate, 'x-session-id': named } = await asked('/api/made-up');
  assert.ok(tracestate === undefined || tracestate === `gasoline=${id}`, tracestate);
  assert.equal(named, id);
});

test('fixation: a page that changes its own window does not choose for the frames in it', async () => {
  const page = await browser.open(`${site.origin}/`);
  const id = await storedId(page);
  await page.evaluate(async (description) => {
    const serverTiming = [{ name: 'gasoline', description }];
    performance.getEntriesByType = () => [{ serverTiming }];
    Performance.prototype.getEntriesByType = performance.getEntriesByType;
    Object.defineProperty(PerformanceResourceTiming.prototype, 'serverTiming', { get: () => serverTiming });
    Object.defineProperty(window, 'performance', { value: { getEntriesByType: performance.getEntriesByType } });
    const blank = document.body.appendChild(document.createElement('iframe'));
    await blank.contentWindow?.fetch('/api/from-blank');
    const srcdoc = document.createElement('iframe');
    srcdoc.srcdoc = '<script>fetch("/api/from-srcdoc")</script>';
    document.body.append(srcdoc);
  }, FORGED);
  for (const path of ['/api/from-blank', '/api/from-srcdoc']) {
    assert.equal((await asked(path))['tracestate'], `gasoline=${id}`, path);
  }
});

test('what the worker says cannot be read where it is heard, through window.event', async () => {
  const page = await browser.open(`${site.origin}/`);
  await page.evaluate(() => {
    const heard = /** @type {any[]} */ ((window.heard = []));
    const { map } = Array.prototype;
    Array.prototype.map = function (...args) {
      heard.push(window.event?.type ?? 'no event');
      return Reflect.apply(map, this, args);
    };
  });
  await browser.ask('set-settings', { settings: { redactedNames: ['iban'] } });
  const heard = await until(() => page.evaluate(() => window.heard.length > 0 && window.heard), 'the settings');
  assert.deepEqual(new Set(heard), new Set(['no event']));
  await browser.ask('set-settings', { settings: { redactedNames: [] } });
});

test('document.open, which takes all listeners off a page, does not end what is told of it', async () => {
  const page = await browser.open(`${site.origin}/`);
  const id = await storedId(page);
  await page.evaluate(async () => {
    document.write('<button>written</button>');
    document.close();
    await fetch('/api/afterwards');
    const frame = document.body.appendChild(document.createElement('iframe'));
    frame.contentDocument?.open();
    frame.contentDocument?.write('<script>fetch("/api/written")</script>');
    frame.contentDocument?.close();
    setTimeout(() => {
      throw new RangeError('afterwards');
    });
  });
  await page.click('button');
  const urlsOf = (events) => events.map(({ attributes }) => attributes['url.full'] ?? '');
  const wanted = ['/api/afterwards', '/api/written'];
  await sessionTrace(
    collector.observe,
    id,
    (all) =>
      ['browser.user_action.click', 'exception'].every((name) => all.some((event) => event.name === name)) &&
      wanted.every((path) => urlsOf(all).includes(`${site.origin}${path}`)),
  );
  await page.evaluate(() => window.dispatchEvent(new Event('gasoline:logout')));
  await page.click('button');
  await storedId(page, id);
});

/** What a page may put functions of its own over, and we call. */
const REPLACED = {
  'Response.prototype': ['type', 'status', 'url', 'headers'],
  'Headers.prototype': ['get', 'has', 'set'],
  'Request.prototype': ['url', 'method', 'headers', 'mode'],
  'XMLHttpRequest.prototype': ['readyState', 'status', 'responseURL', 'getAllResponseHeaders', 'getResponseHeader'],
  'URL.prototype': ['href', 'origin', 'pathname', 'protocol', 'hostname', 'username', 'search'],
  'Array.prototype': ['push', 'map', 'filter', 'join', 'find', 'findIndex', 'flatMap', 'splice', 'slice', 'sort'],
  'String.prototype': ['split', 'slice', 'startsWith', 'endsWith', 'includes', 'replace', 'toLowerCase', 'indexOf'],
  'RegExp.prototype': ['exec', 'test'],
  'Map.prototype': ['get', 'set', 'has'],
  'Set.prototype': ['add', 'delete', 'has'],
  'WeakMap.prototype': ['get', 'set', 'has', 'delete'],
  'Storage.prototype': ['getItem', 'setItem'],
  'Event.prototype': ['composedPath', 'isTrusted'],
  'Element.prototype': ['hasAttribute', 'tagName'],
  'PerformanceObserverEntryList.prototype': ['getEntries'],
  Object: ['keys', 'entries', 'fromEntries', 'getOwnPropertyDescriptor'],
  Date: ['now'],
};

/**
 * Runs in the page: does everything while each of them throws.
 * @param {Record<string, string[]>} replaced
 */
async function actWhileEachThrows(replaced) {
  const [failures, thrown] = [[], []];
  const { defineProperty, getOwnPropertyDescriptor } = Object;
  const throwing = (descriptor) => {
    const fail = () => {
      throw new Error('replaced');
    };
    return { ...descriptor, ...(descriptor.get ? { get: fail } : { value: fail }) };
  };
  window.onerror = (message) => void (thrown[thrown.length] = message);
  const acts = [
    () => fetch('/api/fetch', { headers: { accept: 'a/b' } }),
    () => fetch(new Request('/api/request', { priority: 'low' }).clone()),
    () =>
      new Promise((resolve) => {
        const request = new XMLHttpRequest();
        request.open('GET', '/api/xhr');
        request.setRequestHeader('accept', 'a/b');
        request.onloadend = resolve;
        request.send();
      }),
    () => console.log('said', { of: [1] }, new Error('no')),
    () => void performance.getEntriesByName('none'),
    () => void performance.getEntriesByType('resource')[0]?.name,
    () => document.querySelector('a').dispatchEvent(new MouseEvent('click', { bubbles: true })),
    () => document.write('<a>written</a>'),
    () => history.replaceState({}, '', `/${(thrown.count = (thrown.count ?? 0) + 1)}`),
  ];
  for (const [owner, names] of Object.entries(replaced)) {
    const [name, member] = owner.split('.');
    const target = member ? window[name][member] : window[name];
    for (const replacedName of names) {
      const descriptor = getOwnPropertyDescriptor(target, replacedName);
      if (!descriptor?.configurable) continue;
      const results = [];
      defineProperty(target, replacedName, throwing(descriptor));
      for (let index = 0; index < acts.length; index += 1) {
        try {
          results[index] = acts[index]();
        } catch (error) {
          results[index] = Promise.reject(error);
        }
      }
      for (let index = 0; index < acts.length; index += 1) {
        try {
          await results[index];
        } catch (error) {
          failures[failures.length] = `${owner}.${replacedName} act ${index}: ${error.message}`;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
      defineProperty(target, replacedName, descriptor);
      while (thrown.length > 0) failures.push(`${owner}.${replacedName}: ${thrown.pop()}`);
    }
  }
  return failures;
}

test("a page that puts functions of its own over the browser's is not failed by ours", async () => {
  const page = await browser.open(`${site.origin}/`);
  const id = await storedId(page);
  assert.deepEqual(await page.evaluate(actWhileEachThrows, REPLACED), []);
  await page.evaluate(async () => {
    const reason = {
      get name() {
        throw new Error('asked for');
      },
    };
    const aborting = fetch('/api/aborted', { signal: AbortSignal.abort(reason) });
    await fetch(`/api/told/${await aborting.catch((error) => error === reason)}`);
  });
  await asked('/api/told/true');
  await sessionTrace(collector.observe, id, (all) =>
    all.some(({ signal, attributes }) => signal === 'span' && attributes['url.full']?.endsWith('/api/told/true')),
  );
});
