/** What failed where no request did: an error in the console of a page belongs to no trace. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { importSources } from './sources.mjs';
import { attributesOf, nanosOf, sendLogs, shownEvents, until } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const { questionAbout } = await importSources('model/observe_call.ts');
const STARTED = Date.now() - 60_000;
const stage = useStage();

const record = (at, severityNumber, text, attributes) => ({
  timeUnixNano: nanosOf(STARTED + at),
  severityNumber,
  body: { stringValue: text },
  attributes: attributesOf(attributes),
});

test('a session in which no request failed names its first error; the copied call finds it', async () => {
  const { browser, collector, page } = stage;
  const session = { 'session.id': 'console-only' };
  const thrown = { ...session, 'exception.type': 'TypeError', 'exception.message': 'cart is undefined' };
  await sendLogs(collector.endpoint, 'shop-web', [
    record(1, 9, 'cart opened', session),
    record(2, 17, 'Uncaught', thrown),
    record(3, 17, 'and again', session),
  ]);
  await page.goto(`${collector.query}/sessions/console-only`);
  await page.getByText('First error shop-web: TypeError: cart is undefined').waitFor();
  const { session: told, events } = await collector.observe({ what: 'session-trace', session_id: 'console-only' });
  assert.deepEqual([told.has_errors, told.cause, events.length], [true, undefined, 3]);
  assert.deepEqual(
    await shownEvents(page),
    events.map(({ id }) => id),
  );
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await browser.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy observe call' }).click();
  const call = `observe(${Object.entries(questionAbout(events[1]))
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')})`;
  await until(async () => (await page.evaluate(() => navigator.clipboard.readText())) === call, 'the call');
  assert.match(call, /^observe\(what="session-trace", session_id="console-only", service="shop-web", since="\d{4}-/);
  const answer = await collector.observe(questionAbout(events[1]));
  assert.deepEqual(answer.events, [events[1]]);
});

test('an event in no session and no request is asked for by its service and its time', async () => {
  const { collector } = stage;
  await sendLogs(collector.endpoint, 'lonely', [record(1, 9, 'one', {}), record(2, 9, 'two', {})]);
  const { events } = await collector.observe({ what: 'logs', service: 'lonely' });
  assert.equal(events.length, 2);
  for (const event of events) {
    const found = await collector.observe(questionAbout(event));
    assert.deepEqual(found.events, [event]);
  }
});
