/** Modules of web/src for Node's test runner, which reads no TypeScript. */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const WEB = fileURLToPath(new URL('../../web/', import.meta.url));
const { build } = createRequire(new URL('../../web/package.json', import.meta.url))('esbuild');

/**
 * Import modules of web/src, each with everything that it imports.
 * @param {string[]} paths below web/src
 * @returns {Promise<any>} what they export, together
 */
export async function importSources(...paths) {
  const contents = paths.map((path) => `export * from './src/${path}';`).join('\n');
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: WEB },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'node20',
    jsx: 'automatic',
    jsxImportSource: 'preact',
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}
