/** The way back: what Escape closes and where it leads, also on a page that was opened at a deep link. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startCollector } from '../extension/e2e/stage.mjs';
import { openBrowser, replay } from './stage.mjs';

let collector;
let browser;
let page;
let session;

before(async () => {
  [collector, browser] = await Promise.all([startCollector(), openBrowser()]);
  ({ page } = browser);
  await replay(collector.endpoint, 'tracestate');
  const { sessions } = await collector.observe({ what: 'sessions', status: 'error' });
  [session] = sessions;
});

after(async () => {
  await Promise.all([browser?.close(), collector?.stop().then(() => collector.remove())]);
  assert.deepEqual(browser.problems, []);
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
