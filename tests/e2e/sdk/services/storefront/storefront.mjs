// The service storefront as an ES module that calls nobody. It leaves it to Node what SIGTERM does.
import http from 'node:http';
import pino from 'pino';

const log = pino();
const server = http.createServer((request, response) => {
  log.info('checkout');
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening 127.0.0.1:${server.address().port}\n`));
