/** What went wrong for others, and must not here. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { Browser, html, sessionTrace, startSite, storedId, until } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const TABS = 3;
const stage = useStage((request, response) => {
  if (request.url?.startsWith('/api')) response.end('{}');
  else html(response, '<form method=post action=/posted><button>send</button></form>');
});
/** @type {import('./stage.mjs').Browser} */
let browser;
/** @type {import('./stage.mjs').Collector} */
let collector;
/** @type {import('./stage.mjs').Site} */
let site;
beforeEach(() => ({ browser, collector, site } = stage));

const traceOf = ({ headers }) => headers['traceparent']?.split('-')[1];
/** Whoever navigates before the worker has noted the navigation before it sends the same trace again. */
const noted = (/** @type {string} */ path) => browser.noted(traceOf(site.seen.findLast(({ url }) => url === path)));
const pathOf = (/** @type {import('playwright-core').Page} */ page) => new URL(page.url()).pathname;
const loadsOf = (events) => events.filter(({ name }) => name === 'documentLoad');

test('each page load is joined with what the server did for it, in every tab, opened ones too', async () => {
  const pages = await Promise.all(Array.from({ length: TABS }, (_, tab) => browser.open(`${site.origin}/tab${tab}`)));
  const sessionId = await storedId(pages[0]);
  for (const page of pages) {
    await page.reload();
    await noted(pathOf(page));
    await page.goto(`${site.origin}/next`);
    await noted('/next');
  }
  const [opened] = await Promise.all([
    pages[0].waitForEvent('popup'),
    pages[0].evaluate(() => void window.open('/opened')),
  ]);
  await opened.waitForLoadState();
  // A tab that navigates before its rules are there has no trace from us, but a session.
  const requests = site.seen.filter((request) => !request.url.includes('favicon') && traceOf(request));
  assert.ok(requests.length >= 2 * TABS);
  const sent = requests.map(traceOf);
  assert.equal(new Set(sent).size, sent.length, 'no trace is used twice');
  const { events } = await sessionTrace(collector.observe, sessionId, (all) => loadsOf(all).length >= 3 * TABS + 1);
  const told = new Set(loadsOf(events).map((load) => load.request_id));
  assert.deepEqual(
    sent.filter((trace) => !told.has(trace)),
    [],
  );
  const spans = new Map(loadsOf(events).map((load) => [load.request_id, load.span_id]));
  for (const request of requests) {
    assert.equal(request.headers['traceparent'].split('-')[2], spans.get(traceOf(request)));
  }
});

test('a form that posts is a POST of its own trace', async () => {
  const page = await browser.open(`${site.origin}/`);
  const sessionId = await storedId(page);
  await noted('/');
  await Promise.all([page.waitForURL('**/posted'), page.click('button')]);
  const posted = site.seen.find(({ url }) => url === '/posted');
  const { events } = await sessionTrace(collector.observe, sessionId, (all) => loadsOf(all).length >= 2);
  const load = loadsOf(events).find(({ request_id: id }) => id === traceOf(posted));
  assert.equal(load?.attributes['http.request.method'], 'POST');
});

test('a hostile page reads nothing of the channel and its forged records do not arrive', async () => {
  const page = await browser.open(`${site.origin}/`);
  const sessionId = await storedId(page);
  const heard = await page.evaluate(async () => {
    const seen = [];
    const spy = (owner, name) => {
      const native = owner[name];
      owner[name] = function (...args) {
        seen.push(...args.map((one) => (typeof one === 'string' ? one : (one?.type ?? ''))));
        return Reflect.apply(native, this, args);
      };
    };
    spy(EventTarget.prototype, 'dispatchEvent');
    spy(EventTarget.prototype, 'addEventListener');
    spy(JSON, 'stringify');
    spy(JSON, 'parse');
    window.CustomEvent = class extends CustomEvent {
      constructor(...args) {
        seen.push(args[0]);
        super(...args);
      }
    };
    Array.prototype.toJSON = function () {
      seen.push('toJSON');
      return 'nothing';
    };
    const forged = { up: 'mine', down: 'mine', traceId: '', navigatedAt: 0 };
    const hello = new Event('gasoline:hello', { cancelable: true });
    Object.assign(hello, { detail: JSON.stringify(forged) });
    const isAnswered = !window.dispatchEvent(hello);
    window.dispatchEvent(new MessageEvent('mine', { data: '{"type":"record"}' }));
    seen.length = 0;
    await fetch('/api/watched');
    history.pushState({}, '', '/moved');
    await new Promise((resolve) => setTimeout(resolve));
    return { isAnswered, seen };
  });
  assert.deepEqual(heard, { isAnswered: false, seen: [] });
  const isOf = (path) => (event) => event.attributes['url.full']?.endsWith(path);
  await sessionTrace(collector.observe, sessionId, (all) =>
    ['/moved', '/api/watched'].every((path) => all.some(isOf(path))),
  );
});

