/** The two servers that the page of behaviour.mjs talks to, and its worker. */

import { html, startSite } from './stage.mjs';

const PARTS = 3;

/** Where the page's own server redirects to; the other origin goes in front of what begins with a dot. */
const REDIRECTS = {
  '/away': './landing',
  '/away-open': './open',
  '/away-moved': './landing',
  '/away-heard': './landing',
  '/away-heard-again': './landing',
  '/there': './back',
  '/around': '/landed',
  '/around-fragment': '/landed-fragment#part',
};
const POLICIES = { '/strict': "default-src 'none'; connect-src 'self'", '/closed': "default-src 'none'" };

/** @typedef {Awaited<ReturnType<typeof startServers>>} Servers */

/** The page's own server, and one of another origin that allows its pages to ask, but none of our headers. */
export async function startServers() {
  const other = await startSite((request, response) => {
    const { origin } = request.headers;
    if (origin) response.setHeader('access-control-allow-origin', origin);
    if (request.url === '/open')
      {response.setHeader('access-control-allow-headers', 'traceparent,tracestate,x-session-id');}
    if (request.url === '/back') {
      response.writeHead(302, { location: `${origin}/returned` }).end();
      return;
    }
    if (request.url === '/raw') {
      response.end(request.rawHeaders.filter((name) => /-language$/i.test(name)).join());
      return;
    }
    response.end(request.url?.startsWith('/landing?') ? request.url : `other ${request.headers.accept}`);
  });
  const own = await startSite((request, response) => answer(other.origin, request, response));
  return { own, other };
}

/**
 * @param {string} other
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
function answer(other, request, response) {
  const { pathname, search } = new URL(request.url ?? '/', 'http://any');
  if (pathname === '/') html(response, '<div id="here"></div>');
  else if (pathname in POLICIES) html(response, '', { 'content-security-policy': POLICIES[pathname] });
  else if (pathname in REDIRECTS) {
    response.writeHead(302, { location: REDIRECTS[pathname].replace(/^\.(?=\/)/, other) + search }).end();
  }
  else if (pathname === '/broken') request.socket.destroy();
  else if (pathname === '/missing') response.writeHead(404).end('missing');
  else if (pathname === '/never') return;
  else if (pathname === '/referer') response.end(request.headers.referer);
  else if (pathname === '/returned') response.writeHead(200, { 'access-control-allow-origin': '*' }).end('returned');
  else if (pathname === '/stream') sendParts(response);
  else if (pathname === '/worker.js') {
    response.writeHead(200, { 'content-type': 'text/javascript' });
    response.end(workerOf('/from-worker', 'self'));
  } else if (pathname === '/shared-worker.js') {
    response.writeHead(200, { 'content-type': 'text/javascript' });
    response.end(`onconnect = ({ ports: [port] }) => { ${workerOf('/from-shared-worker', 'port')} }`);
  } else if (pathname === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end('data: one\n\n');
  } else readBody(request).then((body) => response.end(`${request.method} ${pathname} ${body}`));
}

/**
 * What a worker does: reads, writes, listens to events, opens a web socket, and says what it got.
 * @param {string} path
 * @param {string} port to say it to
 */
export function workerOf(path, port) {
  return `(async () => {
    const read = await fetch(location.origin + '${path}').then((r) => r.text());
    const written = await fetch(location.origin + '${path}-post', { method: 'POST' }).then((r) => r.text());
    const source = new EventSource(location.origin + '/events?of=${path}');
    const { data } = await new Promise((resolve) => (source.onmessage = resolve));
    source.close();
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/socket?of=${path}');
    const { code } = await new Promise((resolve) => (socket.onclose = resolve));
    ${port}.postMessage([read, written, data, code]);
  })()`;
}

/** @param {import('node:http').IncomingMessage} request */
async function readBody(request) {
  let body = '';
  for await (const part of request) body += part;
  return body;
}

/** @param {import('node:http').ServerResponse} response */
async function sendParts(response) {
  for (let part = 0; part < PARTS; part += 1) response.write(`part ${part};`);
  response.end();
}
