/**
 * Finishes what a person began in the popup, which the browser closes to ask for the permission: as soon as that is
 * given, the origin is switched on.
 */

import { SET_ENABLED, SWITCHING_ON_KEY } from '../messages.js';
import { answer, isPermitted } from './answers.js';

/** For how long what was begun may be finished. */
export const SWITCHING_ON_MS_MAX = 120_000;

/**
 * Some permission was given; it need not be the one that was asked for.
 * @param {import('./extension-worker.js').ExtensionWorker} worker
 */
export async function finishSwitchingOn(worker) {
  const { [SWITCHING_ON_KEY]: wanted } = await chrome.storage.session.get(SWITCHING_ON_KEY);
  if (!wanted) return;
  const { origin, at } = /** @type {{ origin: string, at: number }} */ (wanted);
  const isOver = worker.now() - at > SWITCHING_ON_MS_MAX;
  if (!isOver && !(await isPermitted(origin))) return;
  await chrome.storage.session.remove(SWITCHING_ON_KEY);
  if (!isOver) await answer(worker, { type: SET_ENABLED, origin, enabled: true });
}
