/** Sessions as the rules say, no more and no fewer, read back from the collector. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { html, sessionsWhen, startSite, storedId, until } from './stage.mjs';
import { answerSimply, useStage } from './use-stage.mjs';

const HOURS_MS = 60 * 60 * 1000;
const LONG = { idleTimeoutMs: HOURS_MS, maxAgeMs: 4 * HOURS_MS, scope: 'origin', targets: [] };
const stage = useStage(answerSimply, LONG);
/** @type {import('./stage.mjs').Browser} */
let browser;
/** @type {import('./stage.mjs').Collector} */
let collector;
/** @type {import('./stage.mjs').Site} */
let site;
beforeEach(() => ({ browser, collector, site } = stage));

/** @returns {Promise<any[]>} the sessions of this test's site, oldest first, once there are so many */
function sessions(count, isWhole = () => true) {
  const own = (all) => all.filter(({ first_url: url }) => url?.startsWith(site.origin));
  return sessionsWhen(
    collector.observe,
    (all) => own(all).length >= count && isWhole(own(all)),
    `${count} sessions`,
  ).then(own);
}

const sessionIn = ({ headers }) => headers['x-session-id'];

/** Everything that the session's requests carried, by header. */
function sent(header) {
  return new Set(site.seen.filter(({ url }) => url !== '/favicon.ico').map(({ headers }) => headers[header]));
}

/** @param {string} id that has ended; @returns what its own events say */
async function lifecycle(id) {
  const { events = [] } = await collector.observe({ what: 'session-trace', session_id: id, limit: 1000 });
  const of = (name) => events.filter((event) => event.name === name).map(({ attributes }) => attributes);
  return {
    started: of('session.start').map((attributes) => attributes['session.previous_id'] ?? ''),
    ended: of('session.end').map((attributes) => attributes['gasoline.session.end_reason']),
  };
}

/** Exactly these sessions, each continuing the one before, ended for these reasons; the last one lives. */
async function assertChain(ids, reasons) {
  const lives = await until(
    async () => {
      const found = await Promise.all(ids.map(lifecycle));
      return (
        found.every(({ started }) => started.length > 0) &&
        found.flatMap(({ ended }) => ended).length >= reasons.length &&
        found
      );
    },
    `sessions that ended for ${reasons.join(', ')}`,
  );
  assert.deepEqual(
    lives,
    ids.map((_, index) => ({
      started: [index === 0 ? '' : ids[index - 1]],
      ended: index < reasons.length ? [reasons[index]] : [],
    })),
  );
}

test('session-id:generated session-id:local-storage session-id:survives-reload: tabs share it', async () => {
  const page = await browser.open(`${site.origin}/`);
  const id = await storedId(page);
  assert.match(id, /^session-[0-9a-f]{32}$/);
  await page.reload();
  assert.equal(await storedId(page), id);
  const second = await browser.open(`${site.origin}/other`);
  assert.equal(await storedId(second), id);
  await page.evaluate(() => fetch('/api/one'));
  await second.evaluate(() => fetch('/api/two'));
  const [session, ...others] = await sessions(1, ([{ request_ids: ids }]) => ids.length >= 5);
  assert.deepEqual(others, []);
  assert.equal(session.session_id, id);
  assert.deepEqual(sent('x-session-id'), new Set([id]));
  // A tab that navigates before its rules are there has no trace from us, but a session.
  const traced = site.seen.filter(({ headers }) => headers['traceparent']);
  assert.ok(traced.length >= 3);
  assert.deepEqual(new Set(traced.map(({ headers }) => headers['tracestate'])), new Set([`gasoline=${id}`]));
});

test('session-id:ends risk:fresh-id-after-logout: event, key removed, popup: each makes one', async () => {
  const page = await browser.open(`${site.origin}/`);
  const ids = [await storedId(page)];
  const next = async (act) => {
    await act();
    await page.click('button');
    ids.push(await storedId(page, ids.at(-1)));
    const from = site.seen.length;
    await page.evaluate(() => fetch('/api/after'));
    const { headers } = site.seen.slice(from).find(({ url }) => url === '/api/after') ?? assert.fail('no request');
    assert.equal(headers['x-session-id'], ids.at(-1));
    assert.equal(headers['tracestate'], `gasoline=${ids.at(-1)}`);
  };
  await next(() => page.evaluate(() => window.dispatchEvent(new Event('gasoline:logout'))));
  await next(() => page.evaluate(() => localStorage.removeItem('gasoline:session-id')));
  await next(() => page.evaluate(() => localStorage.clear()));
  await next(() => browser.ask('new-session', { origin: site.origin }));
  assert.equal(new Set(ids).size, 5);
  await assertChain(ids, ['logout', 'logout', 'logout', 'user']);
});

