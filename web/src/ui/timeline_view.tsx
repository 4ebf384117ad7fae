/** A session or a request: what it was, its time axis, its events one row each, and the one that is selected. */

import { useEffect, useRef } from 'preact/hooks';

import type { Subject } from '../data/loading';
import { cut, visibleLine } from '../model/plain_text';
import { nextError } from '../model/rows';
import { requestPath, routeOf, timelineSearch, timelineStateOf } from '../model/routes';
import { CompareWith } from './compare_with';
import { EventPanel } from './event_panel';
import { isOnControl, isScrolled, useKeys } from './keys';
import { Lanes } from './lanes';
import { Minimap } from './minimap';
import { Problem } from './problem';
import { Link, listPath, navigate, place, replaceSearch } from './router';
import { useColours } from './service_name';
import { TimelineFilters } from './timeline_filters';
import { TimelineHead } from './timeline_head';
import { TimelineRows } from './timeline_rows';
import { offsetWords } from '../model/times';
import type { TimelineStore } from './timeline_store';
import { useTimeline, type Source } from './use_timeline';

const URL_DELAY_MS = 250;
const PAN_PART = 0.2;
const ZOOM_FACTOR = 0.7;
const PAGE_ROWS = 20;
const TITLE_ID_CHARS_MAX = 16;

export function TimelineView({ source, subject }: { source: Source; subject: Subject }) {
  const store = useTimeline(source, subject);
  useTimelineKeys(store);
  useUrl(store);
  useColours(store.timeline.value.services);
  const loaded = store.loaded.value;
  const problem = store.problem.value;
  useEffect(() => {
    document.title = `${subject.kind} ${visibleLine(cut(subject.id, TITLE_ID_CHARS_MAX))} · Gasoline`;
  }, [subject.kind, subject.id]);
  if (problem && !loaded) return <Problem error={problem} />;
  if (!loaded)
    return (
      <p class="waiting" role="status">
        Loading the {subject.kind}…
      </p>
    );
  if (loaded.events.length === 0) return <Nothing subject={subject} notes={loaded.notes} hasLists={source.hasLists} />;
  return (
    <main
      class="timeline"
      aria-busy={loaded.isLoading}
      data-kind={subject.kind}
      data-panel={store.isPanelOpen.value && !!store.selected.value}
      style={{ '--at': `${offsetWords(store.timeline.value.extent[1]).length}ch` }}
    >
      <TimelineHead store={store} source={source} />
      {subject.kind === 'request' && <CompareWith store={store} source={source} />}
      <div class="stage">
        <div class="axis-side">
          <TimelineFilters store={store} />
          <Minimap store={store} />
          <Lanes store={store} />
        </div>
        <TimelineRows store={store} />
        {store.selected.value && store.isPanelOpen.value && <EventPanel store={store} source={source} />}
      </div>
    </main>
  );
}

function Nothing(props: { subject: Subject; notes: readonly string[]; hasLists: boolean }) {
  const { subject, notes, hasLists } = props;
  return (
    <main class="empty">
      <h1>Nothing is stored of this {subject.kind}</h1>
      {notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
      <p class="quiet">If telemetry of it is still to come, it will appear here.</p>
      {hasLists && (
        <p>
          <Link to={listPath(subject.kind === 'session' ? '/' : '/requests')}>All {subject.kind}s</Link>
        </p>
      )}
    </main>
  );
}

function useTimelineKeys(store: TimelineStore): void {
  const move = (step: number) => (event: KeyboardEvent) => (isScrolled(event) ? false : store.move(step));
  const jump = (step: 1 | -1) => () => {
    const { indices } = store.rows.value;
    const row = nextError(store.timeline.value, indices, store.activeRow.value, step);
    if (row >= 0) store.selectRow(row);
  };
  const fold = (isFolded: boolean) => () => {
    const index = store.positions.value.get(store.selectedId.value);
    if (index !== undefined) store.fold(index, isFolded);
  };
  useKeys({
    j: move(1),
    k: move(-1),
    ArrowDown: move(1),
    ArrowUp: move(-1),
    PageDown: move(PAGE_ROWS),
    PageUp: move(-PAGE_ROWS),
    Home: move(-Infinity),
    End: move(Infinity),
    Enter: (event) => {
      if (isOnControl(event) || !store.selected.value) return false;
      store.isPanelOpen.value = true;
      return undefined;
    },
    Escape: () => {
      if (!store.isPanelOpen.value) return false;
      store.isPanelOpen.value = false;
      document.querySelector<HTMLElement>('.rows')?.focus();
      return undefined;
    },
    e: jump(1),
    E: jump(-1),
    ArrowLeft: fold(true),
    ArrowRight: fold(false),
    c: () => store.foldRequests(store.canFoldRequests),
    r: () => {
      const id = store.selected.value?.request_id;
      if (!id || store.subject.kind === 'request') return false;
      navigate(requestPath(id, store.selectedId.value));
      return undefined;
    },
    z: () => store.zoomToSelected(),
    '+': () => store.zoomBy(ZOOM_FACTOR),
    '=': () => store.zoomBy(ZOOM_FACTOR),
    w: () => store.zoomBy(ZOOM_FACTOR),
    '-': () => store.zoomBy(1 / ZOOM_FACTOR),
    s: () => store.zoomBy(1 / ZOOM_FACTOR),
    a: () => store.panBy(-PAN_PART),
    d: () => store.panBy(PAN_PART),
    '0': () => {
      store.zoom.value = undefined;
    },
  });
}

/** The URL names what is shown, a moment after it has come to rest; and what it names by itself is shown. */
function useUrl(store: TimelineStore): void {
  const search = timelineSearch(store.state);
  const given = place.value.search;
  const known = useRef(given);
  // Between a step away and the render that follows it, the URL is already another view's.
  const isHere = () => {
    const route = routeOf(place.peek().path);
    return route.view === store.subject.kind && route.id === store.subject.id;
  };
  useEffect(() => {
    if (given === known.current || !isHere()) return;
    known.current = given;
    store.state = timelineStateOf(given);
  }, [given]);
  useEffect(() => {
    const timer = setTimeout(() => {
      // What the URL was changed to meanwhile is yet to be taken, or was taken and is yet to be drawn.
      if (!isHere() || place.peek().search !== known.current || timelineSearch(store.state) !== search) return;
      replaceSearch(search);
      known.current = place.peek().search;
    }, URL_DELAY_MS);
    return () => clearTimeout(timer);
  }, [search]);
}
