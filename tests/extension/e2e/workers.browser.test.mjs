/** Pages whose requests pass through a service worker of their own, and what a redirect takes along. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Browser, html, startAll, startCollector, startSite, storedId, until } from './stage.mjs';

const HEADERS = ['traceparent', 'tracestate', 'x-session-id'];
const SCRIPT = `
  addEventListener('install', () => skipWaiting());
  addEventListener('activate', (event) => event.waitUntil(clients.claim()));
  const seen = [];
  addEventListener('fetch', (event) => {
    const { url, mode } = event.request;
    if (url.endsWith('/seen')) return event.respondWith(new Response(JSON.stringify(seen)));
    seen.push([new URL(url).pathname + new URL(url).hash, mode]);
    if (url.endsWith('/passed')) event.respondWith(fetch(event.request));
    if (url.endsWith('/answered')) event.respondWith(new Response('by the worker'));
  });`;

/** @type {Browser} */
let plain;
/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startCollector>>} */
let collector;
/** @type {Awaited<ReturnType<typeof startSite>>[]} */
let sites = [];

/** @param {string} away where the site redirects to */
function startOwn(away) {
  return startSite((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://any');
    if (pathname === '/service-worker.js') {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(SCRIPT);
    } else if (pathname.startsWith('/away')) response.writeHead(302, { location: `${away}${pathname}` }).end();
    else if (pathname.startsWith('/tricky')) {
      response.writeHead(302, { location: `/\\${new URL(away).host}${pathname}` }).end();
    } else if (pathname.startsWith('/api')) response.end(`${request.method} ${pathname}`);
    else html(response, '');
  });
}

before(async () => {
  [plain, browser, collector] = await startAll(
    Browser.launch({ hasExtension: false }),
    Browser.launch(),
    startCollector(),
  );
});
after(async () => {
  await Promise.all([plain?.close(), browser?.close(), collector?.stop(), ...sites.map((site) => site.stop())]);
  await collector?.remove();
});

/** Runs in the page. */
async function registerWorker() {
  const { serviceWorker } = navigator;
  const claimed = new Promise((resolve) => {
    serviceWorker.addEventListener('controllerchange', resolve, { once: true });
  });
  await serviceWorker.register('/service-worker.js');
  await claimed;
}

/** Runs in the page. */
async function actUnderWorker() {
  const text = (response) => response.text();
  const said = [];
  for (const path of ['/api/passed', '/api/left', '/api/answered']) said.push(await fetch(path).then(text));
  said.push(await fetch(new Request('/api/request')).then(text));
  said.push(
    await new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open('GET', '/api/xhr');
      request.onload = () => resolve(request.responseText);
      request.send();
    }),
  );
  return [said, JSON.parse(await fetch('/seen').then(text))];
}

test('a page under its own service worker: both see the same, and each request keeps its trace', async () => {
  sites = [await startOwn('http://127.0.0.1:9'), await startOwn('http://127.0.0.1:9')];
  const [without, on] = sites;
  await browser.switchOn(on.origin, { endpoint: collector.endpoint });
  const page = await plain.context.newPage();
  await page.goto(`${without.origin}/`);
  const observed = await browser.open(`${on.origin}/`);
  const sessionId = await storedId(observed);
  await Promise.all([page.evaluate(registerWorker), observed.evaluate(registerWorker)]);
  const served = (/** @type {string} */ origin) =>
    chrome.storage.session.get('served').then((stored) => stored.served?.includes(origin));
  await until(() => browser.console.evaluate(served, on.origin), 'the extension to note the service worker');
  for (let load = 0; load < 2; load += 1) {
    const from = on.seen.length;
    assert.deepEqual(await observed.evaluate(actUnderWorker), await page.evaluate(actUnderWorker));
    const scripted = on.seen.slice(from).filter(({ url }) => url.startsWith('/api'));
    assert.deepEqual(
      scripted.map(({ url }) => url),
      ['/api/passed', '/api/left', '/api/request', '/api/xhr'],
    );
    const pageLoads = new Set(on.seen.filter(({ url }) => url === '/').map(({ headers }) => headers['traceparent']));
    for (const { url, headers } of scripted) {
      assert.equal(headers['x-session-id'], sessionId, url);
      assert.equal(headers['tracestate'], `gasoline=${sessionId}`, url);
      assert.ok(headers['traceparent'] && !pageLoads.has(headers['traceparent']), url);
    }
    assert.equal(new Set(scripted.map(({ headers }) => headers['traceparent'])).size, scripted.length);
    await Promise.all([page.reload(), observed.reload()]);
    await storedId(observed);
  }
});

