/**
 * A page that the browser prerenders before anybody goes there. Where Playwright looks on, nothing is prerendered: only
 * the extension's own page is looked into here.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { EXTENSION_FOLDER, chromiumPath } from '../../../scripts/chromium.mjs';
import { html, sessionTrace, startAll, startCollector, startSite, until } from './stage.mjs';

const EXTENSION = 'chrome-extension://dpmjpjbcjedfookdafnbpcnknlnnmkii';
const RULES = '{"prerender":[{"source":"list","urls":["/next"],"eagerness":"immediate"}]}';
const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--remote-debugging-port=0'];

/** Chromium of which only one page of the extension is looked into. */
class UnwatchedBrowser {
  static async launch() {
    const browser = new UnwatchedBrowser();
    browser.profile = await mkdtemp(join(tmpdir(), 'gasoline-profile-'));
    const load = [`--disable-extensions-except=${EXTENSION_FOLDER}`, `--load-extension=${EXTENSION_FOLDER}`];
    const args = [...FLAGS, `--user-data-dir=${browser.profile}`, ...load, 'about:blank'];
    browser.process = spawn(chromiumPath(), args, { stdio: 'ignore' });
    browser.exited = once(browser.process, 'exit');
    const port = () => readFile(join(browser.profile, 'DevToolsActivePort'), 'utf8').catch(() => '');
    browser.base = `http://127.0.0.1:${(await until(port, 'the browser')).split('\n')[0]}`;
    return browser;
  }

  /** @param {string} url */
  async open(url) {
    const response = await fetch(`${this.base}/json/new?${encodeURIComponent(url)}`, { method: 'PUT' });
    return /** @type {Promise<any>} */ (response.json());
  }

