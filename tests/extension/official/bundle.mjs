/** The script of official/page.mjs as a page loads it. */

import { fileURLToPath } from 'node:url';

import { requirePackage } from '../../../scripts/chromium.mjs';

/** @returns {Promise<string>} */
export async function officialScript() {
  const { outputFiles } = await requirePackage('esbuild').build({
    entryPoints: [fileURLToPath(new URL('page.mjs', import.meta.url))],
    nodePaths: [fileURLToPath(new URL('../../../extension/node_modules', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
  });
  return outputFiles[0].text;
}
