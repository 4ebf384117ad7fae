/** The extension's own pages in real Chromium, and what is asked of every page: axe-core, and no overflow. */

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { EXTENSION_FOLDER, extensionId, launchChromium, requirePackage } from '../../scripts/chromium.mjs';

/** Where screenshots go, to be looked at: GASOLINE_SCREENSHOTS=folder. */
const SCREENSHOTS = process.env.GASOLINE_SCREENSHOTS;
const FLAGS = [
  // The screen of headless Chromium is so low that a popup does not fit on it.
  '--screen-info={1600x1200}',
  // Tests may click the extension's button in the toolbar, and open a site that is not on this machine's own names.
  '--enable-unsafe-extension-debugging',
  '--host-resolver-rules=MAP shop.test 127.0.0.1',
];
const AXE = requirePackage('axe-core').source;

/**
 * @returns {Promise<{ context: import('playwright-core').BrowserContext, base: string, close: () => Promise<void> }>}
 */
export async function launchWithExtension() {
  const { context, close } = await launchChromium({ extension: EXTENSION_FOLDER, flags: FLAGS });
  return { context, base: `chrome-extension://${await extensionId(context)}`, close };
}

/**
 * Open a page of the extension whose worker gives scripted answers: states that are hard to reach for real.
 * @param {import('playwright-core').BrowserContext} context
 * @param {string} url
 * @param {Record<string, unknown>} answers by message type: the value, or an Error's message as `{ error }`
 * @returns {Promise<import('playwright-core').Page>} with `window.asked`: the messages that were sent
 */
export async function openScripted(context, url, answers) {
  const page = await context.newPage();
  await page.addInitScript((scripted) => {
    Object.assign(window, { asked: [], answers: scripted });
    chrome.runtime.sendMessage = async (message) => {
      window.asked.push(message);
      const value = window.answers[message.type];
      return value?.error ? { ok: false, error: value.error } : { ok: true, value };
    };
  }, answers);
  await page.goto(url);
  return page;
}

/**
 * @param {import('playwright-core').Page} page
 * @returns {Promise<string>} what a person would paste now, into an element that goes again
 */
export async function pastedInto(page) {
  await page.evaluate(() => document.body.append(Object.assign(document.createElement('textarea'), { id: 'paste' })));
  await page.locator('#paste').press('Control+V');
  const text = await page.locator('#paste').inputValue();
  await page.locator('#paste').evaluate((element) => element.remove());
  return text;
}

/**
 * Look at a page as it stands, in light and dark: no finding of axe-core, nothing beyond the right edge.
 * @param {import('playwright-core').Page} page
 * @param {string} name of the screenshots
 */
export async function checkLooks(page, name) {
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    await page.emulateMedia({ colorScheme });
    if (SCREENSHOTS) {
      await mkdir(SCREENSHOTS, { recursive: true });
      await page.screenshot({ path: join(SCREENSHOTS, `${name}-${colorScheme}.png`), fullPage: true });
    }
    assert.deepEqual(await findings(page), [], `${name}, ${colorScheme}`);
    const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
    assert.equal(scrollWidth, clientWidth, `${name}, ${colorScheme}: wider than its window`);
  }
}

/**
 * @param {import('playwright-core').Page} page
 * @returns {Promise<string[]>} what axe-core finds against WCAG 2.2 A and AA, and against its best practices
 */
async function findings(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html).join(' ')}`);
}
