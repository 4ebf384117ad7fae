/** The extension's own pages in real Chromium, and what is asked of every page: axe-core, and no overflow. */

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { until } from './e2e/stage.mjs';
import { EXTENSION_FOLDER, extensionId, launchChromium, requirePackage } from '../../scripts/chromium.mjs';

/** Where screenshots go, to be looked at: GASOLINE_SCREENSHOTS=folder. */
const SCREENSHOTS = process.env.GASOLINE_SCREENSHOTS;
/** The screen of headless Chromium is so low that a popup does not fit on it. */
const SCREEN = '--screen-info={1600x1200}';
const AXE = requirePackage('axe-core').source;

/**
 * @returns {Promise<{ context: import('playwright-core').BrowserContext, base: string, close: () => Promise<void> }>}
 */
export async function launchWithExtension() {
  const { context, close } = await launchChromium({ extension: EXTENSION_FOLDER, flags: [SCREEN] });
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
 * Open the popup as a click on the toolbar does. Playwright does not know such pages, so it is asked over the protocol.
 * @param {import('playwright-core').BrowserContext} context whose last page in front is the one that it is for
 * @param {string} base
 * @param {string} expression
 * @returns {Promise<any>} the value of the expression in the popup, once that is not undefined
 */
export async function evaluateInOpenedPopup(context, base, expression) {
  const [worker] = context.serviceWorkers();
  await worker.evaluate(() => chrome.action.openPopup());
  const protocol = await context.browser().newBrowserCDPSession();
  const isPopup = ({ url }) => url === `${base}/popup/popup.html`;
  const { targetId } = await until(
    async () => (await protocol.send('Target.getTargets')).targetInfos.find(isPopup),
    'the popup',
  );
  const { sessionId } = await protocol.send('Target.attachToTarget', { targetId, flatten: false });
  const value = await until(async () => {
    const answered = new Promise((resolve) => {
      protocol.once('Target.receivedMessageFromTarget', ({ message }) => resolve(JSON.parse(message)));
    });
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression, returnByValue: true } });
    await protocol.send('Target.sendMessageToTarget', { sessionId, message });
    return (await answered).result.result.value;
  }, `${expression} in the popup`);
  await protocol.send('Target.closeTarget', { targetId });
  await protocol.detach();
  return value;
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
