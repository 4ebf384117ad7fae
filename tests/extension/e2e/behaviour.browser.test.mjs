/** A page behaves with the extension as it does without; and no header of ours goes where it may not. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startServers, workerOf } from './behaviour-servers.mjs';
import { actAgain } from './behaviour-again.mjs';
import { act } from './behaviour.mjs';
import { Browser, sessionTrace, startAll, startCollector, storedId, until } from './stage.mjs';

const HEADERS = ['traceparent', 'tracestate', 'x-session-id'];
/** What a preflight asks for. */
const PREFLIGHT = 'access-control-request-headers';
/** @type {Browser} */
let plain;
/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startCollector>>} */
let collector;
/** @type {{ without: import('./behaviour-servers.mjs').Servers, on: import('./behaviour-servers.mjs').Servers }} */
let servers;
/** @type {Record<string, Record<string, unknown>>} */
const outcomes = {};
/** @type {string} */
let sessionId;
const BLOB_WORKER = workerOf('/from-blob-worker', 'self');

before(async () => {
  [plain, browser, collector] = await startAll(
    Browser.launch({ hasExtension: false }),
    Browser.launch(),
    startCollector(),
  );
  servers = { without: await startServers(), on: await startServers() };
  await browser.switchOn(servers.on.own.origin, { endpoint: collector.endpoint });
  const page = await plain.context.newPage();
  await page.goto(`${servers.without.own.origin}/`);
  outcomes.without = await acted(page, servers.without.other.origin);
  const observed = await browser.open(`${servers.on.own.origin}/`);
  sessionId = await storedId(observed);
  outcomes.on = await acted(observed, servers.on.other.origin);
});
after(async () => {
  await Promise.all([plain?.close(), browser?.close(), collector?.stop()]);
  for (const { own, other } of Object.values(servers ?? {})) await Promise.all([own.stop(), other.stop()]);
  await collector?.remove();
});

/** What a page sees of all that it does. */
const acted = async (page, other) => ({
  ...(await page.evaluate(act, [other, BLOB_WORKER])),
  ...(await page.evaluate(actAgain, other)),
});
/** Ports differ between the two runs. */
const withoutPorts = (value) => JSON.parse(JSON.stringify(value).replaceAll(/127\.0\.0\.1:\d+/g, 'host'));
const at = (path) => servers.on.own.seen.filter(({ url }) => url === path);
const trace = (headers) => headers['traceparent']?.split('-')[1];

test('the page sees the same, whatever it does', () => {
  assert.deepEqual(withoutPorts(outcomes.on), withoutPorts(outcomes.without));
});

test('the servers see the same requests, but for what is sent again without our headers', () => {
  const requests = ({ own, other }) =>
    [...own.seen, ...other.seen]
      .map(({ method, url }) => `${method} ${url}`)
      // Whether a request that is called off at once gets to the server, is chance.
      .filter((line) => !/favicon|GET \/never/.test(line));
  const rest = requests(servers.on);
  for (const line of requests(servers.without)) {
    const index = rest.indexOf(line);
    assert.ok(index >= 0, line);
    rest.splice(index, 1);
  }
  const aways = ['', '-open', '-moved', '-heard', '-heard-again'].map((end) => `GET /away${end}`);
  const repeated = [...aways, 'GET /there', 'GET /broken', 'GET /echo'];
  assert.deepEqual(
    [...new Set(rest)].sort().filter((line) => !repeated.includes(line.split('?')[0] ?? '')),
    [],
  );
});

test('an address whose redirect leaves the origin and comes back is asked for twice once', () => {
  assert.deepEqual([at('/there').length, at('/returned').length], [4, 3]);
});

test('risk:same-origin: no header reaches another origin, not through redirects either', () => {
  const { seen } = servers.on.other;
  assert.ok(
    ['/simple', '/reused', '/landing', '/open', '/no-cors', '/xhr'].every((path) =>
      seen.some(({ url }) => url === path),
    ),
  );
  for (const { method, url, headers } of seen) {
    assert.deepEqual(
      HEADERS.filter((name) => name in headers),
      [],
      `${method} ${url}`,
    );
    assert.equal(headers[PREFLIGHT], undefined, url);
  }
});

