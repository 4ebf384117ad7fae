/**
 * What a fetch costs the page: alone, with the extension, under the official fetch instrumentation. Also the worker's memory.
 *
 *   node tests/bench/extension.mjs [fetches]
 *
 * The time is that of the call itself, until fetch has returned its promise, and until the response is there; one at a time,
 * against a server on this machine. The collector is real.
 */

import { fileURLToPath } from 'node:url';

import { requirePackage } from '../../scripts/chromium.mjs';
import { Browser, html, startCollector, startSite, until } from '../extension/e2e/stage.mjs';

const FETCHES = Number(process.argv[2] ?? 10_000);
const WARM_UP = 200;

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

/** Runs in the page. */
async function measure([count, warmUp]) {
  const [calls, wholes] = [[], []];
  for (let number = 0; number < count + warmUp; number += 1) {
    const start = performance.now();
    const promise = fetch('/api');
    const called = performance.now();
    await promise;
    const answered = performance.now();
    if (number < warmUp) continue;
    calls.push(called - start);
    wholes.push(answered - start);
  }
  const at = (times, share) => times.toSorted((a, b) => a - b)[Math.floor(times.length * share)];
  const both = (times) => ({ p50: at(times, 0.5) * 1000, p99: at(times, 0.99) * 1000 });
  return { call: both(calls), whole: both(wholes) };
}

const site = await startSite((request, response) => {
  // Finer clocks: the page is isolated.
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-embedder-policy', 'require-corp');
  if (request.url === '/api') response.end('ok');
  else if (request.url === '/sdk.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
  else html(response, request.url === '/official' ? '<script src=/sdk.js></script>' : '');
});
const collector = await startCollector();
const plain = await Browser.launch({ hasExtension: false });
const browser = await Browser.launch();
try {
  await browser.switchOn(site.origin, { endpoint: collector.endpoint });
  const pages = {
    'no extension': await plain.context.newPage(),
    'the extension': await browser.context.newPage(),
    'official instrumentation': await plain.context.newPage(),
  };
  await pages['no extension'].goto(`${site.origin}/`);
  await pages['the extension'].goto(`${site.origin}/`);
  await pages['official instrumentation'].goto(`${site.origin}/official`);
  console.log(`${FETCHES} fetches one after the other, microseconds`);
  console.log('| page | call p50 | call p99 | answer p50 | answer p99 |\n|---|---|---|---|---|');
  for (const [name, page] of Object.entries(pages)) {
    await page.bringToFront();
    site.seen.length = 0;
    const { call, whole } = await page.evaluate(measure, [FETCHES, WARM_UP]);
    const cells = [call.p50, call.p99, whole.p50, whole.p99].map((time) => Math.round(time));
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
  const settled = await until(async () => {
    const state = await browser.ask('get-state', { origin: site.origin });
    return state.export.queuedRecords === 0 && state;
  }, 'the queue to empty');
  console.log(`exported ${settled.export.exportedRecords}, dropped ${settled.export.droppedRecords} records`);
  const [worker] = browser.context.serviceWorkers();
  const heap = await worker.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
  const bytes = await worker.evaluate(() => chrome.storage.session.getBytesInUse());
  console.log(`worker: heap ${(heap / 2 ** 20).toFixed(1)} MiB, storage.session ${(bytes / 1024).toFixed(0)} KiB`);
} finally {
  await Promise.all([plain.close(), browser.close(), collector.stop(), site.stop()]);
  await collector.remove();
}
