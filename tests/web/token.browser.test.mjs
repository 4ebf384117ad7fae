/** The page of a collector that asks for a token. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { startPython } from '../extension/e2e/stage.mjs';
import { openBrowser } from './stage.mjs';

const TOKEN = 'a-token-for-this-test';

test('the page asks for the token, takes only the right one, and keeps it for this tab', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gasoline-data-'));
  const ports = ['grpc', 'http', 'query'].flatMap((name) => [`--${name}-endpoint`, '127.0.0.1:0']);
  const args = ['-m', 'collector', 'serve', '--data-dir', folder, ...ports, '--until-stdin-closes'];
  const [collector, browser] = await Promise.all([
    startPython(args, /ready grpc=\S+ http=\S+ query=(\S+) /, 'stderr', { GASOLINE_TOKEN: TOKEN }),
    openBrowser(),
  ]);
  try {
    const { page } = browser;
    const enter = async (token) => {
      await page.getByLabel(/Bearer token/).fill(token);
      await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: 'Open' }).click()]);
    };
    await page.goto(`http://${collector.match[1]}/requests?status=error`);
    await page.getByRole('heading', { name: 'This collector asks for its token' }).waitFor();
    await enter('a wrong one');
    await page.getByRole('heading', { name: 'This collector asks for its token' }).waitFor();
    await enter(TOKEN);
    await page.getByText('No request matches').waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    assert.equal(new URL(page.url()).search, '?status=error');
    await page.reload();
    await page.getByText('No request matches').waitFor();
    assert.equal(await page.evaluate(() => document.cookie + JSON.stringify(localStorage)), '{}');
    const refused = browser.problems.filter((problem) => !/401 \(Unauthorized\)/.test(problem));
    assert.deepEqual(refused, []);
  } finally {
    await Promise.all([browser.close(), collector.stop()]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
