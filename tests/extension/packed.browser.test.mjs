/** What `gasoline extension --zip` packs, loaded from somewhere else: nothing is missing. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { EXTENSION_FOLDER, extensionId, launchChromium } from '../../scripts/chromium.mjs';
import { html, startSite } from './e2e/stage.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PYTHON = process.env.GASOLINE_TEST_PYTHON ?? join(ROOT, '.venv/bin/python');
/** What Debian's command puts in front of everything else. */
const LIKE_DEBIAN = ['--load-extension='];
const python = (/** @type {string[]} */ ...args) => promisify(execFile)(PYTHON, args, { cwd: ROOT });

test('the packed extension runs, and names a session, also behind a wrapper that loads none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gasoline-packed-'));
  const [zip, unpacked] = [join(folder, 'extension.zip'), join(folder, 'extension')];
  await python('-m', 'collector', 'extension', '--zip', zip);
  await python('-m', 'zipfile', '--extract', zip, unpacked);
  const site = await startSite((_, response) => html(response, ''));
  const { context, close } = await launchChromium({ extension: unpacked, flags: LIKE_DEBIAN });
  try {
    const popup = await context.newPage();
    await popup.goto(`chrome-extension://${await extensionId(context)}/popup/popup.html`);
    const { version } = JSON.parse(await readFile(join(EXTENSION_FOLDER, 'manifest.json'), 'utf8'));
    assert.equal(await popup.evaluate(() => chrome.runtime.getManifest().version), version);
    await popup.evaluate(
      (origin) => chrome.runtime.sendMessage({ type: 'set-enabled', origin, enabled: true }),
      site.origin,
    );
    const page = await context.newPage();
    await page.goto(site.origin);
    await page.waitForFunction(() => /^session-[0-9a-f]{32}$/.test(localStorage.getItem('gasoline:session-id') ?? ''));
  } finally {
    await close();
    await site.stop();
    await rm(folder, { recursive: true });
  }
});
