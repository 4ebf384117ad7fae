/** The events of a timeline, one row each, in the order of the answer. */

import { fractionOf } from '../model/scale';
import { categoryOf } from '../model/timeline';
import { durationWords, offsetWords } from '../model/times';
import { statusOf, titleOf } from '../model/words';
import { CategoryIcon } from './icons';
import { useWheel } from './pointer';
import { RowList } from './row_list';
import { ServiceName, colourClass } from './service_name';
import { Line } from './telemetry_text';
import type { TimelineStore } from './timeline_store';

export const ROW_PX = 26;
const INDENTS_MAX = 14;
/** In a narrow column all of them leave 8rem to what the row says. */
const INDENT = `clamp(0px, (100% - 8rem) / ${INDENTS_MAX}, 14px)`;
const PERCENT = 100;
export const STRETCHES_DRAWN_MAX = 50;
const QUIET_SEVERITIES = new Set(['TRACE', 'DEBUG', 'INFO']);

export function TimelineRows({ store }: { store: TimelineStore }) {
  const timeline = store.timeline.value;
  const { indices } = store.rows.value;
  const active = store.activeRow.value;
  const wheel = useWheel(store, { scrolls: true });
  return (
    <div class="table" ref={wheel}>
      <div class="columns" aria-hidden="true">
        <span>time</span>
        <span>service</span>
        <span>what happened</span>
        <span class="number">took</span>
        <span class="plot" />
      </div>
      <RowList
        count={indices.length}
        rowHeight={ROW_PX}
        keyOf={(row) => timeline.events[indices[row] ?? -1]?.id ?? ''}
        active={active}
        activeId={active < 0 ? undefined : rowId(indices[active] ?? 0)}
        role="treegrid"
        label="Events in order"
        holdsBeginning={store.loaded.value?.isLoading === false}
        row={(row, style) => (
          <Row
            key={timeline.events[indices[row] ?? -1]?.id}
            store={store}
            row={row}
            index={indices[row] ?? 0}
            style={style}
          />
        )}
      />
    </div>
  );
}

interface RowProps {
  store: TimelineStore;
  row: number;
  index: number;
  style: { transform: string };
}

function Row({ store, row, index, style }: RowProps) {
  const timeline = store.timeline.value;
  const event = timeline.events[index];
  if (!event) return <div />;
  const isSelected = store.selectedId.value === event.id;
  const status = statusOf(event);
  const depth = timeline.depths[index] ?? 0;
  const orphan = store.orphanOf(index);
  return (
    <div
      id={rowId(index)}
      class="row"
      role="row"
      aria-rowindex={row + 1}
      aria-level={depth + 1}
      aria-selected={isSelected}
      aria-expanded={store.canFold(index) ? !store.isFolded(index) : undefined}
      data-error={event.error}
      data-event={event.id}
      style={style}
      onClick={() => store.select(event.id, { open: true })}
    >
      <span role="gridcell" class="at">
        {offsetWords(timeline.starts[index] ?? 0)}
      </span>
      <span role="gridcell" class="who">
        <ServiceName name={event.service} />
      </span>
      <span role="gridcell" class="what" style={{ paddingLeft: `calc(${Math.min(depth, INDENTS_MAX)} * ${INDENT})` }}>
        <Fold store={store} index={index} />
        <CategoryIcon category={categoryOf(event)} isError={event.error} />
        {depth > INDENTS_MAX && (
          <small class="quiet deep">
            {depth}
            <span> deep</span>
          </small>
        )}
        {event.severity && !QUIET_SEVERITIES.has(event.severity) && <small class="severity">{event.severity}</small>}
        <Line text={titleOf(event)} class="text" />
        {status && <span class={event.error || Number(status) >= 500 ? 'status bad' : 'status'}>{status}</span>}
        {orphan && <small class="tag">{orphan === 'missing' ? 'parent missing' : 'parent not here'}</small>}
      </span>
      <span role="gridcell" class="took number">
        {event.duration_ms === undefined ? '' : durationWords(event.duration_ms)}
      </span>
      <span role="gridcell" class="plot">
        <Bar store={store} index={index} service={event.service} isError={event.error} />
      </span>
    </div>
  );
}

function Fold({ store, index }: { store: TimelineStore; index: number }) {
  const { within, errorsWithin } = store.timeline.value;
  const count = within[index] ?? 0;
  if (!store.canFold(index)) return <span class="fold" />;
  const isFolded = store.isFolded(index);
  const errors = errorsWithin[index] ?? 0;
  const toggle = (event: MouseEvent) => {
    event.stopPropagation();
    store.fold(index, !isFolded);
  };
  const what = `${count} more ${count === 1 ? 'event' : 'events'}${errors > 0 ? `, ${errors} failed` : ''}`;
  return (
    <button
      type="button"
      class="fold"
      tabIndex={-1}
      aria-label={`${isFolded ? 'Show' : 'Hide'} ${what}`}
      title={what}
      onClick={toggle}
    >
      {isFolded ? '▸' : '▾'}
      {isFolded && <small>{count}</small>}
    </button>
  );
}

/** Where the event is on the axis. Only this is drawn anew while zooming. */
function Bar(props: { store: TimelineStore; index: number; service: string; isError: boolean }) {
  const { store, index } = props;
  const { events, starts, ends } = store.timeline.value;
  const domain = store.domain.value;
  const isPoint = events[index]?.duration_ms === undefined;
  const stretches = (store.paths.value.stretchesOf.get(index) ?? []).slice(0, STRETCHES_DRAWN_MAX);
  const name = `${isPoint ? 'point' : 'bar'} ${colourClass(props.service)}${props.isError ? ' failed' : ''}`;
  return (
    <>
      <i class={name} style={placed(starts[index] ?? 0, ends[index] ?? 0, domain)} />
      {stretches.map(({ from, to }) => (
        <i key={from} class="critical" style={placed(from, to, domain)} />
      ))}
    </>
  );
}

function placed(from: number, to: number, domain: readonly [number, number]): { left: string; width: string } {
  const left = Math.max(-0.01, Math.min(1.01, fractionOf(from, domain)));
  const right = Math.max(-0.01, Math.min(1.01, fractionOf(to, domain)));
  return { left: `${(left * PERCENT).toFixed(3)}%`, width: `${((right - left) * PERCENT).toFixed(3)}%` };
}

function rowId(index: number): string {
  return `row-${index}`;
}
