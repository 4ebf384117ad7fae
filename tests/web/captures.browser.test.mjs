/** The picture agrees with the text: what is shown of each recorded capture is what `observe` says, in its order. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { captureNames, observe, replay, shownEvents, writeReport } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const SESSIONS_PER_CAPTURE_MAX = 4;
/** Ids of the sessions of the captures that were replayed before. */
const seen = new Set();

const stage = useStage();

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

for (const name of await captureNames()) {
  test(`${name}: page and report show the events of observe, in its order`, async () => {
    const { collector, page } = stage;
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
    await page.goto(pathToFileURL(await writeReport(stage, first)).href);
    assert.deepEqual(await shownEvents(page), told, `report of ${first}`);
    for (const id of requests.slice(0, 1)) {
      const events = await allEvents(collector.query, { what: 'request-trace', request_id: id }, 'timeline');
      await page.goto(`${collector.query}/requests/${id}`);
      assert.deepEqual(await shownEvents(page), events, id);
      await page.goto(pathToFileURL(await writeReport(stage, id)).href);
      assert.deepEqual(await shownEvents(page), events, `report of ${id}`);
    }
  });
}
