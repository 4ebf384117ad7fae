/** Answers to popup and options; see messages.js. */

import {
  CHECK_COLLECTOR,
  FIND_TIMELINE,
  GET_STATE,
  NEW_SESSION,
  SET_ENABLED,
  SET_SETTINGS,
  permissionPattern,
} from '../messages.js';
import { QUEUE_BYTES_MAX } from './export-queue.js';
import { changedSettings, exactOrigin } from './settings.js';
import { timelinePage } from './timeline-page.js';

/**
 * @typedef {import('./extension-worker.js').ExtensionWorker} ExtensionWorker
 * @typedef {import('./state.js').WorkerState} WorkerState
 */

/**
 * @param {ExtensionWorker} worker
 * @param {any} message
 * @returns {Promise<unknown>} the value to answer with; throws an Error whose message is for a person
 */
export async function answer(worker, message) {
  // After all that came before it, never in the middle of a change.
  if (message.type === GET_STATE) return worker.change((state) => stateOf(worker, state, message));
  if (message.type === SET_ENABLED) return setEnabled(worker, message);
  if (message.type === NEW_SESSION) return newSession(worker, message);
  if (message.type === SET_SETTINGS) return setSettings(worker, message);
  if (message.type === CHECK_COLLECTOR) return (await worker.loop()).check();
  if (message.type === FIND_TIMELINE) {
    const { settings } = await worker.ready;
    return timelinePage((url, init) => fetch(url, init), settings.queryEndpoint);
  }
  throw new Error(`nothing answers to ${String(message.type)}`);
}

/**
 * @param {ExtensionWorker} worker
 * @param {any} message
 */
async function setEnabled(worker, message) {
  const origin = exactOrigin(message.origin);
  if (!origin) throw new Error('only http and https pages can be observed');
  if (message.enabled && !(await isPermitted(origin))) {
    throw new Error(`the browser does not let the extension on ${origin} yet: allow it first`);
  }
  await worker.change(async (state) => {
    const others = state.settings.origins.filter((one) => one !== origin);
    const origins = message.enabled ? [...others, origin] : others;
    if (!message.enabled) state.sessions.endOrigin(origin, worker.now());
    await worker.useSettings(state, changedSettings(state.settings, { origins }));
    if (!message.enabled) forgetSessions(state, origin);
  });
  return stateOf(worker, await worker.ready, message);
}

/**
 * @param {ExtensionWorker} worker
 * @param {any} message
 */
async function newSession(worker, message) {
  const tab = await tabOf(message.tabId);
  const origin = exactOrigin(message.origin) ?? originOf(tab);
  if (!origin) throw new Error('there is no page to start a new session for');
  await worker.change(async (state) => {
    state.sessions.endCarried(state.keyOf(origin, tab?.id ?? -1), 'user', worker.now(), state.settings);
    await worker.settle(state);
  });
  return stateOf(worker, await worker.ready, message);
}

/**
 * @param {ExtensionWorker} worker
 * @param {any} message
 */
async function setSettings(worker, message) {
  return worker.change(async (state) => {
    const before = state.settings;
    const settings = changedSettings(before, message.settings);
    const scopeChanges = settings.scope !== before.scope;
    for (const origin of before.origins) {
      if (scopeChanges || !settings.origins.includes(origin)) state.sessions.endOrigin(origin, worker.now());
    }
    await worker.useSettings(state, settings);
    for (const origin of before.origins) {
      if (scopeChanges || !settings.origins.includes(origin)) forgetSessions(state, origin);
    }
    return settings;
  });
}

/**
 * @param {ExtensionWorker} worker
 * @param {WorkerState} state
 * @param {any} message
 * @returns {Promise<import('../messages.js').State>}
 */
async function stateOf(worker, state, message) {
  const tab = await tabOf(message.tabId);
  const origin = exactOrigin(message.origin) ?? originOf(tab);
  const tabId = tab?.id ?? null;
  const enabled = origin !== null && state.settings.origins.includes(origin);
  const entry = enabled ? state.sessions.expire(state.keyOf(origin, tabId ?? -1), worker.now(), state.settings) : null;
  const session = entry?.current ?? null;
  const { queue } = state;
  return {
    tabId,
    origin,
    permitted: origin !== null && (await isPermitted(origin)),
    enabled,
    connected: origin !== null && tabId !== null && state.tabs.isLive(tabId, origin),
    session: session && { ...session },
    counts: { requests: 0, failedRequests: 0, errors: 0, events: 0, ...(session ? state.counts[session.id] : {}) },
    collector: state.collector,
    export: {
      queuedRecords: queue.state.records,
      queuedBytes: queue.state.bytes,
      queueBytesMax: QUEUE_BYTES_MAX,
      exportedRecords: queue.state.exportedRecords,
      droppedRecords: queue.state.droppedRecords,
      rejectedRecords: queue.state.rejectedRecords,
      ...state.exporting,
    },
    settings: state.settings,
  };
}

/**
 * @param {WorkerState} state
 * @param {string} origin
 */
function forgetSessions(state, origin) {
  for (const key of state.sessions.keysOf(origin)) state.sessions.forget(key);
}

/**
 * @param {unknown} tabId
 * @returns {Promise<chrome.tabs.Tab | null>}
 */
async function tabOf(tabId) {
  try {
    if (typeof tabId === 'number') return await chrome.tabs.get(tabId);
    return (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0] ?? null;
  } catch {
    return null;
  }
}

/**
 * @param {chrome.tabs.Tab | null} tab
 * @returns {string | null}
 */
function originOf(tab) {
  try {
    return exactOrigin(new URL(tab?.url ?? '').origin);
  } catch {
    return null;
  }
}

/**
 * @param {string} origin
 * @returns {Promise<boolean>}
 */
export async function isPermitted(origin) {
  return chrome.permissions.contains({ origins: [permissionPattern(origin)] });
}
