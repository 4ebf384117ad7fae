/** Loads a session or a request into a store, again whenever there is news of it. */

import { useEffect, useMemo, useRef } from 'preact/hooks';

import { AnswerError } from '../data/api';
import { load, type Ask, type Loaded, type Subject } from '../data/loading';
import type { News } from '../data/news';
import type { Event } from '../model/answers';
import { timelineStateOf } from '../model/routes';
import { place } from './router';
import { TimelineStore } from './timeline_store';
import { useRetry } from './use_retry';

/** Where answers come from; `onNews` only where there are news. */
export interface Source {
  ask: Ask;
  onNews?: (listener: (news: News) => void) => () => void;
  /** A record as OTLP/JSON, where it can be had. */
  otlpText?: (event: Event) => Promise<string>;
  /** Whether a token was given, which every port of the collector then asks for. */
  hasToken?: () => boolean;
  /** Whether there are lists to go back to. */
  hasLists: boolean;
  /** Whether it can be asked about that session; without, about any. */
  holdsSession?: (id: string) => boolean;
}

export const QUIET_MS_MIN = 300;

export function useTimeline(source: Source, subject: Subject): TimelineStore {
  const store = useMemo(() => newStore(subject), [source, subject.kind, subject.id]);
  const again = useRef(() => {});
  useEffect(() => {
    const stopping = new AbortController();
    const read = reloading(store, source, stopping.signal);
    again.current = () => void read();
    void read();
    const stop = source.onNews?.((news) => {
      if (concerns(news, store)) void read();
    });
    return () => {
      stop?.();
      stopping.abort();
    };
  }, [store]);
  useRetry(store.problem.value, () => again.current());
  return store;
}

function newStore(subject: Subject): TimelineStore {
  const state = timelineStateOf(place.peek().search);
  const store = new TimelineStore(subject, state.selected);
  store.state = state;
  return store;
}

/**
 * What loads now, or again as soon as the load that runs is over. It rests as long as it loaded, so that a long
 * session under fire leaves the page its time.
 */
function reloading(store: TimelineStore, source: Source, signal: AbortSignal): () => Promise<void> {
  let isRunning = false;
  let isWantedAgain = false;
  const run = async () => {
    const started = performance.now();
    try {
      const { events = [], around = 0 } = store.loaded.peek() ?? {};
      const isQuiet = events.length > 0;
      // What was looked for once through all pages and not found is not looked for again at each news.
      const linkedId = isQuiet && around === 0 ? '' : store.linkedId;
      await load(source.ask, store.subject, (loaded) => show(store, loaded), { signal, isQuiet, linkedId });
      store.problem.value = undefined;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof AnswerError)) throw error;
      store.problem.value = error;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(QUIET_MS_MIN, performance.now() - started)));
  };
  return async () => {
    isWantedAgain = true;
    if (isRunning) return;
    isRunning = true;
    try {
      while (isWantedAgain && !signal.aborted) {
        isWantedAgain = false;
        await run();
      }
    } finally {
      isRunning = false;
    }
  };
}

function show(store: TimelineStore, loaded: Loaded): void {
  store.loaded.value = loaded;
  store.nameSelected();
}

function concerns(news: News, store: TimelineStore): boolean {
  const loaded = store.loaded.peek();
  if (!news.complete || news.evicted || loaded === undefined || loaded.events.length === 0) return true;
  const { kind, id } = loaded.subject;
  return (kind === 'session' ? news.session_ids : news.request_ids).includes(id);
}
