/** What is told of a page beside its fetches, and what is not. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { beforeEach, test } from 'node:test';

import { html, sessionTrace, startSite, storedId, until } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const HEADERS = ['traceparent', 'tracestate', 'x-session-id'];
/** What makes a key of the handshake of a web socket its answer. https://www.rfc-editor.org/rfc/rfc6455#section-1.3 */
const WEB_SOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** A frame that closes, of a server, with the code 1000. */
const CLOSE_FRAME = Buffer.from([0x88, 0x02, 0x03, 0xe8]);
const FORM = '<form><input id=name><input id=word type=password><textarea></textarea><button>send</button></form>';
const WORKER = "fetch('/api/of-worker').then(() => postMessage(1))";
const BODIES = { '/look.css': 'p {}', '/run.js': '1', '/worker.js': WORKER };
const TYPES = { '/look.css': 'text/css', '/run.js': 'text/javascript', '/worker.js': 'text/javascript' };

const stage = useStage((request, response) => {
  const path = request.url ?? '/';
  if (path in BODIES) response.writeHead(200, { 'content-type': TYPES[path] }).end(BODIES[path]);
  else if (path === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: one\n\n');
  } else if (path.startsWith('/api')) response.end('{}');
  else html(response, FORM);
});
/** @type {import('./stage.mjs').Browser} */
let browser;
/** @type {import('./stage.mjs').Collector} */
let collector;
/** @type {import('./stage.mjs').Site} */
let site;
beforeEach(() => ({ browser, collector, site } = stage));

/** Runs in the page: asks for what no script of ours reaches. */
async function askForAll() {
  const append = (name, attributes) => {
    const element = Object.assign(document.createElement(name), attributes);
    const over = new Promise((resolve) => (element.onload = element.onerror = resolve));
    document.body.append(element);
    return over;
  };
  navigator.sendBeacon('/api/beacon', 'b');
  const source = new EventSource('/events');
  await Promise.all([
    append('link', { rel: 'stylesheet', href: '/look.css' }),
    append('script', { src: '/run.js' }),
    append('img', { src: '/api/image' }),
    append('iframe', { src: '/frame' }),
    new Promise((resolve) => (new Worker('/worker.js').onmessage = resolve)),
    new Promise((resolve) => (source.onmessage = resolve)),
  ]);
  source.close();
}

test('images, styles, scripts, frames, beacons: in the trace of the page load, with their timings', async () => {
  const page = await browser.open(`${site.origin}/`);
  const id = await storedId(page);
  const isLoad = ({ name, attributes }) => name === 'documentLoad' && attributes['url.full'] === `${site.origin}/`;
  const before = await sessionTrace(collector.observe, id, (all) => all.some(isLoad));
  const load = before.events.find(isLoad);
  await page.evaluate(askForAll);
  const paths = ['/look.css', '/run.js', '/api/image', '/frame', '/api/beacon', '/worker.js', '/events'];
  for (const path of [...paths, '/api/of-worker']) {
    const { headers } = await until(() => site.seen.find(({ url }) => url === path), path);
    assert.deepEqual(
      HEADERS.map((name) => headers[name]),
      [`00-${load.request_id}-${load.span_id}-01`, `gasoline=${id}`, id],
      path,
    );
  }
  const told = (all) =>
    all
      .filter(({ name, request_id: request }) => name === 'browser.resource_timing' && request === load.request_id)
      .map(({ attributes }) => new URL(attributes['url.full']).pathname);
  const { events } = await sessionTrace(collector.observe, id, (all) => {
    const there = told(all);
    return paths.every((path) => there.includes(path));
  });
  // A worker has a timeline of its own.
  assert.equal(told(events).includes('/api/of-worker'), false);
});

