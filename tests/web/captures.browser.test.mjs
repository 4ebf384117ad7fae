/** The picture agrees with the text: what is shown of each recorded capture is what `observe` says, in its order. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { PYTHON, ROOT, startAll, startCollector } from '../extension/e2e/stage.mjs';
import { captureNames, observe, openBrowser, replay, shownEvents } from './stage.mjs';

const SESSIONS_PER_CAPTURE_MAX = 4;
let browser;
let collector;
let folder;
/** Ids of the sessions of the captures that were replayed before. */
const seen = new Set();

before(async () => {
  [browser, collector, folder] = await startAll(
    openBrowser(),
    startCollector(),
    mkdtemp(join(tmpdir(), 'gasoline-reports-')),
  );
});

after(async () => {
  await Promise.all([browser?.close(), collector?.stop().then(() => collector.remove())]);
  await rm(folder, { recursive: true, force: true });
  assert.deepEqual(browser.problems, []);
});

/** What `observe` answers for a session or a request, all pages. */
async function allEvents(query, question, name) {
  const events = [];
  let cursor;
  do {
    const answer = await observe(query, { ...question, limit: 1000, ...(cursor ? { cursor } : {}) });
    events.push(...answer[name].map(({ id }) => id));
    cursor = answer.next_cursor;
  } while (cursor);
  return events;
}

async function reportOf(id) {
  const file = join(folder, 'report.html');
  const args = ['-m', 'collector', 'report', id, '-o', file, '--data-dir', collector.dataDir];
  await promisify(execFile)(PYTHON, args, { cwd: ROOT });
  return pathToFileURL(file).href;
}

for (const name of await captureNames()) {
  test(`${name}: page and report show the events of observe, in its order`, async () => {
    const { page } = browser;
    await replay(collector.endpoint, name);
    const { sessions } = await observe(collector.query, { what: 'sessions', limit: 1000 });
    const own = sessions.filter(({ session_id: id }) => !seen.has(id));
    for (const { session_id: id } of own) seen.add(id);
    assert.ok(own.length > 0);
    const bySize = own.toSorted((a, b) => b.event_count - a.event_count).slice(0, SESSIONS_PER_CAPTURE_MAX);
    for (const { session_id: id } of bySize) {
      const events = await allEvents(collector.query, { what: 'session-trace', session_id: id }, 'events');
      await page.goto(`${collector.query}/sessions/${encodeURIComponent(id)}`);
      assert.deepEqual(await shownEvents(page), events, id);
    }
    const [{ session_id: first, request_ids: requests = [] }] = bySize;
    const told = await allEvents(collector.query, { what: 'session-trace', session_id: first }, 'events');
    await page.goto(await reportOf(first));
    assert.deepEqual(await shownEvents(page), told, `report of ${first}`);
    for (const id of requests.slice(0, 1)) {
      const events = await allEvents(collector.query, { what: 'request-trace', request_id: id }, 'timeline');
      await page.goto(`${collector.query}/requests/${id}`);
      assert.deepEqual(await shownEvents(page), events, id);
      await page.goto(await reportOf(id));
      assert.deepEqual(await shownEvents(page), events, `report of ${id}`);
    }
  });
}
