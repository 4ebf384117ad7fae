/** Every view for every reader: names for screen readers, contrast in light and dark, any width of the window. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { otlpSpan, replay, sendSpans, seriousFindings } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const NAMES = ['sessions', 'requests', 'session', 'panel', 'request', 'compare'];
const SERVICES = 30;
const DEEPEST = 16;
const STARTED = Date.now() - 12_000_000;
let collector;
let page;
let paths;

useStage(async (stage) => {
  ({ collector, page } = stage);
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
    many: '/sessions/of-many',
  };
  await sendMany();
});

/** A session of three hours, one request of spans of SERVICES services, the first of them inside one another. */
async function sendMany() {
  const id = (place) => String(place).padStart(16, '0');
  for (let place = 1; place <= SERVICES; place += 1) {
    const span = otlpSpan({
      trace: 'd'.repeat(32),
      id: id(place),
      parent: place === 1 ? undefined : id(Math.min(place - 1, DEEPEST)),
      name: `what the service does in step ${place}`,
      from: STARTED + place * 390_000,
      to: STARTED + 11_900_000 - place * 1000,
      attributes: { 'session.id': 'of-many' },
    });
    await sendSpans(collector.endpoint, `svc${place}`, [span]);
  }
}

async function open(name, search = '') {
  await page.goto(collector.query + paths[name] + search);
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
  for (const name of [...NAMES, 'many']) {
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

test('the status stands whole behind a title that is cut, and a wide window is for the axis', async () => {
  const seen = {};
  for (const name of ['request', 'compare']) {
    await page.setViewportSize({ width: 360, height: 740 });
    await open(name);
    seen[name] = await page.evaluate(() =>
      [...document.querySelectorAll('h1 > .status, h2 > .status')].map((status) => {
        const { left, right } = status.getBoundingClientRect();
        const words = status.parentElement.querySelector('.words');
        return right <= status.parentElement.getBoundingClientRect().right + 1 && left >= words.offsetLeft;
      }),
    );
  }
  assert.deepEqual(seen, { request: [true], compare: [true, true] });
  await page.setViewportSize({ width: 2560, height: 900 });
  await open('session');
  const share = await page.locator('.row > .plot').first().evaluate((plot) => plot.clientWidth / innerWidth);
  assert.ok(share > 0.6, `the axis has ${share} of the window`);
});

test('a request that is not stored says so, and leads to those that are', async () => {
  await page.goto(`${collector.query}/requests/${'e'.repeat(32)}`);
  await page.getByRole('heading', { name: 'Nothing is stored of this request' }).waitFor();
  await page.getByRole('link', { name: 'All requests' }).click();
  await page.waitForURL(`${collector.query}/requests`);
  await page.locator('.row').first().waitFor();
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

test('lanes that do not fit are reached and scrolled by keys, and have a name', async () => {
  const findings = {};
  await open('many');
  const lanes = page.getByRole('group', { name: 'Services on the time axis' });
  for (const width of [1440, 360]) {
    await page.setViewportSize({ width, height: 900 });
    await lanes.focus();
    await page.keyboard.press('PageDown');
    await page.waitForFunction(() => document.querySelector('.lanes').scrollTop > 0);
    await lanes.evaluate((box) => box.scrollTo(0, 0));
    findings[width] = await seriousFindings(page);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  assert.deepEqual(findings, { 1440: [], 360: [] });
});

test('times and durations of hours stay in their columns, and deep rows keep their words', async () => {
  const wrong = [];
  for (const search of ['', '?event=0000000000000016']) {
    await open('many', search);
    for (const width of [360, 620, 800, 1000, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      const found = await page.evaluate(async () => {
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
        const rows = document.querySelector('.rows');
        rows.scrollTop = 200;
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
        const textOf = (cell) => {
          const range = document.createRange();
          range.selectNodeContents(cell);
          return range.getBoundingClientRect();
        };
        return [...rows.querySelectorAll('.row')].flatMap((row) => {
          const at = row.querySelector('.at');
          const next = [...row.children].find((cell) => cell !== at && cell.getBoundingClientRect().width > 0);
          const took = row.querySelector('.took');
          const words = row.querySelector('.what .text').getBoundingClientRect().width;
          return [
            ...(textOf(at).right + 4 > next.getBoundingClientRect().left ? [`${at.textContent} meets the next`] : []),
            ...(textOf(took).left < took.getBoundingClientRect().left ? [`${took.textContent} meets the last`] : []),
            ...(textOf(took).right > took.getBoundingClientRect().right ? [`${took.textContent} is too wide`] : []),
            ...(words < 60 ? [`${words} px of words at level ${row.ariaLevel}`] : []),
          ];
        });
      });
      wrong.push(...found.map((what) => `${width}${search}: ${what}`));
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  assert.deepEqual(wrong, []);
});

test('every service can be chosen, and what is chosen can be given up', async () => {
  await open('many', '?service=svc30');
  const services = page.getByRole('group', { name: 'Services', exact: true });
  const chosen = async () => services.locator('[aria-pressed="true"]').allInnerTexts();
  assert.deepEqual(await chosen(), ['svc30']);
  assert.equal(await services.getByRole('button').count(), 13);
  const more = services.getByRole('combobox', { name: 'More services' });
  assert.equal(await more.locator('option').first().innerText(), '17 more');
  await more.selectOption('svc20');
  await page.getByText('2 of 30 match').waitFor();
  assert.deepEqual(await chosen(), ['svc30', 'svc20']);
  await services.getByRole('button', { name: 'svc30' }).click();
  await page.getByText('1 of 30 match').waitFor();
  assert.deepEqual(await chosen(), ['svc20']);
  await page.waitForURL(/\?service=svc20$/);
});

test('what a filter finds is shown though it was collapsed, and is collapsed again without the filter', async () => {
  await open('many', '?service=svc30&fold=requests');
  await page.getByText('1 of 30 match').waitFor();
  assert.deepEqual(await page.locator('.row .who').allInnerTexts(), ['svc30']);
  await page.keyboard.press('c');
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByText('1 of 30 rows').waitFor();
  assert.deepEqual(await page.locator('.row .who').allInnerTexts(), ['svc1']);
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
