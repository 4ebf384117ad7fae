/** Nothing to list yet: how to send the first span here, and what has come without a session. */

import { requestPath } from '../model/routes';
import type { RequestsAnswer, StatusAnswer } from '../model/answers';
import { useEffect, useState } from 'preact/hooks';

import { AnswerError } from '../data/api';
import { CopyButton } from './copying';
import { Link } from './router';
import { Line } from './telemetry_text';
import { TopBar } from './top_bar';
import { RequestLine } from './request_line';
import { useStatus } from './use_status';
import type { Source } from './use_timeline';
import { countWords } from '../model/times';

const SHOWN_MAX = 8;

export function EmptyState({ source }: { source: Source }) {
  const status = useStatus(source, true);
  return (
    <main class="list">
      <TopBar view="sessions" count="0" />
      <div class="empty">
        <h2>{status && status.services.length > 0 ? 'No session yet' : 'Nothing has arrived yet'}</h2>
        <p>
          Any service with an OpenTelemetry SDK sends here with these lines; then use it, and it appears on this page.
        </p>
        {status && <SendHere status={status} hasToken={source.hasToken?.() === true} />}
        <p class="quiet">
          A session is named by the browser extension, by an attribute <code>session.id</code>, or by{' '}
          <code>tracestate: gasoline=&lt;session id&gt;</code>.
        </p>
        {status?.advice.map((advice) => (
          <p class="note" key={advice}>
            <Line text={advice} />
          </p>
        ))}
        {status && status.services.length > 0 && <Arrived source={source} status={status} />}
      </div>
    </main>
  );
}

function SendHere({ status, hasToken }: { status: StatusAnswer; hasToken: boolean }) {
  const { grpc, http } = status.endpoints;
  const lines = [
    grpc
      ? `export OTEL_EXPORTER_OTLP_ENDPOINT=http://${grpc}`
      : `export OTEL_EXPORTER_OTLP_ENDPOINT=http://${http ?? '127.0.0.1:4318'}`,
    grpc ? 'export OTEL_EXPORTER_OTLP_PROTOCOL=grpc' : 'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
    ...(hasToken ? ['export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20$GASOLINE_TOKEN"'] : []),
    'export OTEL_TRACES_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp',
    'export OTEL_SERVICE_NAME=orders',
  ];
  return (
    <div class="send">
      <pre tabIndex={0} aria-label="Environment of a service">
        {lines.join('\n')}
      </pre>
      <CopyButton text={`${lines.join('\n')}\n`} what="the lines" />
      {http && grpc && (
        <p class="quiet">
          Over HTTP instead: endpoint <code>http://{http}</code>, protocol <code>http/protobuf</code>.
        </p>
      )}
    </div>
  );
}

/** What has come, though it belongs to no session. */
function Arrived({ source, status }: { source: Source; status: StatusAnswer }) {
  const [answer, setAnswer] = useState<RequestsAnswer | undefined>(undefined);
  useEffect(() => {
    source
      .ask<RequestsAnswer>({ what: 'requests', without_session: true, limit: SHOWN_MAX })
      .then(setAnswer, (error: unknown) => {
        if (!(error instanceof AnswerError)) throw error;
      });
  }, [status]);
  return (
    <section class="arrived" aria-label="What has arrived without a session">
      <h3>Arrived without a session</h3>
      <p class="facts">
        {status.services.map((service) => (
          <span key={service.name}>
            <Line text={service.name} /> {countWords(service.spans)} spans, {countWords(service.logs)} logs
          </span>
        ))}
      </p>
      <ul>
        {answer?.requests.map((request) => (
          <li key={request.request_id}>
            <Link to={requestPath(request.request_id)}>
              <RequestLine request={request} />
            </Link>
          </li>
        ))}
      </ul>
      {answer && answer.total > SHOWN_MAX && (
        <Link to="/requests?without_session=true">All {countWords(answer.total)} requests</Link>
      )}
    </section>
  );
}
