/**
 * What a fetch costs the page: alone, with the extension off and on, under the official fetch instrumentation; and the
 * memory of the extension's worker meanwhile, with a collector and without.
 *
 *   node tests/bench/extension.mjs [fetches]
 *
 * Times are those of the call itself, until fetch has returned its promise, and until the response is there; one fetch at
 * a time, against a server on this machine. The pages take turns, a block of fetches each, so that whatever else the
 * machine does falls on all of them; the figures beside the times are medians of a block's over that of the plain page in
 * the same turn. The collector is real.
 */

import { fileURLToPath } from 'node:url';

import { requirePackage } from '../../scripts/chromium.mjs';
import { Browser, html, startCollector, startSite, until } from '../extension/e2e/stage.mjs';

const FETCHES = Number(process.argv[2] ?? 10_000);
/** Without a collector the queue is full after some 1,500. */
const FETCHES_WITHOUT_COLLECTOR = Math.min(FETCHES, 2500);
/** No turn begins after so long: on a machine that does other things there are fewer than were asked for. */
const TURNS_MS_MAX = 6 * 60_000;
const WARM_UP = 200;
const BLOCK = 250;

const { outputFiles } = await requirePackage('esbuild').build({
  stdin: {
    contents: `
      import { FetchInstrumentation } from '@opentelemetry/instrumentation-fetch';
      import { registerInstrumentations } from '@opentelemetry/instrumentation';
      import { BatchSpanProcessor, WebTracerProvider } from '@opentelemetry/sdk-trace-web';
      const exporter = { export: (spans, done) => done({ code: 0 }), shutdown: async () => {}, forceFlush: async () => {} };
      const provider = new WebTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
      provider.register();
      registerInstrumentations({ instrumentations: [new FetchInstrumentation({ semconvStabilityOptIn: 'http' })] });`,
    resolveDir: fileURLToPath(new URL('../../extension', import.meta.url)),
  },
  bundle: true,
  write: false,
  format: 'iife',
  platform: 'browser',
  minify: true,
});
const script = outputFiles[0].text;

/** Runs in the page: the times of so many fetches, in microseconds. */
async function measure(count) {
  const [calls, wholes] = [[], []];
  for (let number = 0; number < count; number += 1) {
    const start = performance.now();
    const promise = fetch('/api');
    const called = performance.now();
    await promise;
    const answered = performance.now();
    calls.push((called - start) * 1000);
    wholes.push((answered - start) * 1000);
  }
  return { calls, wholes };
}

/** @param {number[]} values @param {number} share */
const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;

/**
 * @param {Record<string, import('playwright-core').Page>} pages by name, the plain one first
 * @param {() => Promise<void>} afterTurn
 */
async function takeTurns(pages, afterTurn) {
  const blocks = Object.fromEntries(Object.keys(pages).map((name) => [name, /** @type {any[]} */ ([])]));
  for (const page of Object.values(pages)) await page.evaluate(measure, WARM_UP);
  const end = performance.now() + TURNS_MS_MAX;
  for (let turn = 0; turn < FETCHES / BLOCK && performance.now() < end; turn += 1) {
    const entries = Object.entries(pages);
    for (let step = 0; step < entries.length; step += 1) {
      const [name, page] = entries[(turn + step) % entries.length];
      await page.bringToFront();
      blocks[name].push(await page.evaluate(measure, BLOCK));
    }
    site.seen.length = 0;
    offSite.seen.length = 0;
    await afterTurn();
  }
  return blocks;
}

