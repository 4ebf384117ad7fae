/** What people come for: which session failed, and why. On the demo's real services. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { observe, shownEvents, startVisitedDemo, until } from './stage.mjs';
import { useStage } from './use-stage.mjs';

let demo;
let browser;
let page;
let declined;
let worked;

useStage(async (stage) => {
  ({ collector: demo, browser, page } = stage);
  const { sessions } = await observe(demo.query, { what: 'sessions' });
  declined = sessions.find(({ cause }) => cause?.reason.startsWith('PaymentDeclined'));
  worked = sessions.find(({ has_errors: failed }) => !failed);
}, startVisitedDemo);

const open = (path) => page.goto(demo.query + path);
const panel = () => page.getByRole('complementary', { name: 'Selected event' });
const rows = () => page.locator('.row');

test('from the start page the failing span is named after two clicks', async () => {
  await open('/');
  await page.getByText('PaymentDeclined "card declined: insufficient funds"').waitFor();
  await rows().filter({ hasText: 'PaymentDeclined' }).getByRole('link').click();
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await panel().getByRole('heading', { name: 'POST /charge' }).waitFor();
  const words = await panel().locator('dl').innerText();
  assert.match(words, /service\s+payments/);
  assert.match(words, new RegExp(`span\\s+${declined.cause.span_id}`));
  assert.match(words, /evidence\s+session known from tracestate/);
  assert.equal(new URL(page.url()).pathname, `/sessions/${declined.session_id}`);
});

test('the list names every session, and what failed says why', async () => {
  await open('/');
  await rows().nth(3).waitFor();
  const { sessions } = await observe(demo.query, { what: 'sessions' });
  const causesSaid = () => page.locator('.cause-line').count();
  const causesKnown = sessions.filter(({ cause }) => cause).length;
  await until(async () => (await causesSaid()) === causesKnown, 'every cause');
  const shown = await rows().evaluateAll((all) =>
    all.map((row) => [row.querySelector('a').getAttribute('href'), row.dataset.error]),
  );
  assert.deepEqual(
    shown,
    sessions.map((session) => [`/sessions/${session.session_id}`, String(session.has_errors)]),
  );
  const causes = await page.locator('.cause-line').allInnerTexts();
  assert.deepEqual(
    causes,
    sessions.flatMap(({ cause }) => (cause ? [`${cause.service} ${cause.operation}: ${cause.reason}`] : [])),
  );
  await page.locator('.sparkline polyline').nth(3).waitFor({ state: 'attached' });
});

test('filters of the list stand in the URL and come back with it', async () => {
  await open('/');
  await rows().nth(3).waitFor();
  await page.getByRole('button', { name: 'Failed only' }).click();
  await until(async () => (await rows().count()) === 3, 'three failed sessions');
  await page.getByRole('searchbox', { name: 'Text' }).fill(worked.session_id);
  await page.getByText('No session matches these filters').waitFor();
  await page.getByRole('button', { name: 'Failed only' }).click();
  await until(async () => (await rows().count()) === 1, 'the session that went well');
  assert.equal(new URL(page.url()).search, `?query=${worked.session_id}`);
  await page.reload();
  await rows().first().waitFor();
  assert.equal(await rows().count(), 1);
  await page.getByRole('button', { name: 'Clear' }).click();
  await until(async () => (await rows().count()) === 4, 'all sessions');
  await page.getByRole('combobox', { name: 'Service' }).selectOption('orders');
  await page.getByRole('searchbox', { name: 'URL' }).fill('no.such.host');
  await page.getByText('No session matches these filters').waitFor();
  assert.equal(new URL(page.url()).search, '?service=orders&url=no.such.host');
});

test('filters of a session leave what matches and what failed, and stand in the URL', async () => {
  await open(`/sessions/${declined.session_id}`);
  const { events } = await observe(demo.query, { what: 'session-trace', session_id: declined.session_id, limit: 1000 });
  assert.deepEqual(
    await shownEvents(page),
    events.map(({ id }) => id),
  );
  await page.getByRole('button', { name: 'orders', exact: true }).click();
  const kept = events.filter(({ service, error }) => service === 'orders' || error);
  assert.deepEqual(
    await shownEvents(page),
    kept.map(({ id }) => id),
  );
  await page.getByRole('searchbox', { name: 'Filter by text' }).fill('shirt');
  const found = events.filter((event) => (event.service === 'orders' && /shirt/.test(event.body ?? '')) || event.error);
  assert.deepEqual(
    await shownEvents(page),
    found.map(({ id }) => id),
  );
  await until(() => page.url().includes('query=shirt'), 'the filters in the URL');
  await page.reload();
  assert.deepEqual(
    await shownEvents(page),
    found.map(({ id }) => id),
  );
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('button', { name: /Logs/ }).click();
  const logs = events.filter(({ type, error }) => type === 'log' || error);
  assert.deepEqual(
    await shownEvents(page),
    logs.map(({ id }) => id),
  );
});

test('requests collapse to their first event and their errors', async () => {
  await open(`/sessions/${declined.session_id}`);
  await page.getByRole('button', { name: 'Collapse requests' }).click();
  const { events } = await observe(demo.query, { what: 'session-trace', session_id: declined.session_id, limit: 1000 });
  const heads = new Set();
  const left = events.filter(({ request_id: id, error }) => {
    const isHead = id === undefined || !heads.has(id);
    heads.add(id);
    return isHead || error;
  });
  assert.deepEqual(
    await shownEvents(page),
    left.map(({ id }) => id),
  );
  await page.getByRole('button', { name: 'Expand requests' }).click();
  assert.deepEqual(
    await shownEvents(page),
    events.map(({ id }) => id),
  );
});

test('a link to an event opens it, prefixes of ids are enough', async () => {
  const { events } = await observe(demo.query, { what: 'session-trace', session_id: declined.session_id, limit: 1000 });
  const refused = events.find(({ body }) => body === 'charge refused');
  await open(`/sessions/${declined.session_id.slice(0, 18)}?event=${encodeURIComponent(refused.id)}`);
  await panel()
    .getByRole('heading', { name: /charge refused/ })
    .waitFor();
  await open(`/requests/${refused.request_id.slice(0, 8)}?event=${refused.span_id}`);
  await panel().getByRole('heading', { name: 'POST /charge' }).waitFor();
  await open('/sessions/session-that-never-was');
  await page.getByRole('heading', { name: 'Nothing is stored of this session' }).waitFor();
});

test('a request shows its cause, its critical path and its logs in place', async () => {
  const request = declined.request_ids.at(-1);
  await open(`/requests/${request}`);
  const answer = await observe(demo.query, { what: 'request-trace', request_id: request, limit: 1000 });
  assert.deepEqual(
    await shownEvents(page),
    answer.timeline.map(({ id }) => id),
  );
  const { cause } = answer.request;
  assert.equal(await page.locator('.cause bdi').innerText(), `${cause.service} ${cause.operation}: ${cause.reason}`);
  const shares = await page.getByRole('region', { name: 'Critical path' }).locator('li b').allInnerTexts();
  const total = shares.reduce((sum, share) => sum + Number.parseInt(share, 10), 0);
  assert.ok(shares.length > 1 && total > 50 && total <= 101, String(shares));
  await page.getByText(/spread payments 402 → orders 402 → shop 502 → browser 502/).waitFor();
});

test('a failed request is compared with when it worked, differences marked', async () => {
  await open(`/requests/${declined.request_ids.at(-1)}`);
  await page.getByRole('link', { name: /Compare with when it worked/ }).click();
  await page.waitForURL(`**/compare/*/${declined.request_ids.at(-1)}`);
  const marked = page.locator('.pair:not([data-differs=""])');
  await marked.first().waitFor();
  const words = await marked.allInnerTexts();
  assert.ok(
    words.some((row) => /charge refused/.test(row) && /right only/.test(row)),
    words.join('\n'),
  );
  assert.ok(
    words.some((row) => /POST \/charge/.test(row) && /status/.test(row)),
    words.join('\n'),
  );
  await page.getByRole('link', { name: 'Swap' }).click();
  await until(
    async () => (await marked.allInnerTexts()).some((row) => /charge refused/.test(row) && /left only/.test(row)),
    'sides to swap',
  );
});

test('keys alone find the failing span, and go back', async () => {
  await open('/?status=error&query=PaymentDeclined');
  await open('/?status=error');
  await rows().nth(2).waitFor();
  const place = await rows().evaluateAll((all) => all.findIndex((row) => row.textContent.includes('PaymentDeclined')));
  for (let step = 0; step <= place; step += 1) await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/sessions/${declined.session_id}*`);
  await rows().first().waitFor();
  await page.keyboard.press('e');
  await page.keyboard.press('Enter');
  await panel().waitFor();
  assert.equal(await page.locator('.row[aria-selected="true"]').getAttribute('data-error'), 'true');
  const before = await page.locator('.row[aria-selected="true"]').getAttribute('data-event');
  await page.keyboard.press('ArrowDown');
  assert.notEqual(await page.locator('.row[aria-selected="true"]').getAttribute('data-event'), before);
  await page.keyboard.press('Escape');
  await panel().waitFor({ state: 'detached' });
  await page.keyboard.press('+');
  await page.getByRole('button', { name: 'Whole time' }).waitFor();
  await page.keyboard.press('0');
  await page.getByRole('button', { name: 'Whole time' }).waitFor({ state: 'detached' });
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.keyboard.press('/');
  await page.keyboard.type('refused');
  await page.getByText(/of 26 match/).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.waitForURL('**/?status=error');
});

