/** All sessions, newest first; what failed says why. */

import { useEffect } from 'preact/hooks';

import type { SessionRecord, SessionsAnswer } from '../model/answers';
import { sessionPath } from '../model/routes';
import { agoWords, betweenMs, clockWords, countWords, durationWords } from '../model/times';
import { browserWords, causeWords, shortId } from '../model/words';
import { EmptyState } from './empty_state';
import { ListFiltersBar } from './list_filters';
import { Problem } from './problem';
import { Link } from './router';
import { RowList } from './row_list';
import { ServiceName } from './service_name';
import { Sparkline, wantActivity } from './sparkline';
import { Line } from './telemetry_text';
import { TopBar } from './top_bar';
import { useList } from './use_list';
import type { Source } from './use_timeline';
import { useServices } from './use_status';

const ROW_PX = 54;
const SERVICES_SHOWN_MAX = 6;

const KIND = {
  what: 'sessions' as const,
  pageOf: ({ sessions, ...page }: SessionsAnswer) => ({ ...page, items: sessions }),
  idOf: (session: SessionRecord) => session.session_id,
  pathOf: (session: SessionRecord) => sessionPath(session.session_id),
};

export function SessionsView({ source }: { source: Source }) {
  const { store, items, total, active, isFiltered } = useList<SessionRecord>(source, KIND);
  const services = useServices(source, items);
  useEffect(() => {
    document.title = 'Sessions · Gasoline';
  }, []);
  const problem = store.problem.value;
  if (problem && !items) return <Problem error={problem} />;
  if (items?.length === 0 && !isFiltered) return <EmptyState source={source} />;
  return (
    <main class="list">
      <TopBar view="sessions" count={items ? `${countWords(total)}` : ''} />
      <ListFiltersBar services={services} isOfRequests={false} />
      {problem && (
        <p class="note bad" role="alert">
          {problem.message}
        </p>
      )}
      {store.notes.value.map((note) => (
        <p class="note" key={note}>
          <Line text={note} />
        </p>
      ))}
      <div class="session-columns" aria-hidden="true">
        <span>started</span>
        <span>session</span>
        <span class="number">requests</span>
        <span class="number">events</span>
        <span class="number">duration</span>
        <span>activity</span>
      </div>
      {items?.length === 0 && (
        <p class="waiting" role="status">
          No session matches these filters
        </p>
      )}
      <RowList
        count={items?.length ?? 0}
        rowHeight={ROW_PX}
        keyOf={(row) => items?.[row]?.session_id ?? ''}
        active={active}
        activeId={active < 0 ? undefined : `session-row-${active}`}
        role="grid"
        label="Sessions, newest first"
        onEnd={() => void store.more()}
        row={(row, style) => (
          <SessionRow
            key={items?.[row]?.session_id}
            session={items?.[row] as SessionRecord}
            row={row}
            isActive={row === active}
            hasActivity={source.onNews !== undefined}
            style={style}
          />
        )}
      />
    </main>
  );
}

interface RowProps {
  session: SessionRecord;
  row: number;
  isActive: boolean;
  /** Whether it can be asked how busy a session was. */
  hasActivity: boolean;
  style: { transform: string };
}

function SessionRow({ session, row, isActive, hasActivity, style }: RowProps) {
  const started = Date.parse(session.started_at);
  const duration = betweenMs(session.started_at, session.last_activity);
  useEffect(() => {
    if (hasActivity) wantActivity(session);
  }, [session.session_id, session.last_activity]);
  const now = Date.now();
  return (
    <div
      id={`session-row-${row}`}
      class="row session"
      role="row"
      aria-rowindex={row + 1}
      aria-selected={isActive}
      data-error={session.has_errors}
      style={style}
    >
      <span role="gridcell" class="started">
        <time dateTime={session.started_at}>{clockWords(started, now)}</time>
        <small class="quiet">{agoWords(Date.parse(session.last_activity), now)}</small>
      </span>
      <span role="gridcell" class="session-what">
        <Link to={sessionPath(session.session_id)} class="row-link">
          {session.has_errors && <span class="mark">failed</span>}
          <Line text={session.first_url ?? shortId(session.session_id)} class="text" />
        </Link>
        {session.cause ? (
          <span class="cause-line">
            <Line text={causeWords(session.cause)} />
          </span>
        ) : (
          <Services session={session} />
        )}
      </span>
      <span role="gridcell" class="number">
        <b>{countWords(session.request_count)}</b>
      </span>
      <span role="gridcell" class="number">
        {countWords(session.event_count)}
      </span>
      <span role="gridcell" class="number">
        {durationWords(duration)}
      </span>
      <span role="gridcell" class="activity">
        <Sparkline id={session.session_id} />
      </span>
    </div>
  );
}

function Services({ session }: { session: SessionRecord }) {
  const services = session.services ?? [];
  const browser = browserWords(session.user_agent);
  return (
    <span class="services quiet">
      {services.slice(0, SERVICES_SHOWN_MAX).map((service) => (
        <ServiceName key={service} name={service} />
      ))}
      {services.length > SERVICES_SHOWN_MAX && <small>+{services.length - SERVICES_SHOWN_MAX}</small>}
      {browser && (
        <small>
          <Line text={browser} />
        </small>
      )}
    </span>
  );
}