/** @param {Record<string, { calls: number[], wholes: number[] }[]>} blocks of each page, the plain one first */
function printTable(blocks) {
  const [plainBlocks] = Object.values(blocks);
  console.log(`${plainBlocks.length * BLOCK} fetches of each page, one after the other\n`);
  console.log('| page | call p50 | call p99 | answer p50 | answer p99 |\n|---|---|---|---|---|');
  for (const [name, own] of Object.entries(blocks)) {
    const cells = [];
    for (const kind of /** @type {const} */ (['calls', 'wholes'])) {
      for (const share of [0.5, 0.99]) {
        const all = own.flatMap((block) => block[kind]);
        const ratios = own.map((block, turn) => quantile(block[kind], share) / quantile(plainBlocks[turn][kind], share));
        const ratio = own === plainBlocks ? '' : ` (${quantile(ratios, 0.5).toFixed(2)} ×)`;
        cells.push(`${Math.round(quantile(all, share)).toLocaleString('en')} µs${ratio}`);
      }
    }
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
}

/** The worker's heap, over Chromium's own protocol: in MiB, as it is and without garbage. */
class WorkerHeap {
  /** @param {Browser} browser */
  static async attach(browser) {
    const protocol = await browser.context.browser().newBrowserCDPSession();
    const { targetInfos } = await protocol.send('Target.getTargets');
    const { targetId } = targetInfos.find(({ type, url }) => type === 'service_worker' && url.startsWith(browser.base));
    const { sessionId } = await protocol.send('Target.attachToTarget', { targetId, flatten: false });
    return new WorkerHeap(protocol, sessionId);
  }

  /** @param {any} protocol @param {string} sessionId */
  constructor(protocol, sessionId) {
    this.protocol = protocol;
    this.sessionId = sessionId;
    this.lastId = 0;
    this.peak = 0;
  }

  /** @param {string} method */
  async send(method) {
    const id = (this.lastId += 1);
    const answered = new Promise((resolve) => {
      const listen = (event) => {
        const answer = JSON.parse(event.message);
        if (answer.id !== id) return;
        this.protocol.off('Target.receivedMessageFromTarget', listen);
        resolve(answer.result);
      };
      this.protocol.on('Target.receivedMessageFromTarget', listen);
    });
    await this.protocol.send('Target.sendMessageToTarget', {
      sessionId: this.sessionId,
      message: JSON.stringify({ id, method }),
    });
    return answered;
  }

  async look() {
    const { usedSize } = await this.send('Runtime.getHeapUsage');
    this.peak = Math.max(this.peak, usedSize);
  }

  /** @param {string} when */
  async print(when) {
    await this.look();
    await this.send('HeapProfiler.collectGarbage');
    const { usedSize } = await this.send('Runtime.getHeapUsage');
    const [peak, kept] = [this.peak, usedSize].map((bytes) => (bytes / 2 ** 20).toFixed(1));
    const { export: exported } = await browser.ask('get-state', { origin: site.origin });
    const bytes = await browser.console.evaluate(() => chrome.storage.session.getBytesInUse());
    const stored = (bytes / 2 ** 20).toFixed(1);
    console.log(
      `| ${when} | ${peak} MiB | ${kept} MiB | ${stored} MiB | ${exported.queuedRecords} | ${exported.droppedRecords} |`,
    );
    this.peak = 0;
  }
}

const startPages = () => startSite((request, response) => {
  // Finer clocks: the page is isolated.
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-embedder-policy', 'require-corp');
  if (request.url === '/api') response.end('ok');
  else if (request.url === '/sdk.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
  else html(response, request.url === '/official' ? '<script src=/sdk.js></script>' : '');
});
const site = await startPages();
const offSite = await startPages();
const collector = await startCollector();
const plain = await Browser.launch({ hasExtension: false });
const browser = await Browser.launch();
try {
  await browser.switchOn(site.origin, { endpoint: collector.endpoint });
  const pages = {
    'no extension': await plain.context.newPage(),
    'the extension, off here': await browser.context.newPage(),
    'the extension': await browser.context.newPage(),
    'official instrumentation': await plain.context.newPage(),
  };
  await pages['no extension'].goto(`${site.origin}/`);
  await pages['the extension, off here'].goto(`${offSite.origin}/`);
  await pages['the extension'].goto(`${site.origin}/`);
  await pages['official instrumentation'].goto(`${site.origin}/official`);
  const heap = await WorkerHeap.attach(browser);
  printTable(await takeTurns(pages, () => heap.look()));
  console.log('\n| worker | heap, highest seen | heap without garbage | storage.session | records waiting | lost |');
  console.log('|---|---|---|---|---|---|');
  await heap.print('after these fetches');
  await until(async () => {
    const { export: exported } = await browser.ask('get-state', { origin: site.origin });
    return exported.queuedRecords === 0;
  }, 'the queue to empty');
  await heap.print('all sent');
  await collector.stop();
  for (let round = 0; round < 2; round += 1) {
    for (let done = 0; done < FETCHES_WITHOUT_COLLECTOR; done += BLOCK) {
      await pages['the extension'].evaluate(measure, BLOCK);
      await heap.look();
    }
    site.seen.length = 0;
    await heap.print(`after ${FETCHES_WITHOUT_COLLECTOR} more without a collector`);
  }
} finally {
  await Promise.all([plain.close(), browser.close(), site.stop(), offSite.stop()]);
  await collector.stop();
  await collector.remove();
}
