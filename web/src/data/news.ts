/**
 * What has been committed since, told as it happens. The visible pages of one origin share one stream, for a browser
 * opens six connections to a host and a stream holds one: the page that has the lock reads it and tells the others.
 * When that page is closed or hidden, another gets the lock. https://www.w3.org/TR/web-locks/
 */

import { signal } from '@preact/signals';

import { AnswerError, ask } from './api';
import { EventStreamReader } from './event_stream';

export interface News {
  /** Up to where these are the news; who comes back with it is told what it missed. */
  id: string;
  session_ids: string[];
  request_ids: string[];
  /** Whether the lists name everything that changed. */
  complete: boolean;
  evicted?: boolean;
}

export type NewsState = 'connecting' | 'live' | 'paused' | 'offline';

export const RETRY_MS_MIN = 1_000;
export const RETRY_MS_MAX = 15_000;
/** So long what is asked for first waits for the first news, lest something is committed between the two. */
export const FIRST_NEWS_MS_MAX = 500;
const SHARED_NAME = 'gasoline:news';

/** What the page says of its connection. */
export const newsState = signal<NewsState>('connecting');

/** What one page tells the others: how it stands with the stream, and what it read. */
interface Word {
  state: NewsState;
  news: News[];
}

const listeners = new Set<(news: News) => void>();
let channel: BroadcastChannel | undefined;
let stopping: AbortController | undefined;
let heardId: string | undefined;
/** Up to where all was heard before the page was last out of sight, until a stream has told what came meanwhile. */
let missedSinceId: string | undefined;
let isAskedBefore = false;
let hearFirst: () => void = () => undefined;
const firstHeard = new Promise<void>((resolve) => (hearFirst = resolve));

/** Be told of news from now on, until what is returned is called. */
export function onNews(listener: (news: News) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Wait until whatever is committed from now on will be told; what cannot wait is read again with the first news. */
export async function untilNews(): Promise<void> {
  if (heardId !== undefined || isAskedBefore) return;
  if (document.visibilityState === 'visible') await Promise.race([firstHeard, pause(FIRST_NEWS_MS_MAX)]);
  isAskedBefore = heardId === undefined;
}

/** Listen for as long as the page is visible. Call once. */
export function startNews(): void {
  channel = new BroadcastChannel(SHARED_NAME);
  channel.addEventListener('message', ({ data }: MessageEvent<Word>) => {
    if (stopping) hear(data);
  });
  const look = () => {
    stopping?.abort();
    stopping = undefined;
    if (document.visibilityState === 'hidden') newsState.value = 'paused';
    else {
      stopping = new AbortController();
      // Other pages may tell of later news before this one has asked.
      missedSinceId ??= heardId;
      void listen(stopping.signal);
    }
  };
  document.addEventListener('visibilitychange', look);
  look();
}

async function listen(stopped: AbortSignal): Promise<void> {
  // Over plain HTTP from another machine a browser has no locks: each page has a stream of its own there.
  const locks = navigator.locks as LockManager | undefined;
  if (!locks) return lead(stopped);
  let isLeader = false;
  await locks.request(SHARED_NAME, { ifAvailable: true }, (lock) => {
    isLeader = lock !== null;
    return isLeader ? lead(stopped) : undefined;
  });
  if (isLeader) return;
  await attempt(stopped, hear, (onAnswer) => readStream(stopped, hear, onAnswer, { isFirstEnough: true }));
  await locks
    .request(SHARED_NAME, { signal: stopped }, () => lead(stopped))
    .catch((error: unknown) => {
      if (!stopped.aborted) throw error;
    });
}

/** Read the stream for all pages until this one stops. */
async function lead(stopped: AbortSignal): Promise<void> {
  const tell = (word: Word) => {
    // A channel has no other side whose origin could be named.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    channel?.postMessage(word);
    hear(word);
  };
  await attempt(stopped, tell, (onAnswer) => readStream(stopped, tell, onAnswer));
}

/** Until `read` returns true; not without the token: the views ask for it then, and the page starts again. */
async function attempt(
  stopped: AbortSignal,
  tell: (word: Word) => void,
  read: (onAnswer: () => void) => Promise<boolean>,
): Promise<void> {
  let retryMs = RETRY_MS_MIN;
  while (!stopped.aborted) {
    try {
      tell({ state: 'connecting', news: [] });
      if (await read(() => (retryMs = RETRY_MS_MIN))) return;
    } catch (error) {
      if (stopped.aborted) return;
      const isForbidden = error instanceof AnswerError && error.status === 401;
      (isForbidden ? hear : tell)({ state: 'offline', news: [] });
      hearFirst();
      if (isForbidden) return;
    }
    await pause(retryMs, stopped);
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
  }
}

/** Return true if the first news were enough and have come, false when the stream has ended. */
async function readStream(
  stopped: AbortSignal,
  tell: (word: Word) => void,
  onAnswer: () => void,
  { isFirstEnough = false } = {},
): Promise<boolean> {
  const after = missedSinceId ?? heardId;
  const response = await ask(after === undefined ? '/api/news' : `/api/news?after=${after}`, stopped);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return false;
  const events = new EventStreamReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    onAnswer();
    const news = events.read(piece.value).map((data) => JSON.parse(data) as News);
    tell({ state: 'live', news });
    if (news.length > 0) missedSinceId = undefined;
    if (isFirstEnough && news.length > 0) {
      await reader.cancel();
      return true;
    }
  }
  return false;
}

function hear({ state, news }: Word): void {
  newsState.value = state;
  news.forEach(take);
}

function take(news: News): void {
  const isFirst = heardId === undefined;
  const isUnsure = isFirst && isAskedBefore;
  heardId = news.id;
  hearFirst();
  const isNew = !news.complete || news.evicted || news.session_ids.length > 0 || news.request_ids.length > 0;
  if (!isUnsure && (isFirst || !isNew)) return;
  for (const listener of listeners) listener(isUnsure ? { ...news, complete: false } : news);
}

function pause(ms: number, stopped?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stopped?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
