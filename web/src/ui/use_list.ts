/** A list that follows the filters in the URL, and the news. */

import { useEffect, useMemo, useRef } from 'preact/hooks';

import type { Question } from '../model/observe_call';
import { listFiltersOf, type ListFilters } from '../model/routes';
import { isOnControl, useKeys } from './keys';
import { ListStore } from './list_store';
import { navigate, place } from './router';
import { useRetry } from './use_retry';
import { useTicks } from './use_ticks';
import type { Source } from './use_timeline';

type What = 'sessions' | 'requests';

interface Kind<Item> {
  what: What;
  pageOf: (answer: never) => { items: Item[]; next_cursor?: string; total: number; notes?: string[] };
  idOf: (item: Item) => string;
  timeOf: (item: Item) => string;
  pathOf: (item: Item) => string;
}

interface Kept {
  source: Source;
  asked: string;
  store: unknown;
}

const PAGE_ROWS = 10;
/** What was last shown of each list: who comes back finds it as it was, and then what is new. */
const kept = new Map<What, Kept>();

/** `kind` must be the same object at every call. */
export function useList<Item>(source: Source, kind: Kind<Item>) {
  const filters = listFiltersOf(place.value.search);
  const question = questionOf(kind.what, filters);
  const asked = JSON.stringify(question);
  const store = useMemo(() => storeOf(source, kind, question), [source, kind, asked]);
  // What was shown stays until the first answer to the new question is there.
  const shown = useRef<{ items: readonly Item[] | undefined; total: number }>({ items: undefined, total: 0 });
  useEffect(() => {
    void store.resume();
    const stop = source.onNews?.(({ evicted = false }) => void store.refresh({ isRestStale: evicted }));
    return () => {
      stop?.();
      store.stop();
    };
  }, [store]);
  useRetry(store.problem.value, () => void store.refresh());
  const ticks = useTicks();
  useEffect(() => {
    // What is asked for by its age leaves the list by itself.
    if (ticks > 0 && filters.since.startsWith('-')) void store.refresh({ isRestStale: true });
  }, [ticks]);
  if (store.items.value) shown.current = { items: store.items.value, total: store.total.value };
  const activeId = store.activeId.value;
  const setActiveId = (id: string) => {
    store.activeId.value = id;
  };
  const { items, total } = shown.current;
  const active = items?.findIndex((item) => kind.idOf(item) === activeId) ?? -1;
  const move = (step: number) => () => {
    if (!items?.length) return;
    const row = active < 0 ? 0 : Math.max(0, Math.min(items.length - 1, active + step));
    setActiveId(kind.idOf(items[row] as Item));
  };
  useKeys({
    j: move(1),
    k: move(-1),
    ArrowDown: move(1),
    ArrowUp: move(-1),
    PageDown: move(PAGE_ROWS),
    PageUp: move(-PAGE_ROWS),
    Home: move(-Infinity),
    Enter: (event) => {
      const item = items?.[active];
      if (!item || isOnControl(event)) return false;
      navigate(kind.pathOf(item));
      return undefined;
    },
  });
  return { store, items, total, active, filters, isFiltered: Object.values(filters).some((value) => value !== '') };
}

function storeOf<Item>(source: Source, kind: Kind<Item>, question: Question): ListStore<Item> {
  const asked = JSON.stringify(question);
  const last = kept.get(kind.what);
  if (last?.source === source && last.asked === asked) return last.store as ListStore<Item>;
  const store = new ListStore<Item>(source.ask, question, kind.pageOf, kind.idOf, kind.timeOf);
  kept.set(kind.what, { source, asked, store });
  return store;
}

function questionOf(what: What, filters: ListFilters): { [name: string]: string } {
  const { without_session: without, ...shared } = filters;
  const given = Object.entries(shared).filter(([, value]) => value !== '');
  if (what === 'requests' && without !== '') given.push(['without_session', without]);
  return { what, ...Object.fromEntries(given) };
}
