/** What was corrected in the place of an event is said where the event is looked at; lists are filtered by time. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { otlpSpan, sendSpans, shownEvents, until } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const STARTED = Date.now() - 60_000;
const DAY_MS = 86_400_000;
const TRACE = 'c'.repeat(32);
const stage = useStage();
const id = (number) => String(number).padStart(16, '0');
const [SERVER, CLIENT] = [2, 3];

test('a wrong clock and a parent that never arrived are told of the events whose place they changed', async () => {
  const { collector, page } = stage;
  const call = { trace: TRACE, name: 'POST /charge', attributes: { 'session.id': 'corrected' } };
  const late = STARTED - 2_000;
  await sendSpans(collector.endpoint, 'shop', [
    otlpSpan({ ...call, id: id(1), kind: CLIENT, from: STARTED, to: STARTED + 100 }),
    otlpSpan({ ...call, id: id(2), name: 'lost', parent: id(99), from: STARTED + 200, to: STARTED + 210 }),
  ]);
  await sendSpans(collector.endpoint, 'payments', [
    otlpSpan({ ...call, id: id(3), parent: id(1), kind: SERVER, from: late, to: late + 50 }),
  ]);
  const { events, notes } = await collector.observe({ what: 'session-trace', session_id: 'corrected' });
  const skew = notes.find((note) => note.startsWith('clock skew:'));
  assert.match(skew, /^clock skew: the clock of shop is about 2\.\d+ s ahead; /);
  const words = {};
  for (const number of [1, 2, 3]) {
    await page.goto(`${collector.query}/sessions/corrected?event=${id(number)}`);
    await page.getByRole('complementary', { name: 'Selected event' }).waitFor();
    const told = await page.locator('.panel dt', { hasText: 'corrected' }).count();
    words[number] = told ? await page.locator('.panel dt:text-is("corrected") + dd').allInnerTexts() : [];
  }
  assert.deepEqual(words, {
    1: [skew],
    2: [`its parent ${id(99)} never arrived, so it stands at the top`, skew],
    3: [],
  });
  assert.deepEqual(
    await shownEvents(page),
    events.map((event) => event.id),
  );
});

test('the list is filtered by time, and the address keeps it', async () => {
  const { collector, page } = stage;
  const old = { trace: 'd'.repeat(32), id: id(9), name: 'old', attributes: { 'session.id': 'of-the-day-before' } };
  const from = STARTED - 2 * DAY_MS;
  await sendSpans(collector.endpoint, 'shop', [otlpSpan({ ...old, from, to: from + 5 })]);
  await page.goto(collector.query);
  const rows = () => page.locator('main.list .row').count();
  await until(async () => (await rows()) === 2, 'both sessions');
  await page.getByRole('combobox', { name: 'Time' }).selectOption('-1h');
  await until(async () => (await rows()) === 1, 'that of the last hour');
  await page.waitForURL(/since=-1h/);
  await page.reload();
  await page.getByRole('link', { name: 'corrected' }).waitFor();
  assert.equal(await rows(), 1);
});

test('a parent that another session holds is not told to have never arrived', async () => {
  const { collector, page } = stage;
  const trace = 'e'.repeat(32);
  const step = (number, session, parent) =>
    otlpSpan({
      ...{ trace, id: id(number), parent, name: 'step', from: STARTED + number, to: STARTED + number + 1 },
      attributes: { 'session.id': session },
    });
  await sendSpans(collector.endpoint, 'shop', [step(21, 'share-a'), step(22, 'share-b', id(21))]);
  await page.goto(`${collector.query}/sessions/share-b?event=${id(22)}`);
  await page.getByRole('complementary', { name: 'Selected event' }).waitFor();
  assert.deepEqual(
    [
      await page.locator('.note').allInnerTexts(),
      await page.locator('.row .tag').allInnerTexts(),
      await page.locator('.panel dt:text-is("corrected") + dd').allInnerTexts(),
    ],
    [
      ['shared: 1 parent span belongs to another session; what they called stands at the top'],
      ['parent not here'],
      [`its parent ${id(21)} is not here: it belongs to another session, or never arrived, so it stands at the top`],
    ],
  );
});
