/** Who the worker listens to: what a connection is comes from the browser, never from the page. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { beforeEach, test } from 'node:test';

import { ExtensionWorker } from '../../../extension/worker/extension-worker.js';

const ORIGIN = 'http://shop.test';
const NOW = 1_795_000_000_000;
/** @type {any[]} */
let rules;
/** @type {ExtensionWorker} */
let worker;

beforeEach(async () => {
  rules = [];
  const area = (kept) => ({ get: async () => kept, set: async () => {}, remove: async () => {} });
  globalThis.chrome = /** @type {any} */ ({
    storage: { session: area({}), local: area({ settings: { origins: [ORIGIN] } }) },
    alarms: { create: async () => {}, clear: async () => {} },
    tabs: { query: async () => [{ id: 1 }] },
    scripting: {
      getRegisteredContentScripts: async () => [],
      unregisterContentScripts: async () => {},
      registerContentScripts: async () => {},
    },
    declarativeNetRequest: {
      getSessionRules: async () => [],
      updateSessionRules: async ({ addRules }) => void rules.push(...addRules),
    },
    runtime: { getManifest: () => ({ version: '1' }) },
  });
  Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'test', language: 'en' }, configurable: true });
  worker = new ExtensionWorker(() => NOW);
  await worker.ready;
});

/** @param {object} sender @param {string} [name] */
function connect(sender, name = 'page') {
  const port = {
    name,
    sender,
    told: /** @type {any[]} */ ([]),
    isCut: false,
    hear: /** @type {(message: any) => void} */ (() => {}),
    disconnect: () => void (port.isCut = true),
    postMessage: (message) => void port.told.push(message),
    onDisconnect: { addListener: () => {} },
    onMessage: { addListener: (listener) => void (port.hear = listener) },
  };
  worker.connect(/** @type {any} */ (port));
  return port;
}
const settled = () => worker.change(async (state) => state);

const STRANGERS = [
  { name: 'a sandboxed frame', sender: { origin: 'null', tab: { id: 1 }, frameId: 3 } },
  { name: 'no tab', sender: { origin: ORIGIN } },
  { name: 'another kind of connection', sender: { origin: ORIGIN, tab: { id: 1 }, frameId: 0 }, port: 'other' },
];

for (const { name, sender, port } of STRANGERS) {
  test(`not listened to: ${name}`, async () => {
    const before = rules.length;
    const connection = connect(sender, port);
    connection.hear({ type: 'connect', traceId: '', navigatedAt: NOW });
    await settled();
    assert.equal(connection.isCut, true);
    assert.deepEqual([connection.told, rules.length, worker.bridges.size], [[], before, 0]);
  });
}

test('it asks for nothing beyond this machine until the person allows it', async () => {
  const text = await readFile(new URL('../../../extension/manifest.json', import.meta.url), 'utf8');
  const { permissions, host_permissions: hosts, ...manifest } = JSON.parse(text);
  assert.deepEqual(permissions, [
    'activeTab',
    'alarms',
    'declarativeNetRequestWithHostAccess',
    'scripting',
    'storage',
  ]);
  const machine = ['127.0.0.1', 'localhost'];
  assert.deepEqual(hosts, ['http', 'ws'].flatMap((scheme) => machine.map((host) => `${scheme}://${host}/*`)));
  for (const name of ['content_scripts', 'web_accessible_resources', 'externally_connectable']) {
    assert.equal(name in manifest, false, name);
  }
});

test('a page of an origin that is off is told so, whatever it says that it is', async () => {
  const connection = connect({ origin: 'http://other.test', tab: { id: 1 }, frameId: 0, documentId: 'one' });
  connection.hear({ type: 'connect', origin: ORIGIN, traceId: '', navigatedAt: NOW });
  await settled();
  assert.ok(connection.told.length > 0);
  assert.ok(connection.told.every(({ type }) => type === 'off'), JSON.stringify(connection.told));
});

test('a page that is on is told its session, and the rules carry the same', async () => {
  const connection = connect({ origin: ORIGIN, tab: { id: 1 }, frameId: 0, documentId: 'one' });
  connection.hear({ type: 'connect', traceId: '', navigatedAt: NOW });
  await settled();
  const [{ configuration }] = connection.told.filter(({ type }) => type === 'configuration').slice(-1);
  const set = rules.flatMap(({ action }) => action.requestHeaders ?? []);
  const values = set.filter(({ header }) => header === 'x-session-id');
  assert.deepEqual(new Set(values.map(({ value }) => value)), new Set([configuration.session.id]));
});

test('a permission that is taken back ends the sessions of the origin, also where each tab has its own', async () => {
  Object.assign(chrome, { permissions: { contains: async () => false } });
  const state = await worker.change(async (living) => {
    living.settings = { ...living.settings, scope: 'tab' };
    living.sessions.touch(living.keyOf(ORIGIN, 1), NOW, living.settings);
    return living;
  });
  await worker.dropOriginsWithoutPermission();
  const { entries } = state.sessions;
  assert.deepEqual([state.settings.origins, entries[`${ORIGIN} 1`]?.current], [[], null]);
});
