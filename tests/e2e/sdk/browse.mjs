/**
 * People in real Chromium with the extension, each in a tab and session of their own, who click through the shop all at
 * the same time. Told in JSON by its one argument, tells in JSON what each person's requests carried, and ends with
 * standard input.
 */

import { once } from 'node:events';
import { request as ask } from 'node:http';

import { Browser, startSite } from '../../extension/e2e/stage.mjs';

/**
 * What comes through a gateway of the way in which alone the session is named.
 * @type {Record<string, (headers: import('node:http').IncomingHttpHeaders) => import('node:http').OutgoingHttpHeaders>}
 */
const WAYS = {
  tracestate: ({ 'x-session-id': _, ...rest }) => rest,
  header: ({ tracestate: _, ...rest }) => rest,
  'server-timing': ({ traceparent: _, tracestate: __, 'x-session-id': ___, ...rest }) => rest,
  baggage: ({ tracestate: _, 'x-session-id': id, ...rest }) => ({ ...rest, ...(id && { baggage: `session.id=${id}` }) }),
};

/**
 * @typedef {object} Told
 * @property {string} shop address of the service that the browser talks to
 * @property {string} endpoint where the extension sends to
 * @property {string} [way] one of WAYS; without it, nothing stands between
 * @property {string[][]} people what each of them buys, in order
 */

/**
 * A gateway before the shop that lets through one way alone.
 * @param {string} shop
 * @param {string} way
 */
function startGateway(shop, way) {
  return startSite((request, response) => {
    const { method, url, headers } = request;
    const options = { method, headers: WAYS[way]?.(headers), agent: false };
    const passed = ask(`${shop}${url}`, options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(passed);
  });
}

/**
 * @param {Browser} browser
 * @param {string} origin
 * @param {string[]} outcomes
 * @returns {Promise<{ session: string, requests: Record<string, string> }>} what the person's requests said
 */
async function visit(browser, origin, outcomes) {
  const page = await browser.open(`${origin}/`);
  let session = '';
  /** @type {Record<string, string>} */
  const requests = {};
  for (const outcome of outcomes) {
    const answered = page.waitForResponse(`**/checkout?outcome=${outcome}`);
    await page.click(`text="${outcome}"`);
    const { traceparent = '', tracestate = '' } = await (await answered).request().allHeaders();
    requests[outcome] = traceparent.split('-')[1] ?? '';
    session = tracestate.replace('gasoline=', '');
  }
  return { session, requests };
}

/** @type {Told} */
const told = JSON.parse(process.argv[2] ?? '');
const gateway = told.way ? await startGateway(told.shop, told.way) : null;
const origin = gateway?.origin ?? told.shop;
const browser = await Browser.launch();
try {
  await browser.switchOn(origin, { endpoint: told.endpoint, scope: 'tab' });
  const people = await Promise.all(told.people.map((outcomes) => visit(browser, origin, outcomes)));
  process.stdout.write(`${JSON.stringify(people)}\n`);
  process.stdin.resume();
  await once(process.stdin, 'end');
} finally {
  await browser.close();
  await gateway?.stop();
}