test('session-id:time-to-live: an idle session ends, and the next one begins with the next use', async () => {
  await browser.ask('set-settings', { settings: { idleTimeoutMs: 1000 } });
  const page = await browser.open(`${site.origin}/`);
  const first = await storedId(page);
  const second = await storedId(page, first);
  assert.deepEqual((await lifecycleWhenEnded(first)).ended, ['idle']);
  await page.reload();
  await until(async () => (await lifecycle(second)).started.length > 0, 'the second session');
  assert.deepEqual((await lifecycle(second)).started, [first]);
});

test('session-id:time-to-live: a session in use ends at its age', async () => {
  await browser.ask('set-settings', { settings: { idleTimeoutMs: HOURS_MS, maxAgeMs: 2000 } });
  const page = await browser.open(`${site.origin}/`);
  const first = await storedId(page);
  await page.click('button');
  await storedId(page, first);
  assert.deepEqual((await lifecycleWhenEnded(first)).ended, ['max_age']);
});

/** @param {string} id */
function lifecycleWhenEnded(id) {
  return until(async () => {
    const found = await lifecycle(id);
    return found.ended.length > 0 && found;
  }, `the end of ${id}`);
}

test('session-id:ends: closing the browser ends the session', async () => {
  const page = await browser.open(`${site.origin}/`);
  const first = await storedId(page);
  await sessions(1);
  await browser.restart();
  const again = await browser.open(`${site.origin}/`);
  // A page that is loaded while the extension starts may be told an id that the worker takes back.
  const second = await until(async () => {
    const [id, { session }] = [await storedId(again, first), await browser.ask('get-state', { origin: site.origin })];
    const isTold = (await lifecycle(first)).ended.length > 0 && (await lifecycle(id)).started.length > 0;
    return id === session?.id && isTold && id;
  }, 'page and worker to agree, and what they say to be stored');
  await assertChain([first, second], ['browser_close']);
});

test('scope tab: each tab has a session of its own', async () => {
  await browser.ask('set-settings', { settings: { scope: 'tab' } });
  const [one, two] = [await browser.open(`${site.origin}/one`), await browser.open(`${site.origin}/two`)];
  await one.reload();
  await until(() => site.seen.filter(({ url }) => url === '/one').length === 2, 'the reload');
  // The navigation of a tab that is just opened may come before the tab's rules, and then has no id.
  const idOf = (path) =>
    new Set(site.seen.filter(({ url, headers }) => url === path && headers['x-session-id']).map(sessionIn));
  assert.equal(idOf('/one').size, 1);
  assert.equal(idOf('/two').size, 1);
  assert.notDeepEqual(idOf('/one'), idOf('/two'));
  await two.close();
  await lifecycleWhenEnded([...idOf('/two')][0]);
});

test('fixation: an id that the page, its URL or its server chose is never used', async () => {
  const chosen = `session-${'0'.repeat(31)}1`;
  const page = await browser.open(`${site.origin}/?session=${chosen}`);
  const id = await storedId(page);
  await page.evaluate((planted) => localStorage.setItem('gasoline:session-id', planted), chosen);
  await page.reload();
  assert.equal(await storedId(page, chosen), id);
  await page.evaluate(() => fetch('/api/x', { headers: { 'X-Session-ID': 'mine', tracestate: 'other=1' } }));
  const { headers } = await until(() => site.seen.find(({ url }) => url === '/api/x'), 'the request');
  assert.equal(headers['x-session-id'], id);
  assert.equal(headers['tracestate'], `gasoline=${id},other=1`);
});

test('off means zero footprint, for another origin and for this one when it is switched off', async () => {
  const other = await startSite((_, response) => html(response, ''));
  try {
    const page = await browser.context.newPage();
    const footprint = () =>
      page.evaluate(async () => {
        const [navigation] = performance.getEntriesByType('navigation');
        await fetch('/api/x');
        return [
          Object.keys(localStorage),
          navigation.serverTiming.length,
          console.error.name,
          Object.keys(window).length,
        ];
      });
    await page.goto(`${other.origin}/`);
    assert.deepEqual((await footprint()).slice(0, 2), [[], 0]);
    await browser.open(`${site.origin}/`);
    await browser.ask('set-enabled', { origin: site.origin, enabled: false });
    await page.goto(`${site.origin}/`);
    const from = site.seen.length;
    assert.deepEqual((await footprint()).slice(0, 2), [[], 0]);
    const later = [...site.seen.slice(from), ...other.seen];
    assert.ok(later.length >= 3);
    const own = ['traceparent', 'tracestate', 'x-session-id'];
    for (const { headers } of later) {
      assert.deepEqual(
        own.filter((name) => name in headers),
        [],
      );
    }
    const left = await browser.console.evaluate(async () => [
      await chrome.scripting.getRegisteredContentScripts(),
      await chrome.declarativeNetRequest.getSessionRules(),
    ]);
    assert.deepEqual(left, [[], []]);
  } finally {
    await other.stop();
  }
});
