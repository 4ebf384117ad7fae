/** Every view for every reader: names for screen readers, contrast in light and dark, any width of the window. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startAll, startCollector } from '../extension/e2e/stage.mjs';
import { openBrowser, otlpSpan, replay, sendSpans, seriousFindings } from './stage.mjs';

const NAMES = ['sessions', 'requests', 'session', 'panel', 'request', 'compare'];
let collector;
let browser;
let page;
let paths;

before(async () => {
  [collector, browser] = await startAll(startCollector(), openBrowser());
  ({ page } = browser);
  await replay(collector.endpoint, 'tracestate');
  const { sessions } = await collector.observe({ what: 'sessions', status: 'error' });
  const [{ session_id: id, cause, request_ids: requests }] = sessions;
  const failed = await collector.observe({ what: 'request-trace', session_id: id, pick: 'last_error' });
  const other = requests.find((request) => request !== failed.request.request_id);
  paths = {
    sessions: '/',
    requests: '/requests',
    session: `/sessions/${id}`,
    panel: `/sessions/${id}?event=${cause.span_id}`,
    request: `/requests/${failed.request.request_id}`,
    compare: `/compare/${other}/${failed.request.request_id}`,
  };
});

after(async () => {
  await Promise.all([browser?.close(), collector?.stop().then(() => collector.remove())]);
  assert.deepEqual(browser.problems, []);
});

async function open(name) {
  await page.goto(collector.query + paths[name]);
  await page.locator('.row').first().waitFor();
  if (name === 'panel') await page.getByRole('complementary', { name: 'Selected event' }).waitFor();
}

test('screen readers find names and contrast is enough, in light and dark', async () => {
  const findings = {};
  for (const name of NAMES) {
    await open(name);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      findings[`${name} ${colorScheme}`] = await seriousFindings(page);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  assert.deepEqual(
    findings,
    Object.fromEntries(NAMES.flatMap((name) => [`${name} light`, `${name} dark`]).map((key) => [key, []])),
  );
});

test('nothing is wider than the window from 360 to 2,560 pixels, and rows keep a height of use', async () => {
  const wrong = [];
  for (const name of NAMES) {
    await open(name);
    for (const width of [360, 800, 1440, 2560]) {
      await page.setViewportSize({ width, height: 900 });
      const { over, height } = await page.evaluate(async () => {
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
        const { scrollWidth, clientWidth } = document.documentElement;
        return { over: scrollWidth - clientWidth, height: document.querySelector('.rows').clientHeight };
      });
      const isRight = over <= 0 && height >= 150;
      if (!isRight) wrong.push(`${name} at ${width}: ${over} px too wide, rows ${height} px high`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('at 360 pixels an event opens in sight, and what the rows say keeps most of their width', async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open('session');
  await page.locator('.row').nth(1).click();
  const panel = page.getByRole('complementary', { name: 'Selected event' });
  await panel.waitFor();
  const seen = await panel.evaluate(async (box) => {
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const { top, bottom } = box.getBoundingClientRect();
    return (Math.min(bottom, innerHeight) - Math.max(top, 0)) / (bottom - top);
  });
  const words = await page.locator('.row .what').first().boundingBox();
  await page.setViewportSize({ width: 1440, height: 900 });
  assert.ok(seen > 0.9, `${seen} of the panel is in sight`);
  assert.ok(words.width > 180, `the words are ${words.width} px wide`);
});

test('a session of eight services names two and counts the others, and as dots six', async () => {
  const trace = 'e'.repeat(32);
  for (let service = 1; service <= 8; service += 1) {
    const span = { trace, id: String(service).padStart(16, '0'), name: 'step', from: Date.now(), to: Date.now() + 1 };
    const attributes = { 'session.id': 'of-eight' };
    await sendSpans(collector.endpoint, `a-service-of-the-shop-${service}`, [otlpSpan({ ...span, attributes })]);
  }
  const shown = {};
  for (const width of [1440, 1000]) {
    await page.setViewportSize({ width, height: 900 });
    await open('sessions');
    const services = page.locator('.row', { hasText: 'of-eight' }).locator('.services');
    await services.waitFor();
    shown[width] = await services.evaluate((box) => {
      const inside = box.getBoundingClientRect();
      const isSeen = (part) => {
        const { bottom, right, height } = part.getBoundingClientRect();
        return height > 0 && bottom <= inside.bottom + 1 && right <= inside.right + 1;
      };
      const count = [...box.querySelectorAll('.service')].filter(isSeen).length;
      return [count, ...[...box.querySelectorAll('small')].filter(isSeen).map((part) => part.textContent)];
    });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  assert.deepEqual(shown, { 1440: [2, '+6'], 1000: [6, '+2'] });
});

test('whoever wants less motion gets none', async () => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await open('session');
  const moving = await page.evaluate(() => document.getAnimations().length);
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  assert.equal(moving, 0);
});

test('what has the focus shows it', async () => {
  await open('session');
  const unmarked = [];
  for (let step = 0; step < 25; step += 1) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(() => {
      const { activeElement: element } = document;
      if (!element || element === document.body) return '';
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1
        ? ''
        : `${element.tagName} ${element.className} ${element.textContent}`.slice(0, 120);
    });
    if (found) unmarked.push(found);
  }
  assert.deepEqual(unmarked, []);
});
