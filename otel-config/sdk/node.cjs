// Starts OpenTelemetry in a Node.js service with what no environment variable can ask for: X-Session-ID captured,
// answers that name their trace in Server-Timing, by which the extension knows a trace that was begun here, and the
// packages of ES modules ("type": "module", .mjs) instrumented as well.
//
//   NODE_OPTIONS=--require=./node.cjs node service.js
//
// In place of @opentelemetry/auto-instrumentations-node/register: it reads the same OTEL_ variables, or the file that
// OTEL_CONFIG_FILE names. The packages are those of the service, which is started from its own folder.
'use strict';

const { createRequire, register } = require('node:module');
const { setTimeout } = require('node:timers/promises');
const { pathToFileURL } = require('node:url');
const { isInternalThread, isMainThread } = require('node:worker_threads');

const SHUTDOWN_MS_MAX = 5000;
const fromService = createRequire(`${process.cwd()}/`);
const INSTRUMENTATIONS = '@opentelemetry/auto-instrumentations-node';

function nameTrace(span, response) {
  const { traceId, spanId, traceFlags } = span.spanContext();
  // The answer of a service that is called comes here, too: it has been sent by another.
  if (!('appendHeader' in response) || !traceFlags) return;
  response.appendHeader('Server-Timing', `traceparent;desc="00-${traceId}-${spanId}-01"`);
}

function start() {
  const { getNodeAutoInstrumentations, getResourceDetectors } = fromService(INSTRUMENTATIONS);
  const { NodeSDK, startNodeSDK } = fromService('@opentelemetry/sdk-node');
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

// The packages that an ES module imports go past what is hooked into `require`.
function hookImports() {
  const ofInstrumentations = createRequire(fromService.resolve(INSTRUMENTATIONS));
  register(pathToFileURL(ofInstrumentations.resolve('@opentelemetry/instrumentation/hook.mjs')));
}

function endWith(sdk) {
  let ending;
  const end = () => {
    ending ??= Promise.race([sdk.shutdown().catch(console.error), setTimeout(SHUTDOWN_MS_MAX, undefined, { ref: false })]);
    return ending;
  };
  process.once('beforeExit', end);
  process.once('SIGTERM', async () => {
    // A listener keeps Node from ending the process, which is left to the service only if it listens itself.
    const isServiceListening = process.listenerCount('SIGTERM') > 0;
    await end();
    if (!isServiceListening) process.kill(process.pid, 'SIGTERM');
  });
}

// The thread that hooks into imports runs this file, too, and has nothing to tell.
if (!isInternalThread) {
  if (isMainThread) hookImports();
  endWith(start());
}
