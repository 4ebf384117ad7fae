/**
 * How fast the page is with 10,000 events in a session and 10,000 sessions in the list: `make bench-page`.
 * Work is what the browser's own trace says the renderer's main thread did, frame by frame. It prints a table, and with
 * the name of a file writes all that it found there, as JSON.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';

import { startCollector } from '../extension/e2e/stage.mjs';
import { openBrowser, otlpSpan, sendSpans, until } from '../web/stage.mjs';

const SPANS = 10_000;
const SPANS_PER_REQUEST = 20;
const SESSIONS = 10_000;
const PER_EXPORT = 1_000;
const STEPS = 120;
const STARTED = Date.now() - 3_600_000;
const SERVICES = ['browser', 'shop', 'orders', 'payments', 'inventory', 'mail'];

const hex = (number, digits) => number.toString(16).padStart(digits, '0');

function sessionSpan(number) {
  const request = Math.floor(number / SPANS_PER_REQUEST);
  const place = number % SPANS_PER_REQUEST;
  const from = STARTED + request * 400 + place * 3;
  return otlpSpan({
    trace: hex(request + 1, 32),
    id: hex(number + 1, 16),
    parent: place === 0 ? undefined : hex(number + 1 - 1 - (place % 3 === 0 ? 2 : 0), 16),
    name: `GET /api/items/${place}`,
    kind: 2,
    from,
    to: from + 60 - place * 2,
    attributes: {
      'session.id': 'session-of-ten-thousand',
      'http.request.method': 'GET',
      'http.response.status_code': number % 331 === 0 ? 500 : 200,
      'url.full': `http://shop.example/api/items/${place}?page=${request}`,
      'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36',
      'server.address': 'shop.example',
      'network.protocol.version': '1.1',
      'code.function.name': `app.items.handler_${place}`,
    },
    ...(number % 331 === 0 ? { status: { code: 2, message: 'boom' } } : {}),
  });
}

async function fill(endpoint) {
  for (let start = 0; start < SPANS; start += PER_EXPORT) {
    const numbers = Array.from({ length: PER_EXPORT }, (_, index) => start + index);
    for (const [place, service] of SERVICES.entries()) {
      const spans = numbers.filter((number) => number % SERVICES.length === place).map(sessionSpan);
      await sendSpans(endpoint, service, spans);
    }
  }
  for (let start = 0; start < SESSIONS; start += PER_EXPORT) {
    const spans = Array.from({ length: PER_EXPORT }, (_, index) => {
      const number = start + index;
      const at = STARTED + number * 100;
      const id = { trace: hex(1e9 + number, 32), id: hex(1e9 + number, 16) };
      const attributes = { 'session.id': `session-${number}`, 'url.full': `http://shop.example/${number}` };
      return otlpSpan({ ...id, name: 'documentLoad', from: at, to: at + 80, kind: 3, attributes });
    });
    await sendSpans(endpoint, 'browser', spans);
  }
}

/** Milliseconds of work of the main thread in each frame while `act` runs. */
async function workPerFrame(browser, page, act) {
  const client = await browser.context.browser().newBrowserCDPSession();
  const events = [];
  client.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  const categories = 'toplevel,devtools.timeline,devtools.timeline.frame,disabled-by-default-devtools.timeline';
  await client.send('Tracing.start', { traceConfig: { includedCategories: categories.split(',') } });
  await act();
  const complete = new Promise((resolve) => client.once('Tracing.tracingComplete', resolve));
  await client.send('Tracing.end');
  await complete;
  await client.detach();
  const url = page.url();
  const frames = events.filter(({ name }) => name === 'BeginCommitCompositorFrame');
  const busiest = Map.groupBy(frames, ({ pid, tid }) => `${pid} ${tid}`);
  const [main, begins] = [...busiest].toSorted(([, a], [, b]) => b.length - a.length)[0] ?? ['', []];
  if (!main) throw new Error(`no frame was traced on ${url}`);
  const tasks = events
    .filter(({ name, ph, pid, tid }) => ph === 'X' && name === 'RunTask' && `${pid} ${tid}` === main)
    .toSorted((a, b) => a.ts - b.ts);
  const edges = begins.map(({ ts }) => ts).toSorted((a, b) => a - b);
  const work = edges.map(() => 0);
  let frame = 0;
  for (const { ts, dur } of tasks) {
    // The task that ends with a frame's commit is the frame's work, like all that came since the commit before.
    while (frame + 1 < edges.length && edges[frame] < ts) frame += 1;
    work[frame] += dur / 1000;
  }
  return figures(work);
}

function figures(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part) => Math.round((sorted[Math.floor(part * (sorted.length - 1))] ?? 0) * 10) / 10;
  return { frames: sorted.length, median_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1) };
}

/** From the start of the navigation to the first paint, and to the moment that a key has moved the selection. */
async function opening(page, url) {
  await page.goto('about:blank');
  await page.goto(url, { waitUntil: 'commit' });
  await page.locator('.row').first().waitFor();
  const times = await page.evaluate(async () => {
    const paints = performance.getEntriesByType('paint');
    const rowsMs = performance.now();
    document.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));
    const isSelected = () => document.querySelector('.row[aria-selected="true"]') !== null;
    while (!isSelected()) await new Promise((resolve) => requestAnimationFrame(resolve));
    return { first_paint_ms: paints[0]?.startTime, rows_ms: rowsMs, interactive_ms: performance.now() };
  });
  return Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, Math.round(ms)]));
}

