/** Pages beside which others work: another instrumentation, another site, another tab, the browser's cache. */

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { officialScript } from '../official/bundle.mjs';
import { Browser, html, sessionTrace, startAll, startSite, storedId, until } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const HEADERS = ['traceparent', 'tracestate', 'x-session-id'];
const TABS = 3;
const FETCHES = 40;

/** @type {string} */
let script;
/** @type {Browser} */
let plain;
before(async () => {
  [plain, script] = await startAll(Browser.launch({ hasExtension: false }), officialScript());
});
after(() => plain?.close());

/** @type {Parameters<typeof startSite>[0]} */
function answer(request, response) {
  response.setHeader('access-control-allow-origin', '*');
  if (request.url?.startsWith('/api')) response.end('{}');
  else if (request.url === '/sdk.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
  else if (request.url === '/official') html(response, '<script src=/sdk.js></script>');
  else if (request.url === '/cached') html(response, '', { 'cache-control': 'max-age=3600' });
  else html(response, '<a href=/cached>cached</a>');
}

const stage = useStage(answer);
/** @type {Browser} */
let browser;
/** @type {import('./stage.mjs').Collector} */
let collector;
/** @type {import('./stage.mjs').Site} */
let site;
beforeEach(() => ({ browser, collector, site } = stage));

const traceOf = ({ headers }) => headers['traceparent']?.split('-')[1];

/** Runs in the page: what the official instrumentation made of some requests, without what is of this one run. */
async function instrumented() {
  await fetch('/api/read').then((response) => response.text());
  await fetch(new Request('/api/write', { method: 'POST', body: 'x' })).then((response) => response.text());
  await new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('GET', '/api/xhr');
    request.onloadend = resolve;
    request.send();
  });
  const made = () => window.kept.spans.filter(({ attributes }) => attributes['url.full'].includes('/api/'));
  while (made().length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
  const ofTheRun = ['server.port', 'url.full'];
  const spans = made().map(({ name, status, attributes }) => [
    name,
    status,
    new URL(attributes['url.full']).pathname + new URL(attributes['url.full']).hash,
    Object.entries(attributes).filter(([key]) => !ofTheRun.includes(key)),
  ]);
  return spans.toSorted((a, b) => a[2].localeCompare(b[2]));
}

test("a page with OpenTelemetry's own instrumentation: its spans are the same, its traces are the ones", async () => {
  const alone = await startSite(answer);
  try {
    const other = await plain.context.newPage();
    await other.goto(`${alone.origin}/official`);
    const page = await browser.open(`${site.origin}/official`);
    assert.deepEqual(await page.evaluate(instrumented), await other.evaluate(instrumented));
    const sessionId = await storedId(page);
    const asked = site.seen.filter(({ url }) => url?.startsWith('/api/'));
    assert.equal(new Set(asked.map(traceOf)).size, 3);
    for (const { headers } of asked) assert.equal(headers['tracestate'], `gasoline=${sessionId}`);
    const { events } = await sessionTrace(collector.observe, sessionId, (all) =>
      asked.every((request) => all.some(({ signal, request_id: id }) => signal === 'span' && id === traceOf(request))),
    );
    for (const request of asked) {
      const span = events.find(({ signal, request_id: id }) => signal === 'span' && id === traceOf(request));
      assert.equal(span?.span_id, request.headers['traceparent'].split('-')[2], request.url);
    }
    // Its workers may be instrumented, too: they are left alone.
    const own = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;
    await page.evaluate((traceparent) => {
      const url = JSON.stringify(`${location.origin}/api/worker`);
      const source = `fetch(${url}, { headers: { traceparent: '${traceparent}' } }).then(() => postMessage(''))`;
      return new Promise((resolve) => (new Worker(URL.createObjectURL(new Blob([source]))).onmessage = resolve));
    }, own);
    assert.equal(site.seen.find(({ url }) => url === '/api/worker')?.headers['traceparent'], own);
  } finally {
    await alone.stop();
  }
});

