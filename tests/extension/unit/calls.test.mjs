/** What fetch and XMLHttpRequest hand to the browser: the page's own call, but for our headers. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { wrapFetch } from '../../../extension/page/fetch.js';
import { captureNatives } from '../../../extension/page/natives.js';
import { wrapXhr } from '../../../extension/page/xhr.js';
import { RequestManager } from '../../../extension/request-manager.js';
import { unmarked } from '../../../extension/shared/marks.js';
import { Redactor } from '../../../extension/shared/redact.js';

const OWN = 'https://shop.test';
const OTHER = 'https://api.test';

/** What a page has from the browser and node has, too. */
const GLOBALS = [
  ...['Reflect', 'Proxy', 'Promise', 'JSON', 'Object', 'EventTarget', 'Event', 'CustomEvent', 'WeakMap', 'Symbol'],
  ...['DOMException', 'Headers', 'Response', 'URL', 'Date', 'crypto', 'performance'],
  ...['queueMicrotask', 'setTimeout', 'clearTimeout'],
];

/** Takes the place of the browser's own: says what it was asked, and tells what the test says. */
class FakeXhr {
  constructor() {
    this.state = { readyState: 0, status: 0, responseURL: '' };
    this.calls = [];
    this.listeners = [];
  }
  get readyState() {
    return this.state.readyState;
  }
  get status() {
    return this.state.status;
  }
  get responseURL() {
    return this.state.responseURL;
  }
  open(method, url) {
    this.calls.push(`open ${method} ${unmarked(url)}`);
    this.state = { readyState: 1, status: 0, responseURL: '' };
  }
  setRequestHeader(name) {
    this.calls.push(`header ${name}`);
  }
  send() {
    this.calls.push('send');
  }
  getAllResponseHeaders() {
    return '';
  }
  getResponseHeader() {
    return null;
  }
  /** As the browser does: to all that listen, ours first, until one says stop. */
  dispatch(type) {
    let isStopped = false;
    const event = { type, isTrusted: true, stopImmediatePropagation: () => (isStopped = true) };
    for (const [name, listener] of this.listeners) if (name === type && !isStopped) listener(event);
  }
}

/** @type {any} */
let window;
/** @type {any[]} the arguments of each native fetch */
let sent;
/** @type {() => Promise<Response>} */
let answer;
/** @type {any[]} */
let emitted;

beforeEach(() => {
  sent = [];
  emitted = [];
  answer = async () => new Response('');
  const XMLHttpRequest = class extends FakeXhr {};
  Object.defineProperties(XMLHttpRequest.prototype, Object.getOwnPropertyDescriptors(FakeXhr.prototype));
  const fetch = (/** @type {any[]} */ ...args) => (sent.push(args), answer());
  const Request = class extends globalThis.Request {};
  Object.defineProperties(Request.prototype, Object.getOwnPropertyDescriptors(globalThis.Request.prototype));
  const document = { baseURI: `${OWN}/shop/`, characterSet: 'UTF-8' };
  const given = Object.fromEntries(GLOBALS.map((name) => [name, globalThis[name]]));
  window = { ...given, Request, XMLHttpRequest, document, fetch };
  const addEventListener = function (/** @type {string} */ type, /** @type {any} */ listener) {
    this.listeners.push([type, listener]);
  };
  const natives = { ...captureNatives(window), addEventListener };
  let time = 0;
  const manager = new RequestManager({
    origin: OWN,
    sessionId: () => `session-${'a'.repeat(32)}`,
    page: () => null,
    now: () => (time += 1),
    monotonicNow: () => time,
    emit: (record) => emitted.push(record),
    onOwnTracing: () => {},
    onStray: () => {},
    isServed: () => false,
    redactor: new Redactor(),
  });
  wrapFetch(window, natives, manager);
  wrapXhr(window, natives, manager);
});

const failOnce = () => {
  const succeed = answer;
  answer = async () => {
    answer = succeed;
    throw new TypeError('Failed to fetch');
  };
};

test('calls that get no headers of ours keep theirs as they were given', async () => {
  const headers = { 'X-Second': '2', 'X-First': '1' };
  await window.fetch(OTHER, { headers });
  await window.fetch(OWN, { headers, mode: 'no-cors' });
  assert.deepEqual(
    sent.map(([, init]) => init.headers === headers),
    [true, true],
  );
  await window.fetch(OTHER, { headers: Object.entries(headers).values() });
  assert.deepEqual(
    [...sent[2][1].headers],
    [
      ['x-first', '1'],
      ['x-second', '2'],
    ],
    'what can be read once was read to see what is in it',
  );
});

