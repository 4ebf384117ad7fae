/** What most files of tests in Chromium set up: once for all of their tests, and anew for each. */

import { after, afterEach, before, beforeEach } from 'node:test';

import { Browser, html, startAll, startCollector, startSite } from './stage.mjs';

/**
 * @typedef {object} Stage
 * @property {Browser} browser
 * @property {import('./stage.mjs').Collector} collector
 * @property {import('./stage.mjs').Site} site
 */

/**
 * What the tests of a file share, a browser with the extension and a collector; and for each test a site of its own,
 * switched on, and no page of the test before.
 * @param {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void} answer
 *   of the site
 * @param {object} [settings] of the extension when a test begins
 */
export function useStage(answer, settings = {}) {
  const stage = /** @type {Stage} */ ({});
  before(async () => {
    [stage.browser, stage.collector] = await startAll(Browser.launch(), startCollector());
  });
  after(async () => {
    await Promise.all([stage.browser?.close(), stage.collector?.stop()]);
    await stage.collector?.remove();
  });
  beforeEach(async () => {
    stage.site = await startSite(answer);
    await stage.browser.switchOn(stage.site.origin, { endpoint: stage.collector.endpoint, ...settings });
  });
  afterEach(async () => {
    const { browser, site } = stage;
    for (const page of browser.context.pages()) if (page !== browser.console) await page.close();
    await browser.ask('set-enabled', { origin: site.origin, enabled: false });
    await site.stop();
  });
  return stage;
}

/**
 * A page with a button, and an API below it.
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
export function answerSimply(request, response) {
  if (request.url?.startsWith('/api')) response.end('{}');
  else html(response, '<button>press</button>');
}
