/** A site for which the browser has to be asked: by the real button, with the real permission. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { html, startSite, storedId, until } from './e2e/stage.mjs';
import { launchWithExtension } from './pages.mjs';
import { ToolbarPopup } from './toolbar.mjs';

const PERMISSION = 'http://shop.test/*';
/** @type {Awaited<ReturnType<typeof launchWithExtension>>} */
let browser;
/** @type {Awaited<ReturnType<typeof startSite>>} */
let site;

before(async () => {
  site = await startSite((_, response) => html(response, ''));
  browser = await launchWithExtension();
});
after(async () => {
  await browser?.close();
  await site?.stop();
});

/**
 * Press "Allow", as far as a program can: the browser is told on its own page that the site is allowed, and then grants
 * without a question what a page of the extension asks for.
 */
async function allow() {
  const settings = await browser.context.newPage();
  await settings.goto('chrome://extensions');
  const id = new URL(browser.base).host;
  await settings.evaluate(([one, host]) => chrome.developerPrivate.addHostPermission(one, host), [id, PERMISSION]);
  const options = await browser.context.newPage();
  await options.goto(`${browser.base}/options/options.html`);
  await options.locator('#version').evaluate((element, origin) => {
    element.addEventListener('click', () => chrome.permissions.request({ origins: [origin] }));
  }, PERMISSION);
  await options.locator('#version').click();
  const isOn = async () => Object.values((await chrome.storage.local.get('settings')).settings?.origins ?? []);
  await until(async () => (await options.evaluate(isOn)).length > 0, 'the site to be on');
  await options.close();
  await settings.close();
}

test('a site beyond this machine is switched on over the question of the browser', async () => {
  const origin = site.origin.replace('127.0.0.1', 'shop.test');
  const page = await browser.context.newPage();
  await page.goto(`${origin}/`);

  const asking = await ToolbarPopup.open(browser.context, browser.base, page);
  const note = `document.querySelector('#site-note').textContent`;
  assert.equal(await asking.evaluate(note), 'Off. This site is left exactly as it is.');
  assert.equal(await asking.evaluate(`document.querySelector('#site-name').textContent`), origin);
  // After the answer: the popup may be closed before it could give one.
  await asking.evaluate(`(setTimeout(() => document.querySelector('#switch').click()), true)`);
  await until(async () => !(await asking.isOpen()), 'the browser to close the popup for its question');

  await allow();

  await page.reload();
  const sessionId = await storedId(page);
  assert.match(sessionId, /^session-[0-9a-f]{32}$/);
  assert.equal(site.seen.findLast(({ url }) => url === '/')?.headers['x-session-id'], sessionId);
});