test('headers that can be read once and are none are refused with what is wrong with them', async () => {
  await assert.rejects(window.fetch(OTHER, { headers: [['bad header', '1']].values() }), TypeError);
  assert.deepEqual(sent, []);
  const headers = [['bad header', '1']];
  await window.fetch(OTHER, { headers });
  assert.equal(sent[0][1].headers, headers, 'what can be read again is for the browser to refuse');
});

test('what is sent again has what the page had put where our headers were', async () => {
  const headers = { traceparent: 'unreadable', tracestate: 'own=1' };
  failOnce();
  await window.fetch(OWN, { headers });
  assert.equal(sent.length, 2);
  assert.deepEqual(Object.fromEntries(sent[1][1].headers), headers);
});

test('a Request keeps referrer and policy, unless it comes with an init that says anything', async () => {
  const request = new window.Request(`${OWN}/a`, { referrer: `${OWN}/from`, referrerPolicy: 'unsafe-url' });
  const written = new window.Request(`${OWN}/a`, {
    method: 'POST',
    referrer: `${OWN}/from`,
    referrerPolicy: 'unsafe-url',
  });
  for (const one of [request, written]) {
    for (const init of [undefined, null, {}, { unknown: 1 }, { cache: 'no-store' }]) await window.fetch(one, init);
  }
  const said = sent.map(([, init]) => [init?.referrer, init?.referrerPolicy]);
  const kept = [`${OWN}/from`, 'unsafe-url'];
  const dropped = [undefined, undefined];
  assert.deepEqual(said.slice(0, 5), [kept, kept, kept, kept, dropped], 'marked: at its address');
  assert.deepEqual(said.slice(5), [kept, kept, kept, kept, dropped], 'not marked: the Request itself');
});

const opened = (path) => {
  const xhr = new window.XMLHttpRequest();
  xhr.open('GET', path);
  xhr.send();
  return xhr;
};
const endings = () =>
  emitted
    .filter(({ kind }) => kind === 'span')
    .map(({ attributes }) => [attributes['http.response.status_code'], attributes['error.type']]);
const FIRST = ['header traceparent', 'header tracestate', 'send'];
const fail = (xhr) => {
  xhr.state = { readyState: 4, status: 0, responseURL: '' };
  for (const type of ['readystatechange', 'error', 'loadend']) xhr.dispatch(type);
};

test('an XMLHttpRequest that is sent again goes where it was opened for, wherever the page is now', () => {
  const xhr = opened('list');
  window.document.baseURI = `${OWN}/elsewhere/`;
  fail(xhr);
  assert.deepEqual(xhr.calls, ['open GET list', ...FIRST, `open GET ${OWN}/shop/list`, 'send']);
  window.document.characterSet = 'windows-1252';
  for (const [path, again] of [
    ['?ä', '?ä'],
    ['?a', `${OWN}/elsewhere/?a`],
  ]) {
    const other = opened(path);
    fail(other);
    assert.equal(other.calls.at(-2), `open GET ${again}`);
  }
});

test('an XMLHttpRequest that is used again where its load is heard is sent again like any', () => {
  const xhr = opened('/first');
  xhr.listeners.push(['load', () => (xhr.open('GET', '/away'), xhr.send())]);
  xhr.state = { readyState: 4, status: 200, responseURL: `${OWN}/first` };
  for (const type of ['readystatechange', 'load', 'loadend']) xhr.dispatch(type);
  fail(xhr);
  const again = ['open GET /away', ...FIRST, `open GET ${OWN}/away`, 'send'];
  assert.deepEqual(xhr.calls, ['open GET /first', ...FIRST, ...again]);
});

test('an XMLHttpRequest that is opened again is over: with its response, if that was there', () => {
  const xhr = opened('/first');
  xhr.state = { readyState: 4, status: 404, responseURL: `${OWN}/first` };
  xhr.open('GET', '/second');
  xhr.send();
  xhr.state = { readyState: 3, status: 200, responseURL: `${OWN}/second` };
  xhr.open('GET', '/third');
  assert.deepEqual(endings(), [
    [404, '404'],
    [undefined, 'AbortError'],
  ]);
});
