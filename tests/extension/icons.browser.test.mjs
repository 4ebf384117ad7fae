/** The icons that are committed are those that scripts/icons.mjs renders from their SVG sources. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { EXTENSION_FOLDER, launchChromium } from '../../scripts/chromium.mjs';
import { renderIcons } from '../../scripts/icons.mjs';

/** Mean difference of a colour channel, of 255: versions of Chromium smooth edges a little differently. */
const DIFFERENCE_MAX = 2;

test('icons are fresh', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gasoline-icons-'));
  const { context, close } = await launchChromium();
  try {
    const names = await renderIcons(folder);
    assert.deepEqual(names, ['icon-16.png', 'icon-32.png', 'icon-48.png', 'icon-128.png']);
    const page = await context.newPage();
    for (const name of names) {
      const pair = [join(EXTENSION_FOLDER, 'icons'), folder].map((from) => readFile(join(from, name), 'base64'));
      const difference = await page.evaluate(meanDifference, await Promise.all(pair));
      assert.ok(difference <= DIFFERENCE_MAX, `${name} differs by ${difference}: run node scripts/icons.mjs`);
    }
  } finally {
    await close();
    await rm(folder, { recursive: true });
  }
});

/**
 * Runs in the page.
 * @param {string[]} images two PNG files in base64
 * @returns {Promise<number>} Infinity if they differ in size
 */
async function meanDifference(images) {
  const [one, other] = await Promise.all(
    images.map(async (image) => {
      const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${image}`)).blob());
      const drawing = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
      drawing.drawImage(bitmap, 0, 0);
      return drawing.getImageData(0, 0, bitmap.width, bitmap.height);
    }),
  );
  if (one.width !== other.width || one.height !== other.height) return Infinity;
  const sum = one.data.reduce((total, value, index) => total + Math.abs(value - other.data[index]), 0);
  return sum / one.data.length;
}