test('names that the person added are blacked out in the page and in what the collector holds', async () => {
  await browser.ask('set-settings', { settings: { redactedNames: ['iban'] } });
  const page = await browser.open(`${site.origin}/?customerIban=DE00`);
  const sessionId = await storedId(page);
  await page.evaluate(async () => {
    await fetch('/api/pay?iban=DE11');
    console.info({ iban: { country: 'DE22' } }, 'iban: DE33');
    console.info('that is all');
  });
  const { events } = await sessionTrace(
    collector.observe,
    sessionId,
    (all) =>
      all.some(({ body }) => body === 'that is all') &&
      all.some(({ signal, name }) => signal === 'span' && name === 'GET'),
  );
  assert.equal(/DE\d\d/.exec(JSON.stringify(events)), null);
  const said = events.filter(({ name }) => name === 'browser.console').map(({ body }) => body);
  assert.deepEqual(said, ['{"iban":"REDACTED"} iban: REDACTED', 'that is all']);
  assert.equal(site.seen.find(({ url }) => url?.startsWith('/api/pay'))?.url, '/api/pay?iban=DE11');
  await browser.ask('set-settings', { settings: { redactedNames: [] } });
});

test("a page's own trace headers go on reaching the origins that it sends them to", async () => {
  const other = await startSite((request, response) => {
    response.setHeader('access-control-allow-origin', site.origin);
    response.setHeader('access-control-allow-headers', 'traceparent');
    response.end('other');
  });
  try {
    const page = await browser.open(`${site.origin}/`);
    const own = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const send = () =>
      page.evaluate(
        ([url, traceparent]) => fetch(url, { headers: { traceparent } }).then(() => true),
        [other.origin, own],
      );
    await until(async () => {
      assert.equal(await send(), true);
      return other.seen.at(-1)?.headers['traceparent'] === own;
    }, 'the header');
    await page.reload();
    await send();
    assert.equal(other.seen.at(-1)?.headers['traceparent'], own);
    assert.deepEqual(
      ['tracestate', 'x-session-id'].filter((name) => name in (other.seen.at(-1)?.headers ?? {})),
      [],
    );
  } finally {
    await other.stop();
  }
});

test('when the extension goes, an open page goes on without it', async () => {
  const own = await Browser.launch();
  try {
    await own.switchOn(site.origin, { endpoint: collector.endpoint });
    const page = await own.open(`${site.origin}/`);
    const ours = () =>
      page.evaluate(async () => {
        await fetch('/api/x');
        const functions = [fetch, Request, XMLHttpRequest, WebSocket, Request.prototype.clone, console.log];
        return functions.filter((one) => !String(one).includes(` ${one.name}(`)).map(({ name }) => name);
      });
    assert.deepEqual(await ours(), ['fetch', 'Request', 'XMLHttpRequest', 'WebSocket', 'clone', 'log']);
    const closed = own.console.waitForEvent('close');
    await own.console.evaluate(() => void setTimeout(() => chrome.runtime.reload()));
    await closed;
    await until(async () => (await ours()).length === 0, "the page's own functions");
    assert.equal(await page.evaluate(() => localStorage.getItem('gasoline:session-id')), null);
  } finally {
    await own.close();
  }
});
