// Starts OpenTelemetry in a Node.js service with X-Session-ID captured, which no environment variable can ask for.
//
//   NODE_OPTIONS=--require=./node.cjs node service.js
//
// In place of @opentelemetry/auto-instrumentations-node/register: it reads the same OTEL_ variables, or the file that
// OTEL_CONFIG_FILE names. The packages are those of the service, which is started from its own folder.
'use strict';

const fromService = require('node:module').createRequire(`${process.cwd()}/`);
const { getNodeAutoInstrumentations } = fromService('@opentelemetry/auto-instrumentations-node');
const { startNodeSDK } = fromService('@opentelemetry/sdk-node');

const sdk = startNodeSDK({
  instrumentations: [
    getNodeAutoInstrumentations({
      '@opentelemetry/instrumentation-http': { headersToSpanAttributes: { server: { requestHeaders: ['X-Session-ID'] } } },
    }),
  ],
});
let isEnding = false;
for (const end of ['SIGTERM', 'beforeExit']) {
  process.once(end, () => {
    if (!isEnding) void sdk.shutdown().catch(console.error);
    isEnding = true;
  });
}
