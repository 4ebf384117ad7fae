/** What the tests of the page in Chromium stand on: a collector with data, a browser, a reader of what is shown. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { launchChromium, requirePackage } from '../../scripts/chromium.mjs';
import { PYTHON, ROOT, startPython, until } from '../extension/e2e/stage.mjs';

const CAPTURES = fileURLToPath(new URL('../data/captures/', import.meta.url));
const SIGNALS = ['traces', 'logs'];

/** The demo with its four visits: one went well, three failed; and a monitor's request without session. */
export async function startVisitedDemo() {
  const folder = await mkdtemp(join(tmpdir(), 'gasoline-demo-'));
  const args = ['-m', 'collector', 'demo', '--keep', '--data-dir', folder];
  const { match, stop } = await startPython(args, /^\s+MCP\s+(http:\S+)\/mcp/, 'stdout');
  return {
    query: match[1],
    stop: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** `observe` over GET, as the page asks. */
export async function observe(query, question) {
  const response = await fetch(`${query}/api/observe?${new URLSearchParams(question)}`);
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

/** Chromium with one page; everything that goes wrong in it is kept. */
export async function openBrowser(options = {}) {
  const { context, close } = await launchChromium({ options: { viewport: { width: 1440, height: 900 }, ...options } });
  const page = context.pages()[0] ?? (await context.newPage());
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error.stack)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('dialog', (dialog) => {
    problems.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return { page, context, close, problems };
}

/** `gasoline report` of a session or request in the folder of the stage; returns the file. */
export async function writeReport({ collector, folder }, id) {
  const file = join(folder, `${encodeURIComponent(id)}.html`);
  const args = ['-m', 'collector', 'report', id, '-o', file, '--data-dir', collector.dataDir];
  await promisify(execFile)(PYTHON, args, { cwd: ROOT });
  return file;
}

/** Names of the recorded captures. */
export async function captureNames() {
  const entries = await readdir(CAPTURES, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** Send all export requests of a capture over OTLP/HTTP, as they were recorded. */
export async function replay(endpoint, name) {
  for (const signal of SIGNALS) {
    const file = await readFile(join(CAPTURES, name, `${signal}.bin`)).catch(() => Buffer.alloc(0));
    for (const body of framesIn(file)) await post(endpoint, signal, body, 'application/x-protobuf');
  }
}

/** Send spans as OTLP/JSON; `service` is the resource's. */
export async function sendSpans(endpoint, service, spans) {
  await post(
    endpoint,
    'traces',
    JSON.stringify({ resourceSpans: [{ ...resource(service), scopeSpans: [{ spans }] }] }),
  );
}

/** Send log records as OTLP/JSON. */
export async function sendLogs(endpoint, service, logRecords) {
  await post(
    endpoint,
    'logs',
    JSON.stringify({ resourceLogs: [{ ...resource(service), scopeLogs: [{ logRecords }] }] }),
  );
}

/** A span of OTLP/JSON; times are unix milliseconds. */
export function otlpSpan({ trace, id, parent, name, from, to, attributes = {}, ...more }) {
  return {
    traceId: trace,
    spanId: id,
    ...(parent ? { parentSpanId: parent } : {}),
    name,
    kind: 1,
    startTimeUnixNano: nanosOf(from),
    endTimeUnixNano: nanosOf(to),
    attributes: attributesOf(attributes),
    ...more,
  };
}

export function nanosOf(ms) {
  return String(BigInt(Math.round(ms * 1000)) * 1000n);
}

export function attributesOf(values) {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }));
}

/** Ids of all events that have a row once all are there, from the first to the last, read while scrolling. */
export async function shownEvents(page) {
  await page.locator('.timeline[aria-busy="false"] .rows').waitFor();
  return page.locator('.rows').evaluate(async (box) => {
    const ids = [];
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    for (box.scrollTop = 0; ; box.scrollTop += box.clientHeight / 2) {
      await frame();
      for (const row of box.querySelectorAll('[data-event]')) ids[row.ariaRowIndex - 1] = row.dataset.event;
      if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) return ids;
    }
  });
}

/** What axe finds that is serious or worse. */
export async function seriousFindings(page) {
  // Evaluated by the debugger: the page's Content-Security-Policy forbids scripts that are put into it.
  await page.evaluate(await readFile(requirePackage.resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

export { until };

async function post(endpoint, signal, body, type = 'application/json') {
  const response = await fetch(`${endpoint}/v1/${signal}`, { method: 'POST', headers: { 'content-type': type }, body });
  assert.equal(response.status, 200, await response.text());
}

function resource(service) {
  return { resource: { attributes: attributesOf({ 'service.name': service }) } };
}

/** Messages behind their lengths as varints. */
function* framesIn(file) {
  for (let at = 0; at < file.length;) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = file[at];
      at += 1;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    yield file.subarray(at, at + length);
    at += length;
  }
}
