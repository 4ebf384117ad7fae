/** The page after a collector was away, an answer was cut short, or nobody saw the page. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startCollector } from '../extension/e2e/stage.mjs';
import { otlpSpan, sendSpans, until } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const stage = useStage();
let spans = 0;

/** One more session, with a span of its own request. */
function send(session, more = {}) {
  spans += 1;
  const id = String(spans).padStart(16, '0');
  const from = Date.now() - 60_000 + spans;
  return sendSpans(stage.collector.endpoint, 'shop', [
    otlpSpan({
      trace: id.repeat(2),
      id,
      name: 'step',
      from,
      to: from + 1,
      attributes: { 'session.id': session },
      ...more,
    }),
  ]);
}

const isLive = () => stage.page.getByText('live', { exact: true }).waitFor();
const isAway = () => stage.page.getByText('not connected').waitFor();
const listed = () => stage.page.locator('.row-link .text').allInnerTexts();
const listBecomes = (...names) =>
  until(async () => (await listed()).join(' ') === names.join(' '), `the list of ${names.join(', ')}`);

async function open(path) {
  await stage.page.goto(`${stage.collector.query}${path}`);
  await stage.page.locator('.row').first().waitFor();
  await isLive();
}

async function stop() {
  await stage.collector.stop();
  await isAway();
}

/** On the same ports and folder. */
async function startAgain() {
  const { dataDir, endpoint, query } = stage.collector;
  const host = (url) => new URL(url).host;
  stage.collector = await startCollector({
    dataDir,
    http: host(endpoint),
    query: host(query),
  });
}

test('what was asked for while the collector was away is asked for again when it is back', async () => {
  const { page, browser } = stage;
  await send('went-well');
  await send('failed', { status: { code: 2 } });
  await open('/');
  await listBecomes('failed', 'went-well');
  await stop();
  await page.getByRole('button', { name: 'Failed only' }).click();
  await page.getByRole('alert').waitFor();
  await startAgain();
  await listBecomes('failed');
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await stop();
  await page.locator('.row-link').click();
  await page.getByRole('heading', { name: 'No answer' }).waitFor();
  await startAgain();
  await page.locator('.timeline .row').waitFor();
  browser.problems.length = 0;
});

test('an answer that breaks off is asked for again, and the view goes on', async () => {
  const { page } = stage;
  await open('/sessions/failed');
  const asked = [];
  await page.route(/what=session-trace/, async (route) => {
    asked.push(route.request().url());
    if (asked.length > 1) {
      await route.continue();
      return;
    }
    await route.fulfill({
      contentType: 'application/json',
      body: '{"session_id": "fai',
    });
  });
  await send('failed');
  await page.locator('.rows[aria-rowcount="2"]').waitFor();
  assert.equal(asked.length, 2);
  await page.unroute(/what=session-trace/);
});

test('what was removed while nobody looked at the page is not shown when somebody does', async () => {
  const { page } = stage;
  const see = (state) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'visibilityState', {
        configurable: true,
        get: () => value,
      });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);
  await open('/');
  await see('hidden');
  await page.getByText('paused', { exact: true }).waitFor();
  const answer = await fetch(`${stage.collector.query}/api/clear`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  assert.equal(answer.status, 200);
  await see('visible');
  await page.getByRole('heading', { name: 'Nothing has arrived yet' }).waitFor();
});
