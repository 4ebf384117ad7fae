/** The extension's service worker: which of the browser's events goes where. Listeners must be there at once. */

import { answer } from './worker/answers.js';
import { EXPORT_ALARM } from './worker/export-loop.js';
import { EXPIRY_ALARM, ExtensionWorker } from './worker/extension-worker.js';
import { finishSwitchingOn } from './worker/switching-on.js';

const worker = new ExtensionWorker(() => Date.now());

chrome.runtime.onConnect.addListener((port) => worker.connect(port));

chrome.runtime.onMessage.addListener((message, sender, reply) => {
  // Web pages and content scripts have nothing to ask here: only the extension's own pages do.
  if (sender.id !== chrome.runtime.id || sender.origin !== location.origin) return false;
  answer(worker, message).then(
    (value) => reply({ ok: true, value }),
    (error) => reply({ ok: false, error: error instanceof Error ? error.message : String(error) }),
  );
  return true;
});

chrome.tabs.onCreated.addListener((tab) => {
  if (tab.id !== undefined) void worker.openTab(tab.id);
});
chrome.tabs.onRemoved.addListener((tabId) => void worker.closeTab(tabId));
chrome.tabs.onReplaced.addListener((added, removed) => {
  void worker.closeTab(removed);
  void worker.openTab(added);
});

chrome.alarms.onAlarm.addListener((alarm) => {
  if (alarm.name === EXPIRY_ALARM) void worker.expireSessions();
  if (alarm.name === EXPORT_ALARM) void worker.loop().then((loop) => loop.runNow());
});

chrome.permissions.onAdded.addListener(() => void finishSwitchingOn(worker));
chrome.permissions.onRemoved.addListener(() => void worker.dropOriginsWithoutPermission());

// Without a listener the worker would not be woken when the browser starts, and no rule would be there for its first
// page.
chrome.runtime.onStartup.addListener(() => void worker.ready);
chrome.runtime.onInstalled.addListener(() => void worker.ready);