test('going back is not held up by filters that were typed just before', async () => {
  await open('/');
  await rows().nth(3).waitFor();
  await rows().first().getByRole('link').click();
  await page.getByRole('searchbox', { name: 'Filter by text' }).fill('x');
  await page.evaluate(async () => {
    const press = (key) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    const { back } = history;
    // The browser takes its time to go back: longer than the filters take to come into the URL.
    history.back = () => setTimeout(() => back.call(history), 400);
    press('Escape');
    await new Promise((resolve) => setTimeout(resolve, 300));
    window.searchWhileLeaving = location.search;
    delete history.back;
  });
  await page.waitForURL(`${demo.query}/`);
  assert.equal(await page.evaluate(() => window.searchWhileLeaving), '');
});

test('what is copied is the record, the id and the call', async () => {
  await browser.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(`/sessions/${declined.session_id}?event=${declined.cause.span_id}`);
  const request = declined.request_ids.at(-1);
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await panel().getByRole('button', { name: 'Copy request id' }).click();
  await until(async () => (await clipboard()) === request, 'the request id');
  await panel().getByRole('button', { name: 'Copy observe call' }).click();
  const call = `observe(what="request-trace", request_id="${request}", expand="${request}:${declined.cause.span_id}")`;
  await until(async () => (await clipboard()) === call, 'the call');
  await panel().getByRole('button', { name: 'Copy as OTLP/JSON' }).click();
  await until(async () => (await clipboard()).includes('resourceSpans'), 'OTLP/JSON');
  const [{ scopeSpans }] = JSON.parse(await clipboard()).resourceSpans;
  assert.deepEqual(
    scopeSpans.flatMap(({ spans }) => spans.map(({ spanId }) => spanId)),
    [declined.cause.span_id],
  );
  await panel().getByRole('button', { name: 'Show whole values, resource and scope' }).click();
  await panel()
    .getByRole('heading', { name: /Resource/ })
    .waitFor();
});