/** Runs in the page: the statuses of what was asked for, or what failed. */
async function follow(paths) {
  const outcome = async (method, path) => {
    try {
      return (await fetch(path, { method })).status;
    } catch (error) {
      return error.name;
    }
  };
  const xhr = (path) =>
    new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open('GET', path);
      request.onloadend = () => resolve(request.status);
      request.send();
    });
  return [
    await outcome('GET', paths.get),
    await outcome('GET', paths.tricky),
    await outcome('POST', paths.post),
    await outcome('POST', paths.post),
    await xhr(paths.xhr),
    await xhr(paths.xhr),
  ];
}

test('a redirect to an origin that takes any header: what reads takes none along, what writes once', async () => {
  const open = await startSite((request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', '*');
    response.end('open');
  });
  // Another host name, on which the extension has not been allowed.
  const away = open.origin.replace('127.0.0.1', 'elsewhere.localhost');
  const own = await startOwn(away);
  sites.push(open, own);
  await browser.switchOn(own.origin, { endpoint: collector.endpoint });
  const page = await browser.open(`${own.origin}/`);
  const paths = { get: '/away/get', tricky: '/tricky/get', post: '/away/post', xhr: '/away/xhr' };
  assert.deepEqual(await page.evaluate(follow, paths), [200, 200, 200, 200, 200, 200]);
  const seen = open.seen
    .filter(({ method }) => method !== 'OPTIONS')
    .map(({ method, url, headers }) => [method, url, HEADERS.filter((name) => name in headers)]);
  assert.deepEqual(seen, [
    ['GET', '/away/get', []],
    ['GET', '/tricky/get', []],
    ['GET', '/away/post', ['traceparent', 'tracestate']],
    ['GET', '/away/post', []],
    ['GET', '/away/xhr', []],
    ['GET', '/away/xhr', []],
  ]);
  // What was ended on its way is sent again, and the second time carries the trace of the page load, by the rules.
  const [load] = own.seen.filter(({ url }) => url === '/');
  const asked = own.seen.filter(({ url }) => url === '/away/get').map(({ headers }) => headers['traceparent']);
  assert.equal(asked.length, 2);
  assert.equal(asked[1], load.headers['traceparent']);
  // The pages after it know.
  const strays = (/** @type {string} */ origin) =>
    chrome.storage.session.get('strays').then((stored) => stored.strays?.[origin]?.includes(`${origin}/away/post`));
  await until(() => browser.console.evaluate(strays, own.origin), 'the worker to note it');
  const from = open.seen.length;
  const next = await browser.open(`${own.origin}/`);
  assert.equal(await next.evaluate(() => fetch('/away/post', { method: 'POST' }).then(({ status }) => status)), 200);
  assert.deepEqual(
    open.seen.slice(from).map(({ method, url, headers }) => [method, url, HEADERS.filter((name) => name in headers)]),
    [['GET', '/away/post', []]],
  );
  // An allowed target is followed at once, with its headers.
  await browser.ask('set-settings', { settings: { targets: [away] } });
  await until(() => page.evaluate(() => fetch('/api/told').then((response) => response.ok)), 'the settings');
  const allowed = await browser.open(`${own.origin}/`);
  await allowed.evaluate(() => fetch('/away/allowed'));
  assert.equal(own.seen.filter(({ url }) => url === '/away/allowed').length, 1);
  const followed = open.seen.find(({ method, url }) => method === 'GET' && url === '/away/allowed');
  assert.deepEqual(
    HEADERS.filter((name) => name in (followed?.headers ?? {})),
    ['traceparent', 'tracestate'],
  );
  await browser.ask('set-settings', { settings: { targets: [] } });
});
