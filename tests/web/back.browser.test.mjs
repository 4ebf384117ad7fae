/** The way back: what Escape closes and where it leads, also on a page that was opened at a deep link. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { otlpSpan, replay, sendSpans, until } from './stage.mjs';
import { useStage } from './use-stage.mjs';

let collector;
let page;
let session;

useStage(async (stage) => {
  ({ collector, page } = stage);
  await replay(collector.endpoint, 'tracestate');
  const { sessions } = await collector.observe({ what: 'sessions', status: 'error' });
  [session] = sessions;
});

const panel = () => page.getByRole('complementary', { name: 'Selected event' });
const escapeFromPanel = async (path) => {
  await panel().waitFor();
  await page.keyboard.press('Escape');
  await panel().waitFor({ state: 'detached' });
  assert.equal(new URL(page.url()).pathname, path);
  assert.equal(await page.locator('.rows').count(), 1);
};

test('Escape closes the panel where the page was opened at the event, and after a reload', async () => {
  const path = `/sessions/${session.session_id}`;
  await page.goto('about:blank');
  await page.goto(`${collector.query}${path}?event=${session.cause.span_id}`);
  await escapeFromPanel(path);
  await page.locator('.row').nth(1).click();
  await panel().waitFor();
  await page.waitForURL(/event=/);
  await page.reload();
  await escapeFromPanel(path);
  await page.locator('.row').nth(2).click();
  await escapeFromPanel(path);
});

test('Escape on a page that was opened at a deep link leads to the list, not to what was shown before', async () => {
  const requests = await collector.observe({ what: 'requests', limit: 1 });
  const request = requests.requests[0].request_id;
  for (const [path, list] of [
    [`/sessions/${session.session_id}`, '/'],
    [`/requests/${request}`, '/requests'],
    [`/compare/${request}/${request}`, '/requests'],
  ]) {
    await page.goto('about:blank');
    await page.goto(collector.query + path);
    await page.locator('.row').first().waitFor();
    await page.keyboard.press('Escape');
    await page.waitForURL(collector.query + list);
    await page.locator('main.list .row').first().waitFor();
  }
});

test('the way back to a list keeps what it was filtered by', async () => {
  for (const leave of [
    () => page.getByRole('link', { name: 'All sessions' }).click(),
    () => page.keyboard.press('Escape'),
  ]) {
    await page.goto(`${collector.query}/?status=error`);
    await page.locator('.row-link').first().click();
    await page.locator('.timeline .row').first().waitFor();
    await leave();
    await page.waitForURL(`${collector.query}/?status=error`);
    await page.getByRole('button', { name: 'Failed only', pressed: true }).waitFor();
  }
});

test('the way back to a long list leads to the place that was left, and what was opened is marked', async () => {
  const spans = Array.from({ length: 300 }, (_, index) =>
    otlpSpan({
      trace: (index + 1).toString(16).padStart(32, '0'),
      id: (index + 1).toString(16).padStart(16, '0'),
      name: 'step',
      from: Date.now() - 60_000 + index,
      to: Date.now() - 60_000 + index + 1,
      attributes: { 'session.id': `of-many-${index}` },
    }),
  );
  await sendSpans(collector.endpoint, 'shop', spans);
  await page.goto(`${collector.query}/?query=of-many`);
  const list = page.locator('main.list .rows');
  const count = (wanted) =>
    until(async () => (await list.getAttribute('aria-rowcount')) === String(wanted), `${wanted} rows`);
  await count(200);
  await list.evaluate((box) => (box.scrollTop = box.scrollHeight));
  await count(300);
  for (const leave of [() => page.keyboard.press('Escape'), () => page.goBack()]) {
    const left = await list.evaluate((box) => (box.scrollTop = 9_000));
    const link = page.getByRole('link', { name: 'of-many-130', exact: true });
    await link.click();
    await page.waitForURL('**/sessions/of-many-130');
    await page.locator('.timeline .row').first().waitFor();
    await leave();
    await link.waitFor();
    assert.equal(await list.evaluate((box) => box.scrollTop), left);
    assert.equal(await list.getAttribute('aria-rowcount'), '300');
    const marked = page.locator('main.list .row[aria-selected="true"]');
    await marked.waitFor();
    assert.match(await marked.innerText(), /of-many-130/);
  }
});

test('the way back to a session shows it as it was left', async () => {
  await page.goto(`${collector.query}/sessions/${session.session_id}`);
  await page.locator('.row').first().waitFor();
  await page.getByRole('button', { name: 'Collapse requests' }).click();
  await page.locator('.row').nth(2).click();
  await panel().waitFor();
  await page.keyboard.press('+');
  await page.waitForURL(/fold=requests.*from=\d+&to=\d+.*event=/);
  const seen = () =>
    page.evaluate(() => [
      document.querySelector('.rows').getAttribute('aria-rowcount'),
      document.querySelector('.brush').title,
      document.querySelector('.row[aria-selected="true"]').dataset.event,
    ]);
  const [before, address] = [await seen(), page.url()];
  for (const again of [
    async () => {
      await page.getByRole('link', { name: 'Open request' }).click();
      await page.waitForURL(/requests/);
      await page.locator('.timeline[data-kind="request"] .row').first().waitFor();
      await page.goBack();
      await page.locator('.timeline[data-kind="session"] .row').first().waitFor();
    },
    () => page.reload(),
    // In the address alone: the view that is shown takes what it says.
    async () => {
      await page.evaluate(() => {
        history.pushState(history.state, '', location.pathname);
        dispatchEvent(new PopStateEvent('popstate'));
      });
      await page.getByRole('button', { name: 'Collapse requests' }).waitFor();
      await panel().waitFor({ state: 'detached' });
      await page.goBack();
    },
  ]) {
    await again();
    await panel().waitFor();
    await page.getByRole('button', { name: 'Expand requests' }).waitFor();
    assert.deepEqual(await seen(), before);
    assert.equal(page.url(), address);
  }
});
