// Starts OpenTelemetry in a Node.js service with what no environment variable can ask for: X-Session-ID captured, and
// answers that name their trace in Server-Timing, by which the extension knows a trace that was begun here.
//
//   NODE_OPTIONS=--require=./node.cjs node service.js
//
// In place of @opentelemetry/auto-instrumentations-node/register: it reads the same OTEL_ variables, or the file that
// OTEL_CONFIG_FILE names. The packages are those of the service, which is started from its own folder.
'use strict';

const fromService = require('node:module').createRequire(`${process.cwd()}/`);
const { getNodeAutoInstrumentations, getResourceDetectors } = fromService('@opentelemetry/auto-instrumentations-node');
const { NodeSDK, startNodeSDK } = fromService('@opentelemetry/sdk-node');

function nameTrace(span, response) {
  const { traceId, spanId, traceFlags } = span.spanContext();
  // The answer of a service that is called comes here, too: it has been sent by another.
  if (!('appendHeader' in response) || !traceFlags) return;
  response.appendHeader('Server-Timing', `traceparent;desc="00-${traceId}-${spanId}-01"`);
}

function start() {
  const instrumentations = getNodeAutoInstrumentations({
    '@opentelemetry/instrumentation-http': {
      headersToSpanAttributes: { server: { requestHeaders: ['X-Session-ID'] } },
      responseHook: nameTrace,
    },
  });
  // Without a file it takes names in OTEL_NODE_RESOURCE_DETECTORS for errors that the other one knows.
  if (process.env.OTEL_CONFIG_FILE) return startNodeSDK({ instrumentations: [instrumentations] });
  const sdk = new NodeSDK({ instrumentations, resourceDetectors: getResourceDetectors() });
  sdk.start();
  return sdk;
}

const sdk = start();
let isEnding = false;
for (const end of ['SIGTERM', 'beforeExit']) {
  process.once(end, () => {
    if (!isEnding) void sdk.shutdown().catch(console.error);
    isEnding = true;
  });
}
