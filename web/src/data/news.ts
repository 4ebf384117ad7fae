/** What has been committed since, told as it happens. One stream a page, closed while nobody looks at it. */

import { signal } from '@preact/signals';

import { AnswerError, ask } from './api';
import { EventStreamReader } from './event_stream';

export interface News {
  commit: number;
  session_ids: string[];
  request_ids: string[];
  /** Whether the lists name everything that changed. */
  complete: boolean;
  evicted?: boolean;
}

export type NewsState = 'connecting' | 'live' | 'paused' | 'offline';

export const RETRY_MS_MIN = 1_000;
export const RETRY_MS_MAX = 15_000;

/** What the page says of its connection. */
export const newsState = signal<NewsState>('connecting');

/** After this long without a word, what was removed meanwhile is not told: everything shown is read again. */
export const AWAY_MS_MAX = 60_000;

const listeners = new Set<(news: News) => void>();
let commit: number | undefined;
let stopping: AbortController | undefined;
let heardAt = 0;

/** Be told of news from now on, until what is returned is called. */
export function onNews(listener: (news: News) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Listen for as long as the page is visible. Call once. */
export function startNews(): void {
  const look = () => {
    stopping?.abort();
    stopping = undefined;
    if (document.visibilityState === 'hidden') newsState.value = 'paused';
    else {
      stopping = new AbortController();
      void listen(stopping.signal);
    }
  };
  document.addEventListener('visibilitychange', look);
  look();
}

async function listen(stopped: AbortSignal): Promise<void> {
  let retryMs = RETRY_MS_MIN;
  while (!stopped.aborted) {
    try {
      newsState.value = 'connecting';
      await readStream(stopped, () => {
        retryMs = RETRY_MS_MIN;
        newsState.value = 'live';
      });
    } catch (error) {
      if (stopped.aborted) return;
      newsState.value = 'offline';
      // Without the token there is nothing to wait for: the views ask for it, and the page starts again.
      if (error instanceof AnswerError && error.status === 401) return;
    }
    await pause(retryMs, stopped);
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
  }
}

async function readStream(stopped: AbortSignal, onAnswer: () => void): Promise<void> {
  const response = await ask(commit === undefined ? '/api/news' : `/api/news?after=${commit}`, stopped);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  const events = new EventStreamReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    onAnswer();
    const isLong = heardAt > 0 && Date.now() - heardAt > AWAY_MS_MAX;
    heardAt = Date.now();
    for (const data of events.read(piece.value)) {
      const news = JSON.parse(data) as News;
      tell(isLong ? { ...news, complete: false } : news);
    }
  }
}

function tell(news: News): void {
  const isFirst = commit === undefined;
  commit = news.commit;
  const isNew = !news.complete || news.evicted || news.session_ids.length > 0 || news.request_ids.length > 0;
  if (isFirst || !isNew) return;
  for (const listener of listeners) listener(news);
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stopped.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
