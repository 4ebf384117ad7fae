/**
 * What the tests in Chromium stand on: a real collector, web servers that record what they see, the extension, loaded.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { EXTENSION_FOLDER, chromiumPath, extensionId, requirePackage } from '../../../scripts/chromium.mjs';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const PYTHON = process.env.GASOLINE_TEST_PYTHON ?? join(ROOT, '.venv/bin/python');
const STEP_MS = 50;
const STEPS_MAX = 400;

/**
 * Wait until a condition holds: asks again and again, for a bounded number of times.
 * @template T
 * @param {() => Promise<T> | T} look what is there; falsy: not yet
 * @param {string} what is waited for
 * @param {number} [stepsMax] of 50 ms, and of the time that looking takes
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(look, what, stepsMax = STEPS_MAX) {
  for (let step = 0; step < stepsMax; step += 1) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  throw new Error(`waited too long for ${what}`);
}

/**
 * Start several things at once; if one cannot be, the others have their `close` or `stop` called before it is told.
 * @param {Promise<any>[]} starting
 * @returns {Promise<any[]>}
 */
export async function startAll(...starting) {
  const settled = await Promise.allSettled(starting);
  const failed = settled.find(({ status }) => status === 'rejected');
  if (!failed) return settled.map(({ value }) => value);
  await Promise.all(settled.map(({ value }) => value?.close?.() ?? value?.stop?.()));
  throw failed.reason;
}

/**
 * @param {string[]} args of python
 * @param {RegExp} ready what it says when it is ready
 * @param {'stdout' | 'stderr'} stream where it says so
 * @param {Record<string, string>} [settings] of its environment
 */
export async function startPython(args, ready, stream, settings = {}) {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(OTEL|GASOLINE)_/.test(name)),
  );
  const stdio = ['pipe', stream === 'stdout' ? 'pipe' : 'ignore', stream === 'stderr' ? 'pipe' : 'ignore'];
  const env = { ...environment, ...settings };
  const child = spawn(PYTHON, args, { cwd: ROOT, env, stdio: /** @type {any} */ (stdio) });
  const exited = once(child, 'exit');
  const said = [];
  for await (const line of createInterface({ input: child[stream] })) {
    said.push(line);
    const match = ready.exec(line);
    if (!match) continue;
    child[stream].resume();
    const stop = async () => {
      child.stdin.end();
      if (child.exitCode === null) child.kill('SIGTERM');
      await exited;
    };
    return { match, stop };
  }
  throw new Error(`${args.join(' ')} ended before it was ready: ${said.join('\n')}`);
}

/**
 * @param {{ dataDir?: string, http?: string, query?: string }} [options] endpoints to listen on again, or to be shown
 */
