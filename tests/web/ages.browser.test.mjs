/** Lists of the page that nothing new comes to, and lists that cannot be told: what is said of them, and the way on. */

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
