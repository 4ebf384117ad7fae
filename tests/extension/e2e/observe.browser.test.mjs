/** The main job: a person clicks through an app of three instrumented services; the collector holds one session. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Browser, sessionTrace, startAll, startDemo, storedId } from './stage.mjs';

/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startDemo>>} */
let demo;

before(async () => {
  [browser, demo] = await startAll(Browser.launch(), startDemo());
  await browser.switchOn(demo.shop, { endpoint: demo.endpoint });
});
after(() => Promise.all([browser?.close(), demo?.stop()]));

test('testing:real-browser flow:one-timeline testing:real-services: all of it in order', async () => {
  const page = await browser.open(`${demo.shop}/?token=hunter2hunter2`);
  const sessionId = await storedId(page);
  assert.match(sessionId, /^session-[0-9a-f]{32}$/, 'session-id:generated');
  const answered = page.waitForResponse('**/api/checkout');
  await page.click('button[data-card=declined]');
  const response = await answered;
  const headers = await response.request().allHeaders();
  await page.evaluate(() => {
    console.error('checkout failed', { password: 'hunter2hunter2', status: 502 });
    setTimeout(() => {
      throw new TypeError('cart is undefined');
    });
  });
  // Each service sends its spans and its logs in requests of their own.
  const whole = [
    ...['browser documentLoad', 'browser POST', 'browser browser.user_action.click'],
    ...['browser browser.console', 'browser exception'],
    ...['orders', 'payments'].map((service) => `${service} server`),
    ...['/', '/api/checkout'].map((route) => `shop server ${route}`),
  ];
  const shown = ({ service, name, kind, attributes }) => [
    `${service} ${name}`,
    `${service} ${kind}`,
    `${service} ${kind} ${attributes['http.route']}`,
  ];
  const { session, events } = await sessionTrace(demo.observe, sessionId, (found) => {
    const there = new Set(found.flatMap(shown));
    return whole.every((one) => there.has(one));
  });

  const services = ['browser', 'orders', 'payments', 'shop'];
  assert.deepEqual(session.services, services);
  assert.equal(session.first_url, `${demo.shop}/?token=REDACTED`);
  assert.match(session.user_agent, /HeadlessChrome/);
  assert.equal(session.has_errors, true);
  const own = JSON.stringify(events.filter(({ service }) => service === 'browser'));
  assert.equal(own.includes('hunter2'), false, 'the extension sends no secret');

  const find = (test) => events.find(test) ?? assert.fail('an event is missing');
  const load = find(({ name }) => name === 'documentLoad');
  const pageSpan = find(({ service, parent_span_id: parent }) => service === 'shop' && parent === load.span_id);
  assert.equal(pageSpan.request_id, load.request_id, 'the page load is the root of what the server did for it');
  assert.equal(load.attributes['http.response.status_code'], 200);

  const click = find(({ name }) => name === 'browser.user_action.click');
  assert.equal(click.attributes['browser.tag_name'], 'BUTTON');
  const post = find(({ name, service }) => service === 'browser' && name === 'POST');
  assert.equal(headers['traceparent'], `00-${post.request_id}-${post.span_id}-01`, 'request-id:sent-as-traceparent');
  assert.equal(post.attributes['http.response.status_code'], 502, 'request-id:response-mapping');
  assert.equal(post.error, true);
  const server = find(
    ({ service, kind, parent_span_id: parent }) => service === 'shop' && kind === 'server' && parent === post.span_id,
  );
  const order = [load, click, post, server, find(({ service, kind }) => service === 'payments' && kind === 'server')];
  const positions = order.map((event) => events.indexOf(event));
  assert.deepEqual(
    positions,
    positions.toSorted((a, b) => a - b),
  );

  const failed = find(({ name }) => name === 'browser.console');
  assert.equal(failed.body, 'checkout failed {"password":"REDACTED","status":502}');
  assert.equal(failed.severity, 'ERROR');
  const exception = find(({ name }) => name === 'exception');
  assert.equal(exception.attributes['exception.type'], 'TypeError');
  assert.equal(exception.attributes['exception.message'], 'cart is undefined');
  assert.match(exception.attributes['exception.stacktrace'], /cart is undefined/);

  const evidence = (service) =>
    new Set(events.filter((event) => event.service === service).map((event) => event.evidence));
  assert.deepEqual(evidence('browser'), new Set(['attribute']));
  for (const service of ['shop', 'orders', 'payments']) assert.ok(evidence(service).has('tracestate'), service);

  const { request } = await demo.observe({ what: 'request-trace', request_id: post.request_id });
  assert.equal(request.method, 'POST');
  assert.equal(request.status, 502);
  assert.deepEqual(request.service_calls, services);
  assert.equal(request.session_id, sessionId);
  assert.equal(request.cause.service, 'payments');
});
