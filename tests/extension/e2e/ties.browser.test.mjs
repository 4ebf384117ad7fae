/** What is told of a request is tied to that request, and to what its server did for it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { html, sessionTrace, storedId } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const traceOf = ({ headers }) => headers['traceparent']?.split('-')[1];
/** The trace that `/flaky` fails for: the first that asks for it, however often the browser tries. */
let failing = '';
const stage = useStage((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://any');
  // The server says in which trace it answers, as many do.
  if (traceOf(request)) response.setHeader('server-timing', `traceparent;desc="${request.headers['traceparent']}"`);
  failing ||= pathname === '/flaky' ? traceOf(request) : '';
  if (pathname === '/flaky' && traceOf(request) === failing) request.socket.destroy();
  else if (!pathname.startsWith('/page')) setTimeout(() => response.end('{}'), Number(searchParams.get('delay')));
  else if (request.headers['if-none-match']) response.writeHead(304, { etag: '"1"' }).end();
  else html(response, '<p>page</p>', { etag: '"1"', 'cache-control': 'max-age=0' });
});

const seen = (/** @type {string} */ path) => stage.site.seen.filter(({ url }) => url?.startsWith(path));
const of = (events, name, path) =>
  events.filter((event) => event.name === name && event.attributes['url.full']?.includes(path));
const open = async () => {
  const page = await stage.browser.open(`${stage.site.origin}/page`);
  return { page, sessionId: await storedId(page) };
};
const told = (sessionId, isWhole) => sessionTrace(stage.collector.observe, sessionId, isWhole);

test('a document that its server confirms with 304 is tied to that, and the next has a trace of its own', async () => {
  const { page, sessionId } = await open();
  for (let time = 0; time < 2; time += 1) {
    await stage.browser.noted(traceOf(seen('/page').at(-1)));
    await page.reload();
  }
  await stage.browser.noted(traceOf(seen('/page').at(-1)));
  await page.goto(`${stage.site.origin}/page-other`);
  const sent = seen('/page');
  assert.deepEqual(
    sent.map(({ headers }) => headers['if-none-match'] !== undefined),
    [false, true, true, false],
  );
  const { events } = await told(sessionId, (all) => of(all, 'documentLoad', '/page').length >= 4);
  assert.deepEqual(
    of(events, 'documentLoad', '/page').map(({ request_id: id }) => id),
    sent.map(traceOf),
  );
  assert.equal(new Set(sent.map(traceOf)).size, 4);
});

test('timings go to their own requests, whatever was called off or overtaken before', async () => {
  const { page, sessionId } = await open();
  await page.evaluate(async () => {
    await fetch('/api/again', { signal: AbortSignal.abort() }).catch(() => {});
    for (let time = 0; time < 3; time += 1) await fetch('/api/again').then((response) => response.text());
    const slow = fetch('/api/same?delay=400', { cache: 'no-store' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await fetch('/api/same?delay=400', { cache: 'no-store' });
    await slow;
  });
  const timingsOf = (events) => of(events, 'browser.resource_timing', '/api/');
  const { events } = await told(sessionId, (all) => timingsOf(all).length >= 5);
  const byTrace = (traces) => traces.toSorted();
  assert.deepEqual(
    byTrace(timingsOf(events).map(({ request_id: id }) => id)),
    byTrace(seen('/api/').map(traceOf)),
  );
  assert.deepEqual(of(events, 'gasoline.propagation.restart', ''), []);
});

test('a request without CORS is told in the trace that its server saw: that of the page load', async () => {
  const { page, sessionId } = await open();
  await page.evaluate(() => fetch('/api/bare', { mode: 'no-cors' }).then((response) => response.text()));
  const { events } = await told(sessionId, (all) => of(all, 'GET', '/api/bare').length > 0);
  const [span] = of(events, 'GET', '/api/bare');
  const [, traceId, spanId] = seen('/page')[0].headers['traceparent'].split('-');
  assert.deepEqual([span.request_id, span.parent_span_id, traceOf(seen('/api/bare')[0])], [traceId, spanId, traceId]);
});

test('a request that failed in the network once does not keep the next ones from being traced', async () => {
  const { page, sessionId } = await open();
  failing = '';
  const answers = await page.evaluate(async () => {
    const texts = [];
    for (let time = 0; time < 2; time += 1) texts.push(await fetch('/flaky').then((response) => response.text()));
    return texts;
  });
  assert.deepEqual(answers, ['{}', '{}']);
  const { events } = await told(
    sessionId,
    (all) => of(all, 'GET', '/flaky').length >= 2 && of(all, 'gasoline.propagation.fallback', '').length > 0,
  );
  assert.equal(of(events, 'GET', '/flaky')[1].request_id, traceOf(seen('/flaky').at(-1)));
  assert.deepEqual(
    of(events, 'gasoline.propagation.fallback', '/flaky').map(({ body }) => body),
    ['the request failed, and was sent again without trace headers'],
  );
});

test('an XMLHttpRequest that is opened again ends what it was busy with', async () => {
  const { page, sessionId } = await open();
  await page.evaluate(async () => {
    const request = new XMLHttpRequest();
    const loaded = () => new Promise((resolve) => (request.onload = resolve));
    request.open('GET', '/api/first?delay=5000');
    request.send();
    request.open('GET', '/api/second');
    request.send();
    await loaded();
    // It hears of the end before we would, if we listened later.
    request.open('GET', '/api/third');
    request.addEventListener('load', () => request.open('GET', '/api/never-sent'), { once: true });
    request.send();
    await loaded();
  });
  const { events } = await told(sessionId, (all) => of(all, 'GET', '/api/').length >= 3);
  const outcomes = of(events, 'GET', '/api/').map(({ attributes }) => [
    new URL(attributes['url.full']).pathname,
    attributes['http.response.status_code'] ?? attributes['error.type'],
    attributes['gasoline.response.url'],
  ]);
  assert.deepEqual(outcomes.toSorted(), [
    ['/api/first', 'AbortError', undefined],
    ['/api/second', 200, undefined],
    ['/api/third', 200, undefined],
  ]);
});
