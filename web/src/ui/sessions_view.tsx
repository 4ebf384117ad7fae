/** All sessions, newest first; what failed says why. */

import { useEffect } from 'preact/hooks';

import type { SessionRecord, SessionsAnswer } from '../model/answers';
import { sessionPath } from '../model/routes';
import { countWords } from '../model/times';
import { EmptyState } from './empty_state';
import { ListFiltersBar } from './list_filters';
import { Problem } from './problem';
import { RowList } from './row_list';
import { useColours } from './service_name';
import { SessionRow } from './session_row';
import { Line } from './telemetry_text';
import { TopBar } from './top_bar';
import { useList } from './use_list';
import type { Source } from './use_timeline';
import { useServices } from './use_status';

const ROW_PX = 54;

const KIND = {
  what: 'sessions' as const,
  pageOf: ({ sessions, ...page }: SessionsAnswer) => ({ ...page, items: sessions }),
  idOf: (session: SessionRecord) => session.session_id,
  timeOf: (session: SessionRecord) => session.last_activity,
  pathOf: (session: SessionRecord) => sessionPath(session.session_id),
};

export function SessionsView({ source }: { source: Source }) {
  const { store, items, total, active, isFiltered } = useList<SessionRecord>(source, KIND);
  const services = useServices(source, items);
  useColours(services);
  useEffect(() => {
    document.title = 'Sessions · Gasoline';
  }, []);
  const problem = store.problem.value;
  if (problem?.status === 401 && !items) return <Problem error={problem} />;
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
        <span class="services">services</span>
        <span class="number">requests</span>
        <span class="number">errors</span>
        <span class="number events">events</span>
        <span class="number">duration</span>
        <span class="activity">activity</span>
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
        scroll={store}
        row={(row, style) => (
          <SessionRow
            key={items?.[row]?.session_id}
            session={items?.[row] as SessionRecord}
            row={row}
            isActive={row === active}
            hasActivity={source.onNews !== undefined}
            onOpen={(id) => (store.activeId.value = id)}
            style={style}
          />
        )}
      />
    </main>
  );
}
