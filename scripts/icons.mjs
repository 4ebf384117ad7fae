/** Renders the extension's icons from their SVG sources: node scripts/icons.mjs [folder] */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { EXTENSION_FOLDER, launchChromium } from './chromium.mjs';

const ICONS = [
  { size: 16, source: 'icon-small.svg' },
  { size: 32, source: 'icon-small.svg' },
  { size: 48, source: 'icon.svg' },
  { size: 128, source: 'icon.svg' },
];
const SOURCES = join(EXTENSION_FOLDER, 'icons');

/**
 * Write `icon-16.png` and its like.
 * @param {string} folder that they are written to
 * @returns {Promise<string[]>} the names of the files
 */
export async function renderIcons(folder) {
  const { context, close } = await launchChromium({ options: { viewport: { width: 256, height: 256 } } });
  try {
    const page = await context.newPage();
    const written = [];
    for (const { size, source } of ICONS) {
      const svg = await readFile(join(SOURCES, source), 'base64');
      const url = `data:image/svg+xml;base64,${svg}`;
      const image = `<img src="${url}" width="${size}" height="${size}" style="display:block">`;
      await page.setContent(`<body style="margin:0;background:transparent">${image}</body>`);
      const clip = { x: 0, y: 0, width: size, height: size };
      await writeFile(join(folder, `icon-${size}.png`), await page.screenshot({ clip, omitBackground: true }));
      written.push(`icon-${size}.png`);
    }
    return written;
  } finally {
    await close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await renderIcons(process.argv[2] ?? SOURCES);
}