test('session-id:on-every-request: everything that the page sends to its own origin names the session', () => {
  // A sandboxed frame belongs to no origin; Chrome shows no web socket of a shared worker to extensions.
  const isOurs = ({ headers, url }) => headers.origin !== 'null' && url !== '/socket?of=/from-shared-worker';
  const requests = servers.on.own.seen.filter(isOurs);
  assert.ok(requests.length >= 30);
  const unnamed = requests.filter(({ headers }) => headers['x-session-id'] !== sessionId).map(({ url }) => url);
  assert.deepEqual(unnamed, []);
});

test('request-id:generated request-id:sent-as-traceparent: each fetch and XHR has a trace of its own', () => {
  const scripted = [
    ...at('/echo'),
    ...at('/xhr-state'),
    ...at('/missing'),
    ...at('/from-srcdoc'),
    ...at('/from-blank'),
  ];
  const traces = scripted.map(({ headers }) => trace(headers));
  assert.ok(traces.length >= 15);
  assert.equal(traces.every(Boolean), true);
  assert.equal(new Set(traces).size, traces.length);
  assert.equal(at('/xhr-state')[0].headers['tracestate'], `gasoline=${sessionId},own=1,two=2`);
});

test("the page's own traceparent is adopted; a sandboxed frame is left alone", () => {
  assert.equal(at('/traced')[0].headers['traceparent'], `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`);
  const [sandboxed] = at('/from-sandbox');
  assert.deepEqual(
    HEADERS.filter((name) => name in sandboxed.headers),
    [],
  );
});

test('what no script reaches carries the trace of the page load', () => {
  const [load] = at('/');
  const workers = ['/from-worker', '/from-blob-worker', '/from-shared-worker'];
  const paths = [
    ...['/beacon', '/worker.js', '/shared-worker.js', '/events', '/socket'],
    ...workers.flatMap((path) => [path, `/events?of=${path}`]),
    ...['/socket?of=/from-worker', '/socket?of=/from-blob-worker', '/from-shared-worker-post'],
  ];
  for (const path of paths) {
    const [{ headers }] = at(path);
    assert.deepEqual(
      HEADERS.map((name) => headers[name]),
      [load.headers['traceparent'], `gasoline=${sessionId}`, sessionId],
      path,
    );
  }
});

test('what the rules cannot tell or do not see: writing workers, redirects with fragments, some web sockets', () => {
  for (const path of ['/from-worker-post', '/from-blob-worker-post']) {
    const [{ headers }] = at(path);
    assert.deepEqual(
      HEADERS.map((name) => headers[name]),
      [undefined, undefined, sessionId],
      path,
    );
  }
  // A Location with a fragment takes the place of the mark.
  assert.equal(trace(at('/landed-fragment')[0].headers), trace(at('/')[0].headers));
  assert.notEqual(trace(at('/landed')[0].headers), trace(at('/')[0].headers));
  const [socket] = at('/socket?of=/from-shared-worker');
  assert.deepEqual(
    HEADERS.filter((name) => name in socket.headers),
    [],
  );
});

test('request-id:forwarded request-id:response-mapping: each request is told with what came of it', async () => {
  const spanOf = (events, path, extra = {}) =>
    events.find(
      ({ signal, attributes }) =>
        signal === 'span' &&
        attributes['url.full']?.endsWith(path) &&
        Object.entries(extra).every(([key, value]) => attributes[key] === value),
    );
  const [echo] = at('/echo');
  const of = (events, headers) => events.filter(({ request_id: id }) => id === trace(headers)).map(({ name }) => name);
  // Spans and logs leave in requests of their own: the last of one says nothing of the other.
  const { events } = await sessionTrace(
    collector.observe,
    sessionId,
    (found) =>
      ['/missing', '/broken', '/around', '/away', '/traced'].every((path) => spanOf(found, path)) &&
      ['AbortError', 'timeout'].every((type) => spanOf(found, '/never', { 'error.type': type })) &&
      found.some(({ name }) => name === 'gasoline.propagation.fallback') &&
      of(found, echo.headers).length >= 2,
  );
  const told = (path, extra = {}) => spanOf(events, path, extra);
  const outcome = ({ attributes, error }) => [attributes['http.response.status_code'], attributes['error.type'], error];
  assert.deepEqual(outcome(told('/missing')), [404, '404', true]);
  assert.deepEqual(outcome(told('/broken')), [undefined, 'TypeError', true]);
  assert.deepEqual(outcome(told('/never', { 'error.type': 'AbortError' })), [undefined, 'AbortError', false]);
  assert.deepEqual(outcome(told('/never', { 'error.type': 'timeout' })), [undefined, 'timeout', true]);
  assert.match(told('/around').attributes['gasoline.response.url'], /\/landed$/);
  assert.match(told('/away').attributes['gasoline.response.url'], /\/landing$/);
  assert.deepEqual(of(events, echo.headers), ['GET', 'browser.resource_timing']);
  assert.equal(told('/traced').span_id, 'b'.repeat(16));
});