async function memory(browser, page) {
  const client = await browser.context.newCDPSession(page);
  await client.send('HeapProfiler.collectGarbage');
  await client.send('Performance.enable');
  const { metrics } = await client.send('Performance.getMetrics');
  await client.detach();
  const heap = metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0;
  return { js_heap_mb: Math.round(heap / 1e6), renderer_private_mb: await largestRendererMb(browser) };
}

/** Private memory of the largest renderer process of this browser, as Linux counts it. */
async function largestRendererMb(browser) {
  const client = await browser.context.browser().newBrowserCDPSession();
  const { processInfo } = await client.send('SystemInfo.getProcessInfo');
  await client.detach();
  const renderers = processInfo.filter(({ type }) => type === 'renderer');
  const sizes = await Promise.all(
    renderers.map(async ({ id }) => {
      const rollup = await readFile(`/proc/${id}/smaps_rollup`, 'utf8').catch(() => '');
      const parts = [...rollup.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)];
      return parts.reduce((sum, [, kib]) => sum + Number(kib), 0) / 1000;
    }),
  );
  return Math.round(Math.max(0, ...sizes));
}

async function wheel(page, selector, [x, y]) {
  await page.locator(selector).hover();
  for (let step = 0; step < STEPS; step += 1) {
    const back = step >= STEPS / 2 ? -1 : 1;
    await page.mouse.wheel(x * back, y * back);
  }
}

async function measure(collector, browser) {
  const { page } = browser;
  const session = `${collector.query}/sessions/session-of-ten-thousand`;
  await opening(page, session);
  const found = { session: await opening(page, session) };
  await until(async () => (await page.locator('.rows').getAttribute('aria-rowcount')) === String(SPANS), 'all events');
  found.session.all_events_ms = await page.evaluate(() => Math.round(performance.now()));
  found.session.scroll = await workPerFrame(browser, page, () => wheel(page, '.rows', [0, 400]));
  found.session.zoom = await workPerFrame(browser, page, () => wheel(page, '.lane-plot', [0, -80]));
  found.session.pan = await workPerFrame(browser, page, () => wheel(page, '.lane-plot', [60, 0]));
  Object.assign(found.session, await memory(browser, page));
  found.sessions = await opening(page, collector.query);
  found.sessions.scroll = await workPerFrame(browser, page, () => wheel(page, '.rows', [0, 400]));
  const all = async () => {
    await page.locator('.rows').evaluate((box) => (box.scrollTop = box.scrollHeight));
    return (await page.locator('.rows').getAttribute('aria-rowcount')) === String(SESSIONS + 1);
  };
  await until(all, 'all sessions').catch(() => undefined);
  found.sessions.loaded = Number(await page.locator('.rows').getAttribute('aria-rowcount'));
  found.sessions.scroll_all = await workPerFrame(browser, page, () => wheel(page, '.rows', [0, -400]));
  Object.assign(found.sessions, await memory(browser, page));
  return found;
}

/** What is wanted, what the session and the list had; the list has no goal of its own but to be as fluent. */
function table({ session, sessions, load }) {
  const work = (one) => (one ? `${one.median_ms}; ${one.p95_ms} ms` : '');
  const ms = (value) => (value === undefined ? '' : `${value} ms`);
  const mb = (value) => `${value} MB`;
  const rows = [
    ['', 'wanted', `session of ${SPANS} events`, `list of ${sessions.loaded} sessions`],
    ['---', '---', '---', '---'],
    ['first paint', '< 500 ms', ms(session.first_paint_ms), ms(sessions.first_paint_ms)],
    ['interactive: a key has moved the mark', '< 1,000 ms', ms(session.interactive_ms), ms(sessions.interactive_ms)],
    ['all events there', '', ms(session.all_events_ms), ''],
    ['work a frame while scrolling, median; 95th', '< 20 ms', work(session.scroll), work(sessions.scroll)],
    ['the same with all rows loaded', '< 20 ms', '', work(sessions.scroll_all)],
    ['work a frame while zooming', '< 20 ms', work(session.zoom), ''],
    ['work a frame while moving', '< 20 ms', work(session.pan), ''],
    ['script heap', '', mb(session.js_heap_mb), mb(sessions.js_heap_mb)],
    ['private memory of the renderer', '< 150 MB', mb(session.renderer_private_mb), mb(sessions.renderer_private_mb)],
  ];
  const lines = rows.map((cells) => `| ${cells.join(' | ')} |`);
  return [...lines, '', `load average ${load.join(' at the start, ')} at the end`].join('\n');
}

const collector = await startCollector();
const browser = await openBrowser();
try {
  await fill(collector.endpoint);
  const started = loadavg()[0].toFixed(1);
  const found = await measure(collector, browser);
  const measured = { ...found, load: [started, loadavg()[0].toFixed(1)] };
  console.log(table(measured));
  if (process.argv[2]) await writeFile(process.argv[2], `${JSON.stringify(measured, undefined, 2)}\n`);
} finally {
  await browser.close();
  await collector.stop();
  await collector.remove();
}