test('a comparison with what is not stored says so, and compares nothing', async () => {
  const unknown = ['a'.repeat(32), 'b'.repeat(32)];
  const { requests } = await observe(demo.query, { what: 'requests', limit: 1 });
  const known = requests[0].request_id;
  const shown = [];
  for (const [left, right] of [[unknown[0], known], [known, unknown[0]], unknown]) {
    await open(`/compare/${left}/${right}`);
    await page.getByText(/^Nothing to compare/).waitFor();
    shown.push([await page.locator('.head').getByRole('status').innerText(), await rows().count()]);
  }
  assert.deepEqual(shown, [
    ['Nothing to compare: nothing is stored of the left request', 0],
    ['Nothing to compare: nothing is stored of the right request', 0],
    ['Nothing to compare: nothing is stored of the left and the right request', 0],
  ]);
});

test('an event that is not there is named, until another is chosen', async () => {
  await open(`/sessions/${worked.session_id}?event=not-there`);
  const note = page.getByText('The event that was asked for is not among those shown: not-there');
  await note.waitFor();
  await rows().first().click();
  await note.waitFor({ state: 'detached' });
});

test('what did not fail is not red', async () => {
  await open(`/sessions/${worked.session_id}`);
  const chip = page.getByRole('button', { name: '0 errors' });
  await chip.waitFor();
  assert.equal(await chip.getAttribute('class'), 'chip');
});