test('web sockets: opened and closed, and where to', async () => {
  const server = createServer();
  const sockets = /** @type {any[]} */ ([]);
  server.on('upgrade', (request, socket) => {
    sockets.push(socket);
    const key = createHash('sha1').update(request.headers['sec-websocket-key'] + WEB_SOCKET_GUID).digest('base64');
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    socket.write([...lines, `Sec-WebSocket-Accept: ${key}`, '', ''].join('\r\n'));
    socket.end(CLOSE_FRAME);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${server.address().port}/live`;
  try {
    const page = await browser.open(`${site.origin}/`);
    const id = await storedId(page);
    await page.evaluate((address) => {
      const socket = new WebSocket(`${address}?token=hunter2hunter2`);
      return new Promise((resolve) => (socket.onclose = resolve));
    }, url);
    const told = (all) => all.filter(({ name }) => name.startsWith('gasoline.websocket.'));
    const { events } = await sessionTrace(collector.observe, id, (all) => told(all).length === 2);
    assert.deepEqual(
      told(events).map(({ name, attributes }) => [name, attributes]),
      [
        ['gasoline.websocket.open', { 'session.id': id, 'url.full': `${url}?token=REDACTED` }],
        [
          'gasoline.websocket.close',
          {
            'session.id': id,
            'url.full': `${url}?token=REDACTED`,
            'gasoline.websocket.close_code': 1000,
            'gasoline.websocket.was_clean': true,
          },
        ],
      ],
    );
  } finally {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test('what is typed, sent and answered is nowhere', async () => {
  const typed = ['Quetzal', 'Zanzibar', 'Xylophone'];
  const page = await browser.open(`${site.origin}/`);
  const id = await storedId(page);
  await page.fill('#name', typed[0]);
  await page.type('#word', typed[1]);
  await page.fill('textarea', typed[2]);
  await page.evaluate(async () => {
    addEventListener('submit', (event) => event.preventDefault());
    await fetch('/api/send', { method: 'POST', body: new FormData(document.querySelector('form')) });
    console.info(...document.querySelectorAll('input, textarea'), { at: document.querySelector('#word') });
    await fetch('/api/send', { method: 'POST', headers: { 'x-secret': 'Zanzibar' }, body: 'Quetzal' });
  });
  for (const field of ['#name', '#word', 'textarea', 'button']) await page.click(field);
  const count = (all, wanted) => all.filter(({ name }) => name === wanted).length;
  const { events } = await sessionTrace(
    collector.observe,
    id,
    (all) => count(all, 'browser.user_action.click') === 4 && count(all, 'POST') === 2,
  );
  const said = events.find(({ name }) => name === 'browser.console');
  assert.equal(said?.body, '<input> <input> <textarea> {"at":<input>}');
  const all = JSON.stringify(events);
  assert.deepEqual(
    typed.filter((text) => all.includes(text)),
    [],
  );
});

test('its own traffic is neither traced nor told, not even where the collector itself is switched on', async () => {
  const receiver = await startSite((request, response) => {
    request.resume();
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end('{}');
    });
  });
  const before = await browser.ask('get-state', { origin: site.origin });
  try {
    await browser.switchOn(receiver.origin, { endpoint: receiver.origin });
    const page = await browser.open(`${site.origin}/`);
    await page.evaluate(() => fetch('/api/told'));
    const exports = () => receiver.seen.filter(({ url }) => url?.startsWith('/v1/'));
    await until(() => ['/v1/traces', '/v1/logs'].every((path) => exports().some(({ url }) => url === path)), 'exports');
    const idle = async () => (await browser.ask('get-state', { origin: site.origin })).export.queuedRecords === 0;
    await until(idle, 'an empty queue');
    for (const { url, headers } of exports()) {
      assert.deepEqual(
        HEADERS.filter((name) => name in headers),
        [],
        url,
      );
    }
    const { counts } = await browser.ask('get-state', { origin: receiver.origin });
    assert.deepEqual(counts, { requests: 0, failedRequests: 0, errors: 0, events: 0 });
  } finally {
    await browser.ask('set-enabled', { origin: receiver.origin, enabled: false });
    await browser.ask('set-settings', { settings: { endpoint: before.settings.endpoint } });
    await receiver.stop();
  }
});
