/** The form of the options as settings, and what it says of what is wrong. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { changedFields, formFields, readForm } from '../../extension/options/form.js';
import {
  DEFAULT_SETTINGS,
  ORIGINS_MAX,
  REDACTED_NAMES_MAX,
  REDACTED_NAME_CHARS_MAX,
  SESSION_MS_MAX,
  changedSettings,
} from '../../extension/worker/settings.js';
import { settings } from './states.mjs';

const FIELDS = {
  endpoint: 'http://127.0.0.1:4318',
  queryEndpoint: 'http://127.0.0.1:4319',
  token: '',
  scope: 'origin',
  idleTimeoutMs: '30',
  maxAgeMs: '240',
  targets: '',
  redactedNames: '',
};

test('settings become fields and the same settings again', () => {
  const wanted = {
    endpoint: 'https://collector.example:4318',
    queryEndpoint: 'http://[::1]:4319',
    token: 'secret-token',
    scope: 'tab',
    idleTimeoutMs: 1000,
    maxAgeMs: SESSION_MS_MAX,
    targets: ['https://api.shop.example', 'http://localhost:8080'],
    redactedNames: ['iban', 'x-tenant.id'],
  };
  assert.deepEqual(readForm(formFields({ ...settings, ...wanted })), { settings: wanted, errors: {} });
});

test('the form offers the defaults, and the worker takes what the form reads', () => {
  assert.deepEqual(formFields(DEFAULT_SETTINGS), FIELDS);
  const { settings: read, errors } = readForm({ ...FIELDS, targets: 'https://api.shop.example' });
  assert.deepEqual(errors, {});
  const taken = changedSettings(DEFAULT_SETTINGS, read);
  assert.deepEqual(taken, { ...DEFAULT_SETTINGS, targets: ['https://api.shop.example'] });
});

test('blanks, capitals, a final slash, default ports and repeated lines are forgiven', () => {
  const { settings: read, errors } = readForm({
    ...FIELDS,
    endpoint: ' HTTP://LocalHost:80/ ',
    token: ' abc ',
    idleTimeoutMs: ' 1,5 ',
    targets: '\n https://API.shop.example/ \n\nhttps://api.shop.example:443\nhttp://b.example\n',
  });
  assert.deepEqual(errors, {});
  assert.deepEqual(
    [read.endpoint, read.token, read.idleTimeoutMs, read.targets],
    ['http://localhost', 'abc', 90_000, ['https://api.shop.example', 'http://b.example']],
  );
});

const SCHEME = 'Write it with http:// or https://, such as http://127.0.0.1:4318';
const EXACT = 'Write one exact host and port with nothing before or after, such as http://127.0.0.1:4318';
const MINUTES = 'Give minutes, from 0.02 to 43200.';
const WRONG = [
  ['endpoint', '', SCHEME],
  ['endpoint', '127.0.0.1:4318', SCHEME],
  ['endpoint', 'ftp://127.0.0.1', SCHEME],
  ['endpoint', 'http://127.0.0.1:4318/v1/traces', EXACT],
  ['queryEndpoint', 'http://me:secret@127.0.0.1:4319', EXACT],
  ['queryEndpoint', 'http://127.0.0.1:4319?a=1', EXACT],
  ['token', 'two words', 'A token has no blanks, and no letters beyond ASCII.'],
  ['token', 'schlüssel', 'A token has no blanks, and no letters beyond ASCII.'],
  ['idleTimeoutMs', '', MINUTES],
  ['idleTimeoutMs', '-1', MINUTES],
  ['idleTimeoutMs', '0.001', MINUTES],
  ['idleTimeoutMs', '1e3', MINUTES],
  ['maxAgeMs', '43201', MINUTES],
  ['maxAgeMs', '29', 'Give at least the time without use.'],
  [
    'targets',
    'https://a.example\nhttps://*.example',
    'https://*.example: Write one exact host and port with nothing before or after, such as https://api.shop.example',
  ],
  ['targets', 'api', 'api: Write it with http:// or https://, such as https://api.shop.example'],
];

for (const [name, text, error] of WRONG) {
  test(`what is wrong is told beside its field: ${name} ${JSON.stringify(text)}`, () => {
    assert.deepEqual(readForm({ ...FIELDS, [name]: text }).errors, { [name]: error });
  });
}

test('a list of origins has a limit', () => {
  const lines = (amount) => Array.from({ length: amount }, (_, index) => `https://a${index}.example`).join('\n');
  assert.deepEqual(readForm({ ...FIELDS, targets: lines(ORIGINS_MAX) }).errors, {});
  assert.deepEqual(readForm({ ...FIELDS, targets: lines(ORIGINS_MAX + 1) }).errors, {
    targets: `List at most ${ORIGINS_MAX}; these are ${ORIGINS_MAX + 1}.`,
  });
});

test('names to black out: one a line, each once, within limits', () => {
  const read = (text) => {
    const { settings: formed, errors } = readForm({ ...FIELDS, redactedNames: text });
    return errors.redactedNames ?? formed.redactedNames;
  };
  const lines = (amount) => Array.from({ length: amount }, (_, index) => `name${index}`).join('\n');
  const longest = 'n'.repeat(REDACTED_NAME_CHARS_MAX);
  assert.deepEqual(read(' iban\n\niban\nx-tenant.id'), ['iban', 'x-tenant.id']);
  assert.deepEqual(read(longest), [longest]);
  const fault = `Letters, digits, _ - and . make a name, at most ${REDACTED_NAME_CHARS_MAX}.`;
  assert.equal(read(`${longest}n`), `${longest}n: ${fault}`);
  assert.equal(read('two words'), `two words: ${fault}`);
  assert.equal(read(lines(REDACTED_NAMES_MAX)).length, REDACTED_NAMES_MAX);
  assert.equal(
    read(lines(REDACTED_NAMES_MAX + 1)),
    `List at most ${REDACTED_NAMES_MAX}; these are ${REDACTED_NAMES_MAX + 1}.`,
  );
  for (const wrong of ['iban', ['two words'], [`${longest}n`], Array(REDACTED_NAMES_MAX + 1).fill('iban')]) {
    assert.throws(() => changedSettings(DEFAULT_SETTINGS, { redactedNames: wrong }), /redactedNames/);
  }
});

test('each fault is told at once', () => {
  const { errors } = readForm({ ...FIELDS, endpoint: 'x', token: 'a b', maxAgeMs: 'never' });
  assert.deepEqual(Object.keys(errors), ['endpoint', 'token', 'maxAgeMs']);
});

test('only what the person changed is sent: another window may have changed the rest', () => {
  const filled = formFields(settings);
  const changed = (differences) => {
    const fields = { ...filled, ...differences };
    return changedFields(readForm(fields).settings, fields, filled);
  };
  assert.deepEqual(changed({}), {});
  assert.deepEqual(changed({ redactedNames: 'iban', scope: 'tab' }), { redactedNames: ['iban'], scope: 'tab' });
  assert.deepEqual(changed({ idleTimeoutMs: '10' }), { idleTimeoutMs: 600_000, maxAgeMs: settings.maxAgeMs });
});
