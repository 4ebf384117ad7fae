/** Real Chromium for scripts and tests, driven by the playwright-core that extension/package-lock.json names. */

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const EXTENSION_FOLDER = fileURLToPath(new URL('../extension/', import.meta.url));
/** Resolves packages of extension/node_modules for modules that lie elsewhere. */
export const requirePackage = createRequire(new URL('../extension/package.json', import.meta.url));

const COMMANDS = ['chromium', 'chromium-browser'];
const WORKER_DEADLINE_MS = 15_000;
const QUIET_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Where Chromium is on this machine.
 * @returns {string}
 * @throws {Error} if there is none; branded Chrome does not count, for it loads no unpacked extension
 */
export function chromiumPath() {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const command of COMMANDS) {
      if (folder && existsSync(join(folder, command))) return join(folder, command);
    }
  }
  throw new Error('no Chromium is here; install it (command chromium or chromium-browser)');
}

/**
 * Start Chromium with a profile of its own, which goes with it.
 * @param {{ extension?: string, flags?: string[], options?: object }} [wanted] the folder of an extension to load,
 *   further flags, in front of those that load it, options of Playwright
 * @returns {Promise<{ context: import('playwright-core').BrowserContext, close: () => Promise<void> }>}
 */
export async function launchChromium({ extension, flags = [], options = {} } = {}) {
  const profile = await mkdtemp(join(tmpdir(), 'gasoline-chromium-'));
  const load = extension ? [`--disable-extensions-except=${extension}`, `--load-extension=${extension}`] : [];
  const context = await requirePackage('playwright-core').chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    headless: true,
    args: [...QUIET_FLAGS, ...flags, ...load],
    ...options,
  });
  const close = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { context, close };
}

/**
 * The id that Chromium gave to the one extension that was loaded, once its service worker runs.
 * @param {import('playwright-core').BrowserContext} context
 * @returns {Promise<string>}
 */
export async function extensionId(context) {
  const [running] = context.serviceWorkers();
  const worker = running ?? (await context.waitForEvent('serviceworker', { timeout: WORKER_DEADLINE_MS }));
  return new URL(worker.url()).host;
}