export async function startCollector({ dataDir, http = '127.0.0.1:0', query = '127.0.0.1:0' } = {}) {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'gasoline-data-')));
  const ports = ['--grpc-endpoint', '127.0.0.1:0', '--http-endpoint', http, '--query-endpoint', query];
  const args = ['-m', 'collector', 'serve', '--data-dir', folder, ...ports, '--until-stdin-closes'];
  const { match, stop } = await startPython(args, /ready grpc=\S+ http=(\S+) query=(\S+) /, 'stderr');
  return {
    dataDir: folder,
    endpoint: `http://${match[1]}`,
    query: `http://${match[2]}`,
    observe: observer(`http://${match[2]}`),
    stop,
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** The demo's services, under the official OpenTelemetry packages for Python, with their collector. */
export async function startDemo() {
  const { match, stop } = await startPython([join(ROOT, 'tests/extension/e2e/demo_stage.py')], /^\{.*\}$/, 'stdout');
  const { http, query, shop } = JSON.parse(match[0]);
  return { endpoint: http, query, observe: observer(query), shop, stop };
}

/** @param {string} query the collector's query port */
function observer(query) {
  return async (/** @type {object} */ question) => {
    const response = await fetch(`${query}/api/observe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...question, format: 'json' }),
    });
    const text = await response.text();
    return response.ok ? JSON.parse(text) : { refused: text };
  };
}

/**
 * All sessions that have come, oldest first, once `isThere` says that all did.
 * @param {(question: object) => Promise<any>} observe
 * @param {(sessions: any[]) => boolean} isThere
 * @param {string} what
 */
export async function sessionsWhen(observe, isThere, what) {
  return until(async () => {
    const { sessions = [] } = await observe({ what: 'sessions', limit: 1000 });
    const sorted = sessions.toSorted((a, b) => (a.started_at < b.started_at ? -1 : 1));
    return isThere(sorted) && sorted;
  }, what);
}

/**
 * @param {(question: object) => Promise<any>} observe
 * @param {string} sessionId
 * @param {(events: any[]) => boolean} [isWhole]
 * @returns {Promise<{ session: any, events: any[] }>} the session with all its events, once it is whole
 */
export async function sessionTrace(observe, sessionId, isWhole = () => true) {
  return until(async () => {
    const answer = await observe({ what: 'session-trace', session_id: sessionId, limit: 1000 });
    return answer.events && isWhole(answer.events) && answer;
  }, `session ${sessionId}`);
}

/**
 * A web server that records each request and answers by its path.
 * @param {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void} answer
 */
export async function startSite(answer) {
  /** @type {{ method: string, url: string, headers: import('node:http').IncomingHttpHeaders }[]} */
  const seen = [];
  const server = createServer((request, response) => {
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { origin: `http://127.0.0.1:${port}`, seen, stop };
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {string} body of the document
 * @param {Record<string, string>} [headers]
 */
export function html(response, body, headers = {}) {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers });
  response.end(`<!doctype html><html><head><title>page</title></head><body>${body}</body></html>`);
}

/**
 * @typedef {Awaited<ReturnType<typeof startCollector>>} Collector
 * @typedef {Awaited<ReturnType<typeof startSite>>} Site
 */

/** Chromium with a profile that can be started again, with the extension or without. */
export class Browser {
  /** @param {{ hasExtension?: boolean }} [options] */
  static async launch({ hasExtension = true } = {}) {
    const browser = new Browser();
    browser.profile = await mkdtemp(join(tmpdir(), 'gasoline-profile-'));
    browser.hasExtension = hasExtension;
    await browser.start();
    return browser;
  }

  async start() {
    const load = [`--disable-extensions-except=${EXTENSION_FOLDER}`, `--load-extension=${EXTENSION_FOLDER}`];
    const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
    const background = ['--disable-background-networking', '--disable-component-update'];
    this.context = await requirePackage('playwright-core').chromium.launchPersistentContext(this.profile, {
      executablePath: chromiumPath(),
      headless: true,
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
      args: [...quiet, ...background, ...(this.hasExtension ? load : [])],
    });
    if (!this.hasExtension) return;
    this.base = `chrome-extension://${await extensionId(this.context)}`;
    await this.openConsole();
  }

  /** A page of the extension, from which messages can be sent to the worker. */
  async openConsole() {
    this.console = await this.context.newPage();
    await until(() => this.console.goto(`${this.base}/options/options.html`).catch(() => null), 'the extension');
  }

  /**
   * Ask the worker, as popup and options do.
   * @param {string} type
   * @param {object} [fields]
   */
  async ask(type, fields = {}) {
    const message = { type, ...fields };
    const answer = await this.console.evaluate((asked) => chrome.runtime.sendMessage(asked), message);
    assert.equal(answer?.ok, true, `${type}: ${answer?.error}`);
    return answer.value;
  }

  /**
   * @param {string} origin
   * @param {object} settings
   */
  async switchOn(origin, settings) {
    await this.ask('set-settings', { settings });
    return this.ask('set-enabled', { origin, enabled: true });
  }

  /**
   * @param {string} url
   * @returns {Promise<import('playwright-core').Page>} the page, once the worker has spoken to it
   */
  async open(url) {
    const page = await this.context.newPage();
    await until(() => this.console.evaluate(areTabsReady), 'the rules of the new tab');
    await page.goto(url);
    await storedId(page);
    return page;
  }

  /**
   * Wait until the worker has noted a page load: the next one then has a trace of its own.
   * @param {string} traceId of the page load
   */
  async noted(traceId) {
    const hasRules = (/** @type {string} */ used) =>
      chrome.declarativeNetRequest
        .getSessionRules()
        .then((rules) =>
          rules.some(
            ({ condition, action }) =>
              condition.resourceTypes?.[0] === 'main_frame' && JSON.stringify(action.requestHeaders).includes(used),
          ),
        );
    await until(async () => !(await this.console.evaluate(hasRules, traceId)), `page load ${traceId} to be noted`);
  }

  /** End the service worker as Chrome does when it pleases. */
  async killWorker() {
    const session = await this.context.browser().newBrowserCDPSession();
    const { targetInfos } = await session.send('Target.getTargets');
    const workers = targetInfos.filter(({ type, url }) => type === 'service_worker' && url.startsWith(this.base));
    for (const { targetId } of workers) await session.send('Target.closeTarget', { targetId });
    await session.detach();
    return workers.length;
  }

  async restart() {
    await this.context.close();
    await this.start();
  }

  async close() {
    await this.context.close();
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * Runs in a page of the extension: a tab that navigates before its rules are there sends no trace headers.
 * @returns {Promise<boolean>} whether each tab has rules, unless none is needed
 */
async function areTabsReady() {
  const rules = await chrome.declarativeNetRequest.getSessionRules();
  const ready = new Set(rules.flatMap(({ condition }) => condition.tabIds ?? []));
  return rules.length === 0 || (await chrome.tabs.query({})).every(({ id }) => ready.has(id));
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} [not] an id that it must not be any more
 * @returns {Promise<string>} the session id in the page's localStorage
 */
export async function storedId(page, not = '') {
  const handle = await page.waitForFunction((unwanted) => {
    const id = localStorage.getItem('gasoline:session-id');
    return id !== unwanted && id;
  }, not);
  return /** @type {Promise<string>} */ (handle.jsonValue());
}
