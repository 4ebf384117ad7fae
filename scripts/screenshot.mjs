/**
 * Takes the picture of the popup in README.md: real Chromium, a real collector, a small shop whose checkout fails.
 * Needs the ports 3000, 4318 and 4319, which the picture shows or the popup asks: node scripts/screenshot.mjs
 */

import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

import { startCollector } from '../tests/extension/e2e/stage.mjs';
import { EXTENSION_FOLDER, extensionId, launchChromium } from './chromium.mjs';

const FOLDER = fileURLToPath(new URL('../docs/images/', import.meta.url));
const SHOP = 'http://localhost:3000';
const STATUS_OF = { '/': 200, '/api/price': 200, '/api/checkout': 502 };
const PAGE = `<!doctype html><title>Shop</title>
  <button onclick="fetch('/api/price')">Price</button>
  <button onclick="fetch('/api/checkout').then(({ status }) => console.error('failed: ' + status))">Buy</button>`;

const shop = createServer((request, response) => {
  response.writeHead(STATUS_OF[request.url ?? ''] ?? 404, { 'content-type': 'text/html' });
  response.end(PAGE);
});
shop.listen(3000, 'localhost');
await once(shop, 'listening');
const collector = await startCollector({ http: '127.0.0.1:4318', query: '127.0.0.1:4319' });
const { context, close } = await launchChromium({
  extension: EXTENSION_FOLDER,
  options: { viewport: { width: 368, height: 400 }, deviceScaleFactor: 1.5 },
});
try {
  const base = `chrome-extension://${await extensionId(context)}`;
  const page = await context.newPage();
  await page.goto(SHOP);
  const popup = await context.newPage();
  await popup.goto(`${base}/options/options.html`);
  const tabId = await popup.evaluate(
    async (url) => (await chrome.tabs.query({})).find((tab) => tab.url?.startsWith(url))?.id,
    SHOP,
  );
  await popup.goto(`${base}/popup/popup.html?tabId=${tabId}`);
  await popup.getByRole('switch').click();
  await popup.getByRole('button', { name: 'Reload the page' }).click();
  await popup.locator('#session-facts').waitFor();
  for (const name of ['Price', 'Price', 'Price', 'Buy']) {
    const answered = page.waitForResponse('**/api/*');
    await page.getByRole('button', { name }).click();
    await answered;
  }
  await popup.waitForFunction(() => document.querySelector('#errors')?.textContent !== '0');
  await popup.getByText(/ sent, the last /).waitFor();
  await popup.getByRole('button', { name: 'Open timeline' }).waitFor();
  await popup.locator('#queue').waitFor({ state: 'hidden' });
  await mkdir(FOLDER, { recursive: true });
  await popup.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
  await popup.screenshot({ path: `${FOLDER}popup.png`, fullPage: true });
} finally {
  await close();
  await collector.stop();
  await collector.remove();
  shop.closeAllConnections();
  shop.close();
}
