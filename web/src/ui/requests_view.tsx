/** All requests, newest first. */

import { useEffect } from 'preact/hooks';

import type { RequestRecord, RequestsAnswer } from '../model/answers';
import { visibleLine } from '../model/plain_text';
import { requestPath, sessionPath } from '../model/routes';
import { clockWords, countWords, durationWords } from '../model/times';
import { causeWords, shortId } from '../model/words';
import { ListFiltersBar } from './list_filters';
import { Problem } from './problem';
import { RequestLine } from './request_line';
import { Link } from './router';
import { RowList } from './row_list';
import { ServiceName, useColours } from './service_name';
import { Line, Sentence } from './telemetry_text';
import { TopBar } from './top_bar';
import { useList } from './use_list';
import { useServices } from './use_status';
import type { Source } from './use_timeline';

const ROW_PX = 54;
const SERVICES_SHOWN_MAX = 6;

const KIND = {
  what: 'requests' as const,
  pageOf: ({ requests, ...page }: RequestsAnswer) => ({ ...page, items: requests }),
  idOf: (request: RequestRecord) => request.request_id,
  timeOf: (request: RequestRecord) => request.started_at,
  pathOf: (request: RequestRecord) => requestPath(request.request_id),
};

export function RequestsView({ source }: { source: Source }) {
  const { store, items, total, active } = useList<RequestRecord>(source, KIND);
  const services = useServices(source, undefined);
  useColours(services);
  useEffect(() => {
    document.title = 'Requests · Gasoline';
  }, []);
  const problem = store.problem.value;
  if (problem?.status === 401 && !items) return <Problem error={problem} />;
  return (
    <main class="list">
      <TopBar view="requests" count={items ? countWords(total) : ''} />
      <ListFiltersBar services={services} isOfRequests />
      {problem && (
        <p class="note bad" role="alert">
          {problem.message}
        </p>
      )}
      <div class="request-columns" aria-hidden="true">
        <span>started</span>
        <span>request</span>
        <span>session</span>
        <span class="number">took</span>
      </div>
      {items?.length === 0 && (
        <p class="waiting" role="status">
          No request matches
        </p>
      )}
      <RowList
        count={items?.length ?? 0}
        rowHeight={ROW_PX}
        keyOf={(row) => items?.[row]?.request_id ?? ''}
        active={active}
        activeId={active < 0 ? undefined : `request-row-${active}`}
        role="grid"
        label="Requests, newest first"
        onEnd={() => void store.more()}
        scroll={store}
        row={(row, style) => (
          <RequestRow
            key={items?.[row]?.request_id}
            request={items?.[row] as RequestRecord}
            row={row}
            isActive={row === active}
            style={style}
            onOpen={(id) => (store.activeId.value = id)}
          />
        )}
      />
    </main>
  );
}

interface RowProps {
  request: RequestRecord;
  row: number;
  isActive: boolean;
  style: { transform: string };
  onOpen: (id: string) => void;
}

function RequestRow(props: RowProps) {
  const { request, row } = props;
  const services = request.service_calls ?? [];
  return (
    <div
      id={`request-row-${row}`}
      class="row request"
      role="row"
      aria-rowindex={row + 1}
      aria-selected={props.isActive}
      data-error={!!request.cause}
      style={props.style}
      onClick={() => props.onOpen(request.request_id)}
    >
      <span role="gridcell" class="started">
        <time dateTime={request.started_at}>{clockWords(Date.parse(request.started_at), Date.now())}</time>
        <small class="quiet">
          <code>{shortId(request.request_id)}</code>
        </small>
      </span>
      <span role="gridcell" class="session-what">
        <Link to={requestPath(request.request_id)} class="row-link">
          <RequestLine request={request} />
        </Link>
        {request.cause ? (
          <span class="cause-line">
            <Sentence text={causeWords(request.cause)} />
          </span>
        ) : (
          <span class="services quiet" title={visibleLine(services.join(', '))}>
            {services.slice(0, SERVICES_SHOWN_MAX).map((service) => (
              <ServiceName key={service} name={service} />
            ))}
            {services.length > SERVICES_SHOWN_MAX && <small>+{services.length - SERVICES_SHOWN_MAX}</small>}
          </span>
        )}
      </span>
      <span role="gridcell" class="of-session">
        {request.session_id && (
          <Link to={sessionPath(request.session_id)}>
            <Line text={shortId(request.session_id)} />
          </Link>
        )}
        {request.session_ids && <span class="quiet">{request.session_ids.length} sessions</span>}
      </span>
      <span role="gridcell" class="number">
        {request.duration_ms === undefined ? '' : durationWords(request.duration_ms)}
      </span>
    </div>
  );
}