  /** @param {object} message to the worker, until it says that it did so */
  async ask(message) {
    const { id, webSocketDebuggerUrl } = await this.open(`${EXTENSION}/options/options.html`);
    const socket = new WebSocket(webSocketDebuggerUrl);
    await new Promise((resolve) => (socket.onopen = resolve));
    const asked = `globalThis.chrome?.runtime?.sendMessage?.(${JSON.stringify(message)}).then(({ ok }) => ok)`;
    const params = { expression: asked, awaitPromise: true, returnByValue: true };
    await until(async () => {
      const answered = new Promise((resolve) => (socket.onmessage = resolve));
      socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params }));
      return JSON.parse((await answered).data).result?.result?.value === true;
    }, JSON.stringify(message));
    socket.close();
    await fetch(`${this.base}/json/close/${id}`);
  }

  async close() {
    this.process.kill('SIGTERM');
    await this.exited;
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

const first = `<script type=speculationrules>${RULES}</script>
  <script>fetch('/api/held/go').then(() => (location.href = '/next'))</script>`;
const early = "fetch('/api/early?' + document.prerendering);";

/**
 * A page from which the browser prerenders another, both observed.
 * @param {string} script of the page that is prerendered
 * @param {(stage: { site: import('./stage.mjs').Site, held: Map<string, import('node:http').ServerResponse>,
 *   collector: import('./stage.mjs').Collector, browser: UnwatchedBrowser, sessionId: string }) => Promise<void>} work
 *   done while it is; `/api/held/go` is answered to show it
 */
async function whilePrerendered(script, work) {
  /** @type {Map<string, import('node:http').ServerResponse>} */
  const held = new Map();
  const bodies = { '/': first, '/next': `<script>${early}${script}</script>` };
  const site = await startSite((request, response) => {
    const path = request.url ?? '/';
    if (path.startsWith('/api/held')) held.set(path, response);
    else if (path.startsWith('/api')) response.end('{}');
    else html(response, bodies[path] ?? '');
  });
  const [collector, browser] = await startAll(startCollector(), UnwatchedBrowser.launch());
  try {
    await browser.ask({ type: 'set-settings', settings: { endpoint: collector.endpoint } });
    await browser.ask({ type: 'set-enabled', origin: site.origin, enabled: true });
    await browser.open(`${site.origin}/`);
    const seen = (/** @type {string} */ path) => site.seen.find(({ url }) => url === path);
    await until(() => seen('/api/early?true'), 'the page to be prerendered');
    const sessionId = /** @type {string} */ (seen('/next')?.headers['x-session-id']);
    await work({ site, held, collector, browser, sessionId });
  } finally {
    await browser.close();
    await Promise.all([site.stop(), collector.stop()]);
    await collector.remove();
  }
}

test('a page that was prerendered has a trace of its own, and so have those before and after it', async () => {
  const script = `document.addEventListener('prerenderingchange', async () => {
    await fetch('/api/held/shown');
    location.href = '/third';
  });`;
  await whilePrerendered(script, async ({ site, held, collector, sessionId }) => {
    const seen = (/** @type {string} */ path) => site.seen.find(({ url }) => url === path);
    const loadsIn = (/** @type {any[]} */ events) => events.filter(({ name }) => name === 'documentLoad');
    await sessionTrace(collector.observe, sessionId, (events) => loadsIn(events).length === 1);
    held.get('/api/held/go')?.end('{}');
    await until(() => held.get('/api/held/shown'), 'the page to be shown');
    await sessionTrace(collector.observe, sessionId, (events) => loadsIn(events).length === 2);
    held.get('/api/held/shown')?.end('{}');
    const { events } = await sessionTrace(collector.observe, sessionId, (all) => loadsIn(all).length === 3);
    const loads = loadsIn(events).map(({ attributes, request_id: traceId, span_id: spanId }) => [
      new URL(attributes['url.full']).pathname,
      `00-${traceId}-${spanId}-01`,
    ]);
    assert.deepEqual(loads.map(([path]) => path).toSorted(), ['/', '/next', '/third']);
    assert.equal(new Set(loads.map(([, traceparent]) => traceparent)).size, 3);
    const sent = new Map(loads);
    for (const path of ['/next', '/third']) assert.equal(seen(path)?.headers['traceparent'], sent.get(path), path);
    const asked = seen('/api/early?true')?.headers['traceparent'];
    assert.ok(events.some(({ signal, request_id: id }) => signal === 'span' && asked?.includes(id)));
  });
});

test('the session ended while a page was prerendered: once it is shown, it is in the next one', async () => {
  // The page goes on asking until its server has seen what it waits for, and goes away. Now and then
  // the browser loads it anew instead of showing what it prerendered: then it asks from the start.
  const script = `const ask = async () => {
    for (;;) await fetch('/api/again').then(() => new Promise((resolve) => setTimeout(resolve, 20)));
  };
  if (document.prerendering) document.addEventListener('prerenderingchange', ask);
  else void ask();`;
  await whilePrerendered(script, async ({ site, held, collector, browser, sessionId }) => {
    await browser.ask({ type: 'new-session', origin: site.origin });
    held.get('/api/held/go')?.end('{}');
    const again = () => site.seen.filter(({ url }) => url === '/api/again').map(({ headers }) => headers);
    const isNext = (/** @type {any} */ headers) =>
      headers['tracestate'] === `gasoline=${headers['x-session-id']}` && headers['x-session-id'] !== sessionId;
    const agreed = await until(() => again().find(isNext), 'the page to be in the next session');
    const nextId = /** @type {string} */ (agreed['x-session-id']);
    assert.deepEqual(new Set(again().map((headers) => headers['x-session-id'])), new Set([nextId]));
    const isStart = (/** @type {any} */ { name }) => name === 'session.start';
    const { events } = await sessionTrace(collector.observe, nextId, (all) => {
      const asked = (/** @type {any} */ event) => agreed['traceparent']?.includes(event.request_id);
      // Spans and logs come in requests of their own.
      return all.some((event) => event.signal === 'span' && asked(event)) && all.some(isStart);
    });
    const started = events.find(isStart);
    assert.equal(started?.attributes['session.previous_id'], sessionId);
  });
});
