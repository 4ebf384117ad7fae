/** Telemetry that means harm: it is text, and it does not freeze the page. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { otlpSpan, sendLogs, sendSpans, attributesOf, nanosOf, shownEvents, until } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const STARTED = Date.now() - 60_000;
const SPANS_PER_EXPORT = 5_000;
const MARKUP = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script><style>*{display:none}</style>';
const BIDI = 'invoice\u202egnp.exe \u2066\u200b\u0007';
const HIDDEN = ['\u202e', '\u2066', '\u200b', '\u0007'];
const hex = (number, digits) => number.toString(16).padStart(digits, '0');
const FROZEN_MS = 10_000;
let collector;
let page;

useStage((stage) => {
  ({ collector, page } = stage);
});

const isHarmed = () =>
  page.evaluate(() => 'harmed' in window || document.querySelectorAll('img, iframe, style').length > 0);
/** A frozen page draws no frame. */
const drawsFrame = async () => {
  await page.locator('.rows').first().waitFor();
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(true))));
  await page.waitForFunction(frame, undefined, { timeout: FROZEN_MS });
};

test('markup and scripts are shown as text, wherever they stand', async () => {
  const trace = hex(1, 32);
  const session = `s"'><b>${MARKUP.slice(0, 60)}`;
  await sendSpans(collector.endpoint, MARKUP, [
    otlpSpan({
      trace,
      id: hex(1, 16),
      name: MARKUP,
      from: STARTED,
      to: STARTED + 9,
      kind: 2,
      status: { code: 2, message: MARKUP },
      attributes: {
        'session.id': session,
        'http.request.method': MARKUP,
        'url.full': `javascript:window.harmed=1//${MARKUP}`,
        [MARKUP]: MARKUP,
        'user_agent.original': MARKUP,
      },
      events: [
        {
          name: 'exception',
          timeUnixNano: nanosOf(STARTED + 5),
          attributes: attributesOf({ 'exception.message': MARKUP }),
        },
      ],
    }),
  ]);
  await sendLogs(collector.endpoint, MARKUP, [
    {
      timeUnixNano: nanosOf(STARTED + 6),
      severityNumber: 17,
      body: { stringValue: MARKUP },
      traceId: trace,
      spanId: hex(1, 16),
    },
  ]);
  for (const path of [
    '/',
    '/requests',
    `/sessions/${encodeURIComponent(session)}`,
    `/requests/${trace}`,
    `/compare/${trace}/${trace}`,
  ]) {
    await page.goto(collector.query + path);
    await page.locator('.row').first().waitFor();
    assert.equal(await isHarmed(), false, path);
    assert.ok((await page.locator('#root').innerText()).includes('<script>window.harmed=1</script>'), path);
  }
  await page.goto(`${collector.query}/requests/${trace}?event=${hex(1, 16)}`);
  await page.locator('.attributes').first().waitFor();
  assert.equal(await isHarmed(), false);
  assert.deepEqual(await page.locator('a[href^="javascript:"]').count(), 0);
  assert.ok((await page.locator('.attributes th').allInnerTexts()).includes(MARKUP));
});

test('text that turns the direction of writing, or hides, is written out', async () => {
  const trace = hex(2, 32);
  await sendSpans(collector.endpoint, `shop ${BIDI}`, [
    otlpSpan({
      trace,
      id: hex(2, 16),
      name: BIDI,
      from: STARTED,
      to: STARTED + 1,
      attributes: { 'session.id': `b${BIDI}`, note: BIDI },
    }),
  ]);
  await page.goto(`${collector.query}/requests/${trace}?event=${hex(2, 16)}`);
  await page.locator('.attributes').waitFor();
  const text = await page.locator('#root').innerText();
  assert.ok(text.includes('invoice‹U+202E›gnp.exe ‹U+2066›‹U+200B›‹U+0007›'));
  assert.deepEqual(
    HIDDEN.filter((character) => text.includes(character)),
    [],
  );
  await page.goto(collector.query);
  await page.locator('.row', { hasText: 'binvoice' }).waitFor();
  const list = await page.locator('#root').textContent();
  assert.ok(list.includes('shop invoice‹U+202E›'));
  assert.deepEqual(
    HIDDEN.filter((character) => list.includes(character)),
    [],
  );
  await page.goto(`${collector.query}/sessions/${encodeURIComponent(`b${BIDI}`)}`);
  await page.locator('.row').first().waitFor();
  const head = await page.locator('.head .id').evaluate((id) => id.textContent + id.querySelector('code').title);
  const title = await page.title();
  assert.ok(head.includes('binvoice‹U+202E›gnp.exe'), head);
  assert.ok(title.includes('binvoice‹U+202E›gnp.exe'), title);
  assert.deepEqual(
    HIDDEN.filter((character) => (head + title).includes(character)),
    [],
  );
});