test('a page that allows nothing is observed all the same', async () => {
  const page = await browser.open(`${servers.on.own.origin}/strict`);
  assert.equal(await page.evaluate(() => fetch('/echo').then((response) => response.text())), 'GET /echo ');
  const request = await until(() => at('/echo').at(-1), 'the request');
  assert.ok(trace(request.headers));
  await sessionTrace(collector.observe, sessionId, (events) =>
    events.some(({ request_id: id }) => id === trace(request.headers)),
  );
});

test('a Request keeps its priority, which no script can read: also a copy, and where it is changed', async () => {
  const prioritiesIn = async (/** @type {import('playwright-core').Page} */ page) => {
    const protocol = await page.context().newCDPSession(page);
    await protocol.send('Network.enable');
    const sent = [];
    protocol.on('Network.requestWillBeSent', ({ request }) => {
      // The browser asks for an icon of the page whenever it likes.
      if (new URL(request.url).pathname === '/echo') sent.push(request.initialPriority);
    });
    await page.evaluate(async () => {
      const low = new Request('/echo', { priority: 'low' });
      const made = [low, low.clone(), new Request(low), new Request(low, { priority: 'high' }), new Request('/echo')];
      for (const request of made) await fetch(request);
      await fetch(low, { priority: 'high' });
      await fetch('/echo', new Request('/else', { priority: 'low' }));
    });
    await protocol.detach();
    return sent;
  };
  const page = await plain.context.newPage();
  await page.goto(`${servers.without.own.origin}/`);
  const expected = await prioritiesIn(page);
  assert.deepEqual(expected, ['Low', 'Low', 'Low', 'High', 'High', 'High', 'High']);
  assert.deepEqual(await prioritiesIn(await browser.open(`${servers.on.own.origin}/`)), expected);
});

test('a page that may ask nothing is told the same of what was refused', async () => {
  const refused = async (/** @type {any} */ page) =>
    page.evaluate(async () => {
      const heard = new Promise((resolve) => {
        addEventListener('securitypolicyviolation', ({ blockedURI }) => resolve(blockedURI), { once: true });
      });
      const failed = await fetch('/echo').catch((error) => `${error.name}: ${error.message}`);
      return [await heard, failed];
    });
  const page = await plain.context.newPage();
  await page.goto(`${servers.without.own.origin}/closed`);
  const observed = await browser.open(`${servers.on.own.origin}/closed`);
  assert.deepEqual(withoutPorts(await refused(observed)), withoutPorts(await refused(page)));
});

test('targets: an origin on the list gets trace headers, never X-Session-ID', async () => {
  const { own, other } = servers.on;
  await browser.ask('set-settings', { settings: { targets: [other.origin] } });
  const page = await browser.open(`${own.origin}/`);
  const from = other.seen.length;
  assert.equal(
    await page.evaluate((url) => fetch(url).then((response) => response.text()), `${other.origin}/open`),
    'other */*',
  );
  const { headers } = other.seen.slice(from).find(({ method }) => method === 'GET') ?? assert.fail();
  assert.deepEqual(
    HEADERS.filter((name) => name in headers),
    ['traceparent', 'tracestate'],
  );
  // One that does not know the headers: the request is sent again without them, and the address remembered.
  for (let time = 0; time < 2; time += 1) {
    assert.equal(
      await page.evaluate((url) => fetch(url).then((response) => response.text()), `${other.origin}/closed`),
      'other */*',
    );
  }
  const closed = other.seen.filter(({ url }) => url === '/closed').map(({ method }) => method);
  assert.deepEqual(closed, ['OPTIONS', 'GET', 'GET']);
  await browser.ask('set-settings', { settings: { targets: [] } });
});
