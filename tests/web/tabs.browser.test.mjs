/** Several pages of one collector: a browser opens six connections to a host, and a stream of news holds one. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { otlpSpan, sendSpans, until } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const PAGES = 7;
const STARTED = Date.now() - 60_000;
const stage = useStage();
let spans = 0;

/** One more span of the session. */
function send(session) {
  spans += 1;
  const id = String(spans).padStart(16, '0');
  const [from, to] = [STARTED + spans, STARTED + spans + 1];
  return sendSpans(stage.collector.endpoint, 'shop', [
    otlpSpan({ trace: id.repeat(2), id, name: 'step', from, to, attributes: { 'session.id': session } }),
  ]);
}

const open = (page, session) => page.goto(`${stage.collector.query}/sessions/${session}`);
const showRows = (page, count) => page.locator(`.rows[aria-rowcount="${count}"]`).waitFor();
const isLive = (page) => page.getByText('live', { exact: true }).waitFor();

/** Make the browser say of a page that nobody sees it, or that somebody does. */
const setVisible = (page, isVisible) =>
  page.evaluate((state) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isVisible ? 'visible' : 'hidden');

test('more visible pages than a browser opens connections all load and grow, whichever are closed', async () => {
  const { context } = stage.browser;
  const streams = new Set();
  context.on('request', (request) => request.url().includes('/api/news') && streams.add(request));
  context.on('requestfinished', (request) => streams.delete(request));
  context.on('requestfailed', (request) => streams.delete(request));
  const isOneStream = () => [...streams].filter((request) => !request.frame().page().isClosed()).length === 1;
  await send('shared');
  const pages = [];
  for (let count = 0; count < PAGES; count += 1) {
    const page = await context.newPage();
    await open(page, 'shared');
    await showRows(page, 1);
    pages.push(page);
  }
  await Promise.all(pages.map(isLive));
  await until(isOneStream, 'one stream for all of them');
  await send('shared');
  await Promise.all(pages.map((page) => showRows(page, 2)));
  // The first one has the stream.
  await pages.shift().close();
  await send('shared');
  await Promise.all(pages.map((page) => showRows(page, 3)));
  await setVisible(pages[0], false);
  await send('shared');
  await Promise.all(pages.slice(1).map((page) => showRows(page, 4)));
  // What it had begun to read it may show still; it is told nothing more.
  await pages[0].getByText('paused', { exact: true }).waitFor();
  assert.deepEqual(
    [...streams].filter((request) => request.frame().page() === pages[0]),
    [],
  );
  await setVisible(pages[0], true);
  await showRows(pages[0], 4);
  await until(isOneStream, 'one stream again');
  await Promise.all(pages.map((page) => page.close()));
});

test('a page that was opened out of sight shows what has come until it is looked at', async () => {
  const page = await stage.browser.context.newPage();
  await page.addInitScript(() => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
  });
  await send('unseen');
  await open(page, 'unseen');
  await showRows(page, 1);
  await page.getByText('paused', { exact: true }).waitFor();
  await send('unseen');
  await setVisible(page, true);
  await showRows(page, 2);
  await isLive(page);
  await page.close();
});

test('where a browser has no locks, over plain HTTP from another machine, a page has its own stream', async () => {
  const page = await stage.browser.context.newPage();
  await page.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
  await send('lockless');
  await open(page, 'lockless');
  await isLive(page);
  await send('lockless');
  await showRows(page, 2);
  await page.close();
});
