/** docs/page.md has every named limit of the page with its value, and no other. */

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';

const SOURCES = new URL('../../../web/src/', import.meta.url);
const CONSTANT = /^export const ([A-Z_]+) = ([\d_.]+);/gm;
const LIMIT_NAME = /_(MAX|MIN)$|TIMEOUT/;
const ROW = /^\| `([\w./-]+:[A-Z_]+)` \| ([^|]+) \| [^|]+ \|$/gm;

test('every limit stands in the table, and every row in the code', async () => {
  const files = (await readdir(SOURCES, { recursive: true })).filter((path) => /\.tsx?$/.test(path));
  const inCode = [];
  for (const path of files) {
    for (const [, name, value] of (await readFile(new URL(path, SOURCES), 'utf8')).matchAll(CONSTANT)) {
      const shown = Number(value.replaceAll('_', '')).toLocaleString('en');
      if (LIMIT_NAME.test(name)) inCode.push([`${path}:${name}`, shown]);
    }
  }
  const document = await readFile(new URL('../../../docs/page.md', import.meta.url), 'utf8');
  const rows = [...document.matchAll(ROW)].map(([, name, value]) => [name, value]);
  assert.ok(inCode.length > 10);
  assert.deepEqual(
    rows,
    inCode.toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
});
