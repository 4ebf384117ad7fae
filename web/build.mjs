/**
 * Builds what the query port serves: `node build.mjs [folder]`, mcp_server/web by default. The same sources give the
 * same bytes. index.html loads its script and style; view.html holds them, for reports and chat clients.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2] ?? join(here, '../mcp_server/web');
const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='%23c2410c'" +
  " d='M8 1c2.6 3.2 4.6 5.6 4.6 8.4a4.6 4.6 0 0 1-9.2 0C3.4 6.6 5.4 4.2 8 1z'/%3E%3C/svg%3E";

/** @param {string} entry */
async function bundled(entry) {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    charset: 'utf8',
    legalComments: 'none',
    jsx: 'automatic',
    jsxImportSource: 'preact',
  });
  return outputFiles[0].text;
}

/**
 * @param {string} head
 * @param {string} body
 */
const document = (head, body) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Gasoline</title>
${head}
</head>
<body>
<div id="root"></div>
${body}
</body>
</html>
`;

const [style, app, view] = await Promise.all(['src/style/all.css', 'src/page.tsx', 'src/view.tsx'].map(bundled));
const index = document(
  `<link rel="icon" href="${icon}">\n<link rel="stylesheet" href="/assets/app.css">`,
  '<noscript>This page needs JavaScript. The same answers are on the command line: gasoline sessions</noscript>\n' +
    '<script src="/assets/app.js"></script>',
);
const whole = document(
  `<link rel="icon" href="${icon}">\n<style>${style.trim()}</style>`,
  `<script type="text/plain" id="gasoline-data"></script>\n<script>${view.trim()}</script>`,
);

await mkdir(join(folder, 'assets'), { recursive: true });
await Promise.all([
  writeFile(join(folder, 'index.html'), index),
  writeFile(join(folder, 'view.html'), whole),
  writeFile(join(folder, 'assets/app.js'), app),
  writeFile(join(folder, 'assets/app.css'), style),
]);
