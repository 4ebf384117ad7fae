/**
 * The official web SDK and browser instrumentation, as an application would bundle them; what they make is kept in the
 * page.
 */

import { ConsoleInstrumentation } from '@opentelemetry/browser-instrumentation/experimental/console';
import { ErrorsInstrumentation } from '@opentelemetry/browser-instrumentation/experimental/errors';
import { NavigationInstrumentation } from '@opentelemetry/browser-instrumentation/experimental/navigation';
import { NavigationTimingInstrumentation } from '@opentelemetry/browser-instrumentation/experimental/navigation-timing';
import { ResourceTimingInstrumentation } from '@opentelemetry/browser-instrumentation/experimental/resource-timing';
import { UserActionInstrumentation } from '@opentelemetry/browser-instrumentation/experimental/user-action';
import { WebVitalsInstrumentation } from '@opentelemetry/browser-instrumentation/experimental/web-vitals';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { FetchInstrumentation } from '@opentelemetry/instrumentation-fetch';
import { XMLHttpRequestInstrumentation } from '@opentelemetry/instrumentation-xml-http-request';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { WebTracerProvider } from '@opentelemetry/sdk-trace-web';

const kept = { spans: [], events: [] };
Object.assign(window, { kept });
const nothing = { shutdown: async () => {}, forceFlush: async () => {} };
const semconvStabilityOptIn = 'http';

const tracerProvider = new WebTracerProvider({
  spanProcessors: [
    {
      ...nothing,
      onStart() {},
      onEnd: ({ name, kind, attributes, status }) => kept.spans.push({ name, kind, attributes, status }),
    },
  ],
});
tracerProvider.register();
const loggerProvider = new LoggerProvider({
  processors: [
    {
      ...nothing,
      onEmit: ({ eventName, attributes, body, severityNumber }) =>
        kept.events.push({ name: eventName, attributes: { ...attributes }, body, severityNumber }),
    },
  ],
});
registerInstrumentations({
  tracerProvider,
  loggerProvider,
  instrumentations: [
    new FetchInstrumentation({ semconvStabilityOptIn }),
    new XMLHttpRequestInstrumentation({ semconvStabilityOptIn }),
    new ConsoleInstrumentation(),
    new ErrorsInstrumentation(),
    new NavigationInstrumentation({ useNavigationApiIfAvailable: true }),
    new NavigationTimingInstrumentation(),
    new ResourceTimingInstrumentation(),
    new UserActionInstrumentation(),
    new WebVitalsInstrumentation(),
  ],
});
