/**
 * Takes the pictures of the page that README and docs/page.md show, of the demo's own visits:
 * `node scripts/page_pictures.mjs [folder]`, docs/images by default.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { observe, openBrowser, startVisitedDemo } from '../tests/web/stage.mjs';

const folder = process.argv[2] ?? fileURLToPath(new URL('../docs/images/', import.meta.url));
const SIZE = { width: 1280, height: 760 };

const [demo, browser] = await Promise.all([startVisitedDemo(), openBrowser()]);
try {
  const { page } = browser;
  const { sessions } = await observe(demo.query, { what: 'sessions' });
  const declined = sessions.find(({ cause }) => cause?.reason.startsWith('PaymentDeclined'));
  const worked = sessions.find(({ has_errors: failed }) => !failed);
  const checkout = declined.request_ids.at(-1);
  const pictures = {
    'page-sessions': { path: '/', height: 340 },
    'page-session': { path: `/sessions/${declined.session_id}?event=${declined.cause.span_id}` },
    'page-request': { path: `/requests/${checkout}`, colorScheme: 'dark' },
    'page-compare': { path: `/compare/${worked.request_ids.at(-1)}/${checkout}`, height: 620 },
  };
  for (const [name, { path, height = SIZE.height, colorScheme = 'light' }] of Object.entries(pictures)) {
    await page.setViewportSize({ ...SIZE, height });
    await page.emulateMedia({ colorScheme });
    await page.goto(demo.query + path);
    const sparklines = page.locator('.sparkline polyline');
    const last = path === '/' ? sparklines.nth(sessions.length - 1) : page.locator('.row').first();
    await last.waitFor({ state: 'attached' });
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }
} finally {
  await browser.close();
  await demo.stop();
}
