/**
 * Builds what loading the folder unpacked needs: the two content scripts, each one classic script, because the browser
 * takes no modules there. `node build.mjs [folder]`; the same sources give the same bytes.
 */

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

await build({
  absWorkingDir: here,
  entryPoints: { page: 'page/main.js', bridge: 'bridge/main.js' },
  outdir: process.argv[2] ?? join(here, 'built'),
  bundle: true,
  format: 'iife',
  target: 'chrome128',
  legalComments: 'inline',
  charset: 'utf8',
  banner: { js: '// Built by `npm run build` from the folder beside; a test holds it fresh.' },
});