test('a site that is not switched on asks one that is: nothing of ours is added', async () => {
  const stranger = await startSite((_, response) => html(response, ''));
  try {
    const page = await browser.context.newPage();
    // By another name of this machine: rules know hosts.
    await page.goto(stranger.origin.replace('127.0.0.1', 'localhost'));
    await browser.open(`${site.origin}/`);
    await page.evaluate(async (origin) => {
      await fetch(`${origin}/api/fetch`);
      navigator.sendBeacon(`${origin}/api/beacon`, 'b');
      const image = new Image();
      const done = new Promise((resolve) => (image.onerror = resolve));
      image.src = `${origin}/api/image`;
      const frame = document.body.appendChild(document.createElement('iframe'));
      const loaded = new Promise((resolve) => (frame.onload = resolve));
      frame.src = `${origin}/api/frame`;
      await Promise.all([done, loaded]);
    }, site.origin);
    const paths = ['/api/fetch', '/api/beacon', '/api/image', '/api/frame'];
    await until(() => paths.every((path) => site.seen.some(({ url }) => url === path)), 'the requests');
    for (const path of paths) {
      const { headers } = site.seen.find(({ url }) => url === path) ?? assert.fail(path);
      assert.deepEqual(
        HEADERS.filter((name) => name in headers),
        [],
        path,
      );
    }
  } finally {
    await stranger.stop();
  }
});

test('a site of the same host that is off keeps its own trace headers, where one that is on was before', async () => {
  const off = await startSite(answer);
  const own = `00-${'e'.repeat(32)}-${'f'.repeat(16)}-01`;
  try {
    const page = await browser.open(`${site.origin}/`);
    await page.goto(`${off.origin}/`);
    const isThere = (/** @type {string} */ origin) =>
      chrome.storage.session
        .get('tabs')
        .then(({ tabs }) => Object.values(tabs).some((pages) => pages[origin]?.page));
    await until(async () => !(await browser.console.evaluate(isThere, site.origin)), 'the page to be gone');
    await page.evaluate((traceparent) => fetch('/api/traced', { headers: { traceparent } }), own);
    const { headers } = off.seen.find(({ url }) => url === '/api/traced') ?? assert.fail('no request');
    assert.deepEqual(
      HEADERS.map((name) => headers[name]),
      [own, undefined, undefined],
    );
  } finally {
    await off.stop();
  }
});

test('a page out of the cache, which asked nobody, has its session and a trace of its own', async () => {
  const page = await browser.open(`${site.origin}/`);
  const sessionId = await storedId(page);
  for (let visit = 0; visit < 2; visit += 1) {
    await Promise.all([page.waitForURL('**/cached'), page.click('a')]);
    assert.equal(await storedId(page), sessionId);
    await page.evaluate((number) => fetch(`/api/visit/${number}`), visit);
    await Promise.all([page.waitForURL(`${site.origin}/`), page.evaluate(() => void (location.href = '/'))]);
  }
  const visits = site.seen.filter(({ url }) => url?.startsWith('/api/visit'));
  assert.equal(new Set(visits.map(traceOf)).size, 2);
  assert.deepEqual(new Set(visits.map(({ headers }) => headers['x-session-id'])), new Set([sessionId]));
  const isCached = ({ name, attributes }) => name === 'documentLoad' && attributes['url.full'].endsWith('/cached');
  const { events } = await sessionTrace(collector.observe, sessionId, (all) => all.filter(isCached).length >= 2);
  const loads = events.filter(isCached);
  assert.equal(loads.length, 2);
  assert.equal(new Set(loads.map(({ request_id: id }) => id)).size, 2);
  assert.equal(site.seen.filter(({ url }) => url === '/cached').length, 1, 'the second one came out of the cache');
});

test('tabs that speak at once: no record of any is lost, and none comes twice', async () => {
  const pages = await Promise.all(Array.from({ length: TABS }, (_, tab) => browser.open(`${site.origin}/${tab}`)));
  const sessionId = await storedId(pages[0]);
  const work = ([tab, count]) =>
    Promise.all(Array.from({ length: count }, (_, number) => fetch(`/api/${tab}/${number}`).then((r) => r.text())));
  await Promise.all(pages.map((page, tab) => page.evaluate(work, [tab, FETCHES])));
  const paths = (events) =>
    events
      .filter(({ signal, name }) => signal === 'span' && name === 'GET')
      .map(({ attributes }) => new URL(attributes['url.full']).pathname);
  const { events } = await sessionTrace(collector.observe, sessionId, (all) => paths(all).length >= TABS * FETCHES);
  const wanted = pages.flatMap((_, tab) => Array.from({ length: FETCHES }, (__, number) => `/api/${tab}/${number}`));
  assert.deepEqual(paths(events).toSorted(), wanted.toSorted());
});
