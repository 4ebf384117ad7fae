/** Lists of the page: ages that grow, filters that are refused or too long, and what is wider than its column. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { otlpSpan, sendSpans } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const stage = useStage(async ({ collector }) => {
  const from = Date.now();
  const attributes = { 'session.id': 'just-now' };
  await sendSpans(collector.endpoint, 'shop', [
    otlpSpan({ trace: 'a'.repeat(32), id: 'a'.repeat(16), name: 'step', from, to: from + 1, attributes }),
  ]);
});

test('how long ago a session was grows old by itself, and a list by age is asked for again', async () => {
  const page = await stage.browser.context.newPage();
  await page.clock.install();
  await page.goto(`${stage.collector.query}/?since=-5m`);
  await page.getByText('live', { exact: true }).waitFor();
  await page.locator('.row .started small', { hasText: /^(now|\d+ s ago)$/ }).waitFor();
  const asked = page.waitForRequest((request) => request.url().includes('what=sessions'));
  await page.clock.fastForward(75_000);
  await asked;
  await page.locator('.row .started small', { hasText: '1 min ago' }).waitFor();
  await page.close();
});

for (const [what, path, row] of [
  ['sessions', '/', 'just-now'],
  ['requests', '/requests', 'aaaaaaaa'],
]) {
  test(`a list of ${what} whose filters are refused says why, and leads on`, async () => {
    const { page, browser, collector } = stage;
    await page.goto(`${collector.query}${path}?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z`);
    await page.getByRole('alert').filter({ hasText: /until/ }).waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.locator('.row', { hasText: row }).waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    // The browser itself tells of the refusal.
    assert.ok(browser.problems.splice(0).every((problem) => /status of 400/.test(problem)));
  });
}

test('a text to filter by is cut where it is longer than an address may be', async () => {
  const { page, collector } = stage;
  await page.goto(collector.query);
  const field = page.getByRole('searchbox', { name: 'Text' });
  await field.focus();
  await page.keyboard.insertText('x'.repeat(100_000));
  await page.getByText('No session matches these filters').waitFor();
  assert.deepEqual([(await field.inputValue()).length, await page.getByRole('alert').count()], [2_000, 0]);
});

test('the date of another year and a long name of a service stay on their line', async () => {
  const { page, collector } = stage;
  const from = Date.now() - 400 * 86_400_000;
  const id = 'b'.repeat(16);
  const attributes = { 'session.id': 'of-another-year' };
  await sendSpans(collector.endpoint, 'service-'.repeat(40), [
    otlpSpan({ trace: id.repeat(2), id, name: 'step', from, to: from + 1, attributes }),
  ]);
  await page.goto(`${collector.query}/?query=of-another-year`);
  const started = page.locator('.row .started');
  await started.locator('small', { hasText: '400 days ago' }).waitFor();
  const inside = await started.evaluate((cell) => {
    const row = cell.closest('.row').getBoundingClientRect();
    return [...cell.children].every((line) => line.getBoundingClientRect().bottom <= row.bottom);
  });
  assert.equal(inside, true);
  assert.ok((await started.locator('time').boundingBox()).height < 25);
  await page.goto(`${collector.query}/sessions/of-another-year?event=${id}`);
  const name = page.locator('.panel .service');
  await name.waitFor();
  const [outer, inner] = [await page.locator('.panel').boundingBox(), await name.boundingBox()];
  assert.ok(inner.x + inner.width <= outer.x + outer.width);
});
