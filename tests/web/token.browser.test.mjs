/** The page of a collector that asks for a token. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { startPython } from '../extension/e2e/stage.mjs';
import { openBrowser, until } from './stage.mjs';

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
    const isFocused = () => page.getByLabel(/Bearer token/).evaluate((field) => field === document.activeElement);
    const enter = async (token) => {
      await page.getByLabel(/Bearer token/).fill(token);
      await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: 'Open' }).click()]);
    };
    await page.goto(`http://${collector.match[1]}/requests?status=error`);
    await page.getByRole('heading', { name: 'This collector asks for its token' }).waitFor();
    await until(isFocused, 'the field has the focus');
    assert.equal(await page.getByRole('alert').count(), 0);
    await enter('a wrong one');
    await page.getByText('The token that was entered does not open it: the bearer token is missing or wrong').waitFor();
    await until(isFocused, 'the field has the focus again');
    await enter('密码 ‚quoted‘');
    await page.getByText('does not open it: the token has characters that an HTTP header cannot carry').waitFor();
    await enter(TOKEN);
    await page.getByText('No request matches').waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    assert.equal(new URL(page.url()).search, '?status=error');
    await page.reload();
    await page.getByText('No request matches').waitFor();
    assert.equal(await page.evaluate(() => document.cookie + JSON.stringify(localStorage)), '{}');
    await page.goto(`http://${collector.match[1]}/`);
    const lines = await page.getByLabel('Environment of a service').innerText();
    assert.match(lines, /^export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20\$GASOLINE_TOKEN"$/m);
    assert.ok(!lines.includes(TOKEN));
    const refused = browser.problems.filter((problem) => !/401 \(Unauthorized\)/.test(problem));
    assert.deepEqual(refused, []);
  } finally {
    await Promise.all([browser.close(), collector.stop()]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
