/** The page while telemetry comes in. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startCollector } from '../extension/e2e/stage.mjs';
import { otlpSpan, sendSpans, shownEvents, until } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const STARTED = Date.now() - 60_000;
let collector;
let page;

const stage = useStage((started) => {
  ({ collector, page } = started);
});

const hex = (number, digits) => number.toString(16).padStart(digits, '0');

/** A trace of `count` spans in a session, from `at` milliseconds after the start on. */
function send(session, trace, at, count) {
  const spans = Array.from({ length: count }, (_, index) =>
    otlpSpan({
      trace: hex(trace, 32),
      id: hex(trace * 1000 + index + 1, 16),
      parent: index === 0 ? undefined : hex(trace * 1000 + 1, 16),
      name: `step ${index}`,
      from: STARTED + at + index,
      to: STARTED + at + index + 1,
      attributes: { 'session.id': session },
    }),
  );
  return sendSpans(collector.endpoint, 'shop', spans);
}

/** A span of that trace's session, in a trace of its own after all that came before. */
const later = (session, trace, place) =>
  otlpSpan({
    trace: hex(trace * 100 + place, 32),
    id: hex(trace * 100 + place, 16),
    name: 'later',
    from: STARTED + 40_000 + place,
    to: STARTED + 40_001 + place,
    attributes: { 'session.id': session },
  });

const rowsBecome = (count) =>
  until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === String(count), `${count} rows`);
const scrolledTo = () => page.locator('.rows').evaluate((box) => box.scrollTop);

const top = () =>
  page.locator('.rows').evaluate((box) => {
    const edge = box.getBoundingClientRect().top;
    const row = [...box.querySelectorAll('.row')].find((one) => one.getBoundingClientRect().bottom > edge + 1);
    return [
      row.dataset.event ?? row.querySelector('a').getAttribute('href'),
      Math.round(row.getBoundingClientRect().top - edge),
    ];
  });

test("a page that nothing was sent to says how to send, with this collector's own endpoints", async () => {
  await page.goto(collector.query);
  await page.getByRole('heading', { name: 'Nothing has arrived yet' }).waitFor();
  const { endpoints } = await collector.observe({ what: 'status' });
  const lines = await page.locator('pre').innerText();
  assert.match(lines, new RegExp(`^export OTEL_EXPORTER_OTLP_ENDPOINT=http://${endpoints.grpc}$`, 'm'));
  assert.match(lines, /^export OTEL_EXPORTER_OTLP_PROTOCOL=grpc$/m);
});

test('what has arrived without a session is told', async () => {
  await sendSpans(collector.endpoint, 'lonely', [
    otlpSpan({
      trace: hex(77, 32),
      id: hex(77, 16),
      name: 'GET /alone',
      from: STARTED,
      to: STARTED + 5,
      kind: 2,
      attributes: {
        'http.request.method': 'GET',
        'url.full': 'http://lonely.example/alone',
        'http.response.status_code': 200,
      },
    }),
  ]);
  await page.getByRole('heading', { name: 'No session yet' }).waitFor();
  await page.getByRole('link', { name: /GET http:\/\/lonely.example\/alone/ }).click();
  await page.waitForURL(`**/requests/${hex(77, 32)}`);
  assert.deepEqual(await shownEvents(page), [`${hex(77, 32)}:${hex(77, 16)}`]);
});

test('sessions appear in the list as they come, what is looked at stays where it is', async () => {
  await page.goto(collector.query);
  await send('session-one', 1, 0, 3);
  await page.getByRole('link', { name: 'session-one' }).waitFor();
  for (let trace = 100; trace < 140; trace += 1) await send(`session-${trace}`, trace, trace, 1);
  await until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === '41', 'all sessions');
  await page.locator('.rows').evaluate((box) => (box.scrollTop = 500));
  await until(async () => (await top())[1] !== 0, 'the list to have scrolled');
  const before = await top();
  await send('session-new', 200, 50_000, 1);
  await until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === '42', 'the new session');
  assert.deepEqual(await top(), before);
});

test('a session grows while it is watched, without jumping, and keeps what is selected', async () => {
  for (let trace = 2; trace < 12; trace += 1) await send('session-live', trace, trace * 1000, 20);
  await page.goto(`${collector.query}/sessions/session-live`);
  await until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === '200', 'all events');
  await page.locator('.rows').evaluate((box) => (box.scrollTop = 2000));
  await until(async () => (await top())[1] !== 0, 'the rows to have scrolled');
  const selected = page.locator('.row').nth(20);
  await selected.click();
  const chosen = await page.locator('.row[aria-selected="true"]').getAttribute('data-event');
  const before = await top();
  await send('session-live', 20, 500, 30);
  await until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === '230', 'earlier events');
  assert.deepEqual(await top(), before);
  await send('session-live', 21, 55_000, 30);
  await until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === '260', 'later events');
  assert.deepEqual(await top(), before);
  assert.equal(await page.locator('.row[aria-selected="true"]').getAttribute('data-event'), chosen);
  const { events } = await collector.observe({ what: 'session-trace', session_id: 'session-live', limit: 1000 });
  assert.deepEqual(
    await shownEvents(page),
    events.map(({ id }) => id),
  );
});

