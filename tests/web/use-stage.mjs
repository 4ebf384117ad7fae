/** What most files of tests of the page set up once for all of their tests. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { after, before } from 'node:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startAll, startCollector } from '../extension/e2e/stage.mjs';
import { openBrowser } from './stage.mjs';

/**
 * @typedef {object} Stage
 * @property {import('../extension/e2e/stage.mjs').Collector} collector
 * @property {Awaited<ReturnType<typeof openBrowser>>} browser
 * @property {import('playwright-core').Page} page
 * @property {string} folder for files, which goes with them
 */

/**
 * A collector and a browser; at the end of the file nothing may have gone wrong in its pages.
 * @param {(stage: Stage) => Promise<void> | void} [fill] called once all is there
 * @param {() => Promise<any>} [startServer] of what is looked at
 */
export function useStage(fill, startServer = startCollector) {
  const stage = /** @type {Stage} */ ({});
  before(async () => {
    [stage.collector, stage.browser, stage.folder] = await startAll(
      startServer(),
      openBrowser(),
      mkdtemp(join(tmpdir(), 'gasoline-page-')),
    );
    stage.page = stage.browser.page;
    await fill?.(stage);
  });
  after(async () => {
    await Promise.all([stage.browser?.close(), stage.collector?.stop()]);
    await stage.collector?.remove?.();
    if (stage.folder) await rm(stage.folder, { recursive: true, force: true, maxRetries: 5 });
    assert.deepEqual(stage.browser?.problems, []);
  });
  return stage;
}
