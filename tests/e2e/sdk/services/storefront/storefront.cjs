// The service storefront: what the browser talks to. It knows nothing of telemetry. Environment: ORDERS_URL.
'use strict';

const http = require('node:http');
const log = require('pino')();

const orders = process.env.ORDERS_URL;
const page = `<!doctype html><title>shop</title><link rel="icon" href="data:,"><script>
  async function checkout(outcome) {
    const answer = await fetch('/checkout?outcome=' + outcome, { method: 'POST' });
    if (!answer.ok) console.error('checkout failed: ' + answer.status);
  }
</script>${['ok', 'declined', 'soldout', 'bug'].map((outcome) => `<button onclick="checkout('${outcome}')">${outcome}</button>`).join('')}`;

async function checkout(outcome) {
  log.info('checkout');
  // A connection of its own for each call: a kept one may be closed by the other side just then.
  const headers = { connection: 'close' };
  let placed;
  try {
    placed = await fetch(`${orders}/orders?outcome=${outcome}`, { method: 'POST', headers });
  } catch (error) {
    log.error(`checkout failed: ${error.message}`);
    return { status: 502, body: '{}' };
  }
  if (!placed.ok) log.error(`checkout failed: orders answered ${placed.status}`);
  return { status: placed.ok ? 200 : 502, body: await placed.text() };
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://storefront');
  if (url.pathname === '/') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
    return;
  }
  const { status, body } = await checkout(url.searchParams.get('outcome'));
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);
});

server.listen(0, '127.0.0.1', () => process.stdout.write(`listening 127.0.0.1:${server.address().port}\n`));
process.once('SIGTERM', () => server.close());