test('what is looked at stays where it is on the screen while lanes and the cause appear above it', async () => {
  const names = [];
  const wrong = {};
  for (const [place, [name, count, scrollTop]] of [
    ['scrolled', 60, 400],
    ['at its beginning', 60, 0],
    ['shorter than its box', 8, 0],
  ].entries()) {
    const session = `session-steady-${place}`;
    const trace = 700 + place;
    await send(session, trace, 1000, count);
    await page.goto(`${collector.query}/sessions/${session}`);
    await rowsBecome(count);
    await page.locator('.rows').evaluate((box, top) => (box.scrollTop = top), scrollTop);
    await until(async () => Math.abs((await scrolledTo()) - scrollTop) < 2, 'the rows to have scrolled');
    const row = page.locator(`.row[data-event$=":${hex(trace * 1000 + (scrollTop > 0 ? 22 : 5), 16)}"]`);
    await row.hover();
    const before = (await row.boundingBox()).y;
    for (let service = 1; service <= 13; service += 1) {
      await sendSpans(collector.endpoint, `service-${service}`, [later(session, trace, service)]);
    }
    await sendSpans(collector.endpoint, 'service-1', [{ ...later(session, trace, 14), status: { code: 2 } }]);
    await page.locator('.cause').waitFor();
    await rowsBecome(count + 14);
    const after = (await row.boundingBox()).y;
    names.push(name);
    if (Math.abs(after - before) > 1) wrong[name] = `${before} → ${after}`;
  }
  assert.equal(names.length, 3);
  assert.deepEqual(wrong, {});
  await page.locator('.rows').evaluate((box) => (box.scrollTop = 0));
  await until(
    async () => page.locator('.rows').evaluate((box) => box.scrollHeight <= Math.max(box.clientHeight, 22 * 26)),
    'no room to be left below the rows',
  );
});

test('a chosen part of the time stays chosen while the session grows', async () => {
  await page.goto(`${collector.query}/sessions/session-live`);
  await page.locator('.row').first().waitFor();
  const title = () => page.locator('.brush').getAttribute('title');
  await page.keyboard.press('+');
  await page.getByRole('button', { name: 'Whole time' }).waitFor();
  const before = await title();
  await send('session-live', 22, 90_000, 5);
  await until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === '265', 'the new events');
  assert.equal(await title(), before);
});

test('requests that come after all were collapsed come collapsed, in the address too', async () => {
  await page.goto(`${collector.query}/sessions/session-live`);
  await until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === '265', 'all events');
  await page.keyboard.press('c');
  await until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === '13', 'one row a request');
  await page.waitForURL(/fold=requests/);
  await send('session-live', 23, 91_000, 7);
  await until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === '14', 'the new request');
  await page.getByText('14 of 272 rows').waitFor();
  await page.reload();
  await until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === '14', 'the same again');
});

test('a session of one long request says how long it took', async () => {
  const ends = { from: STARTED, to: STARTED + 30_000 };
  const attributes = { 'session.id': 'session-of-30-s' };
  await sendSpans(collector.endpoint, 'slow', [
    otlpSpan({ trace: hex(500, 32), id: hex(500, 16), name: 'slow', ...ends, attributes }),
  ]);
  await page.goto(`${collector.query}/?query=session-of-30-s`);
  await page
    .locator('.row', { hasText: 'session-of-30-s' })
    .getByRole('gridcell', { name: '30.0 s duration' })
    .waitFor();
  await page.goto(`${collector.query}/sessions/session-of-30-s`);
  await page.locator('.facts', { hasText: '30.0 s' }).waitFor();
});

test('sessions whose ids a browser takes for steps of a path open, and lead back', async () => {
  for (const [place, id] of ['.', '..'].entries()) {
    await send(id, 600 + place, 0, 2);
    await page.goto(`${collector.query}/?query=${id}`);
    await page.getByRole('link', { name: id, exact: true }).click();
    await page.locator('.timeline .row').nth(1).click();
    await page.waitForURL(/event=/);
    await page.reload();
    const { events } = await collector.observe({ what: 'session-trace', session_id: id });
    assert.deepEqual(
      await shownEvents(page),
      events.map((event) => event.id),
    );
  }
});

test('dragging in the overview chooses a time, dragging in the lanes moves it', async () => {
  await page.goto(`${collector.query}/sessions/session-live`);
  await page.locator('.row').first().waitFor();
  const brush = () =>
    page
      .locator('.brush')
      .evaluate(({ style }) => [Number.parseFloat(style.left), Number.parseFloat(style.width)].map(Math.round));
  const drag = async (selector, from, to) => {
    const box = await page.locator(selector).boundingBox();
    await page.mouse.move(box.x + box.width * from, box.y + 8);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * ((from + to) / 2), box.y + 8);
    await page.mouse.move(box.x + box.width * to, box.y + 8);
    await page.mouse.up();
  };
  await drag('.minimap', 0.25, 0.5);
  assert.deepEqual(await brush(), [25, 25]);
  await drag('.lane-plot', 0.8, 0.4);
  assert.deepEqual(await brush(), [35, 25]);
  await page.locator('.lane-plot').hover();
  await page.mouse.wheel(0, -600);
  await until(async () => (await brush())[1] < 15, 'the wheel to zoom');
});

test('after a restart of the collector the same link shows the same, and the page is live again', async () => {
  await page.goto(`${collector.query}/sessions/session-live`);
  const before = await shownEvents(page);
  await collector.stop();
  await page.getByText('not connected').waitFor();
  const { dataDir } = collector;
  collector = await startCollector({ dataDir });
  stage.collector = collector;
  await page.goto(`${collector.query}/sessions/session-live`);
  assert.deepEqual(await shownEvents(page), before);
  await page.getByText('live', { exact: true }).waitFor();
  stage.browser.problems.length = 0;
});