test('an attribute of 1 MB is cut, then shown as far as the page can bear', async () => {
  const trace = hex(3, 32);
  await sendSpans(collector.endpoint, 'shop', [
    otlpSpan({
      trace,
      id: hex(3, 16),
      name: 'big',
      from: STARTED,
      to: STARTED + 1,
      attributes: { big: 'x'.repeat(1024 * 1024) },
    }),
  ]);
  await page.goto(`${collector.query}/requests/${trace}?event=${hex(3, 16)}`);
  const value = page.locator('.attributes td').first();
  await value.waitFor();
  assert.ok((await value.innerText()).length < 1_200);
  await page.getByRole('button', { name: 'Show whole values, resource and scope' }).click();
  await page.getByRole('heading', { name: /Resource/ }).waitFor();
  await page.getByRole('button', { name: /Show all 1,048,576 characters/ }).click();
  await page.getByText('948,576 more characters').waitFor();
  await drawsFrame();
});

test('parents in a circle are shown, each once', async () => {
  const trace = hex(4, 32);
  const spans = [1, 2, 3].map((index) =>
    otlpSpan({
      trace,
      id: hex(index, 16),
      parent: hex((index % 3) + 1, 16),
      name: `turn ${index}`,
      from: STARTED,
      to: STARTED + 9,
    }),
  );
  spans.push(
    otlpSpan({ trace, id: hex(9, 16), parent: hex(9, 16), name: 'own parent', from: STARTED, to: STARTED + 9 }),
  );
  await sendSpans(collector.endpoint, 'shop', spans);
  await page.goto(`${collector.query}/requests/${trace}`);
  const { timeline } = await collector.observe({ what: 'request-trace', request_id: trace, limit: 1000 });
  assert.equal(timeline.length, 4);
  assert.deepEqual(
    await shownEvents(page),
    timeline.map(({ id }) => id),
  );
});

test('100,000 spans in one trace: the page says what it does not show, and answers', async () => {
  const trace = hex(5, 32);
  for (let start = 0; start < 100_000; start += SPANS_PER_EXPORT) {
    const spans = Array.from({ length: SPANS_PER_EXPORT }, (_, index) => {
      const number = start + index + 1;
      const parent = number === 1 ? undefined : hex(Math.max(1, number - 1 - (number % 7)), 16);
      return otlpSpan({
        trace,
        id: hex(number, 16),
        parent,
        name: `s${number}`,
        from: STARTED + number,
        to: STARTED + number + 9,
        ...(number > 99_995 ? { status: { code: 2, message: 'late failure' } } : {}),
      });
    });
    await sendSpans(collector.endpoint, `service ${start % 60_000}`, spans);
  }
  await page.goto(`${collector.query}/requests/${trace}`);
  await page.locator('.row').first().waitFor();
  await drawsFrame();
  const words = /Shown are the first 20,000 of 100,000 events, and 5 of the others that failed/;
  await page.getByText(words).waitFor({ timeout: 120_000 });
  await until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === '20005', 'all that is drawn');
  await page.getByRole('button', { name: '5 errors' }).waitFor();
  await page.locator('.rows').focus();
  await page.keyboard.press('End');
  await page.locator(`[data-event="${trace}:${hex(20_000, 16)}"]`).waitFor();
  for (let number = 99_996; number <= 100_000; number += 1) {
    await page.locator(`[data-event="${trace}:${hex(number, 16)}"][data-error="true"]`).waitFor();
  }
  assert.equal(await page.getByText('parent missing').count(), 0);
  await page.getByText('Critical path and self times are not known').waitFor();
  await drawsFrame();
  await page.goto(`${collector.query}/requests/${trace}?event=${hex(50_000, 16)}`);
  await page.getByText(/and 5 of the others that failed, and 1,000 around the one that was asked for/).waitFor({
    timeout: 120_000,
  });
  await page.locator(`[data-event="${trace}:${hex(50_000, 16)}"][aria-selected="true"]`).waitFor();
  await page.getByRole('complementary', { name: 'Selected event' }).getByRole('heading', { name: 's50000' }).waitFor();
  await drawsFrame();
});
