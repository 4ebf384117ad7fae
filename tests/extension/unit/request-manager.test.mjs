/** Requests: their ids, their headers, and what is told when they end. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { REQUESTS_MAX, RequestManager, UNTRACED_MAX } from '../../../extension/request-manager.js';
import { Redactor } from '../../../extension/shared/redact.js';
import { MARK, STAY_MARK, unmarked } from '../../../extension/shared/marks.js';

const SESSION = `session-${'a'.repeat(32)}`;
const OWN = 'https://shop.test';
/** @type {any[]} */
let emitted;
/** @type {string[]} */
let ownTracing;
/** @type {string[]} */
let strays;
let isServed = false;
/** @type {RequestManager} */
let manager;
/** @type {import('../../../extension/shared/ids.js').SpanContext | null} */
let page;
let time = 0;

beforeEach(() => {
  page = null;
  emitted = [];
  ownTracing = [];
  strays = [];
  time = 1000;
  isServed = false;
  manager = new RequestManager({
    origin: OWN,
    sessionId: () => SESSION,
    page: () => page,
    now: () => time,
    monotonicNow: () => time - 1000,
    emit: (record) => emitted.push(record),
    onOwnTracing: (origin) => ownTracing.push(origin),
    onStray: (address) => strays.push(address),
    isServed: () => isServed,
    redactor: new Redactor(),
  });
});

const begin = (method, url, headers = {}) => manager.begin(method, new URL(url), new Headers(headers));

test('risk:request-id-collision request-id:generated: ids are random, of the full length, and never the same', () => {
  const contexts = Array.from({ length: 2000 }, () => begin('GET', `${OWN}/`).context);
  for (const { traceId, spanId } of contexts) {
    assert.match(traceId, /^[0-9a-f]{32}$/);
    assert.match(spanId, /^[0-9a-f]{16}$/);
  }
  assert.equal(new Set(contexts.map(({ traceId }) => traceId)).size, 2000);
});

test('the own origin gets trace headers; X-Session-ID only where the rules are off', () => {
  const { headers, context } = begin('GET', `${OWN}/api`);
  assert.deepEqual(headers, {
    traceparent: `00-${context.traceId}-${context.spanId}-01`,
    tracestate: `gasoline=${SESSION}`,
  });
  manager.headerRules = false;
  assert.equal(begin('GET', `${OWN}/api`).headers['X-Session-ID'], SESSION);
});

test('other origins get nothing, but for exact ones that were allowed, and they never X-Session-ID', () => {
  manager.headerRules = false;
  manager.targets = new Set(['https://api.test']);
  assert.deepEqual(Object.keys(begin('GET', 'https://api.test/x').headers), ['traceparent', 'tracestate']);
  const refused = [
    'https://api.test:444/',
    'http://api.test/',
    'https://evil-api.test/',
    'https://api.test.evil/',
    'http://shop.test/',
  ];
  for (const url of [...refused, 'https://user:word@api.test/', 'https://user@shop.test/']) {
    assert.deepEqual(begin('GET', url).headers, {}, url);
  }
});

test("the page's own traceparent is adopted, its tracestate kept behind ours; an invalid one is replaced", () => {
  const own = { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`, tracestate: 'vendor=1' };
  const request = begin('GET', `${OWN}/`, own);
  assert.deepEqual(request.context, { traceId: '1'.repeat(32), spanId: '2'.repeat(16) });
  assert.deepEqual(request.headers, { tracestate: `gasoline=${SESSION},vendor=1` });
  for (const url of [`${OWN}/again`, 'https://api.test/', 'https://api.test/again']) begin('GET', url, own);
  assert.deepEqual(ownTracing, [OWN, 'https://api.test'], 'each is told once');
  assert.ok(begin('GET', `${OWN}/`, { traceparent: '00-0-0-01' }).headers['traceparent']);
});

test('request-id:response-mapping: a response, a redirect, a failure, an abort, an error status', () => {
  const end = (ending, url = `${OWN}/api?token=abcdef#top`) => {
    const request = begin('post', url);
    time += 25;
    manager.end(request, ending);
    manager.end(request, { status: 200 });
    return emitted.splice(0);
  };
  const [span, ...more] = end({ status: 201, responseUrl: `${OWN}/api?token=abcdef` });
  assert.deepEqual(more, []);
  assert.deepEqual(
    { ...span, traceId: '', spanId: '' },
    {
      kind: 'span',
      name: 'POST',
      start: 1000,
      end: 1025,
      traceId: '',
      spanId: '',
      sessionId: SESSION,
      attributes: {
        'http.request.method': 'POST',
        'url.full': `${OWN}/api?token=REDACTED#top`,
        'server.address': 'shop.test',
        'server.port': 443,
        'http.response.status_code': 201,
      },
    },
  );
  const told = (ending) =>
    end(ending).map(({ error = false, attributes }) => [
      error,
      attributes['error.type'],
      attributes['http.response.status_code'],
    ])[0];
  assert.deepEqual(told({ status: 404 }), [true, '404', 404]);
  assert.deepEqual(told({ status: 500 }), [true, '500', 500]);
  assert.deepEqual(told({ status: 399 }), [false, undefined, 399]);
  assert.deepEqual(told({ error: 'TypeError' }), [true, 'TypeError', undefined]);
  assert.deepEqual(told({ error: 'AbortError' }), [false, 'AbortError', undefined]);
  assert.equal(
    end({ status: 200, responseUrl: 'https://cdn.test/x?sig=1' })[0].attributes['gasoline.response.url'],
    'https://cdn.test/x?sig=REDACTED',
  );
  const answered = { traceId: '3'.repeat(32), spanId: '4'.repeat(16) };
  const serverTiming = `db;dur=3, traceparent;desc="00-${answered.traceId}-${answered.spanId}-01"`;
  assert.deepEqual(end({ status: 200, serverTiming })[0].links, [answered]);
});

test('what reads from the own origin has a mark, unless a service worker would see it', () => {
  const marks = (method, url) =>
    [false, true].map((mayRepeat) => {
      const { origin } = new URL(url);
      return manager.markOf({ method, url: new URL(url), origin }, mayRepeat);
    });
  assert.deepEqual(marks('GET', `${OWN}/a?b#c`), [MARK, STAY_MARK]);
  assert.deepEqual(marks('HEAD', `${OWN}/`), [MARK, STAY_MARK]);
  assert.deepEqual(marks('POST', `${OWN}/`), ['', '']);
  assert.deepEqual(marks('GET', 'https://api.test/'), ['', '']);
  assert.deepEqual(marks('GET', 'https://user@shop.test/'), ['', '']);
  isServed = true;
  assert.deepEqual(marks('GET', `${OWN}/`), ['', '']);
  for (const url of [`${OWN}/a`, `${OWN}/a#part`, '']) {
    assert.deepEqual([url, url + MARK, url + STAY_MARK].map(unmarked), [url, url, url]);
  }
});

test('an address whose redirect took headers to another origin gets none any more', () => {
  manager.targets = new Set(['https://api.test']);
  const end = (url, responseUrl) => manager.end(begin('POST', url), { status: 200, responseUrl });
  end(`${OWN}/away?1`, 'https://evil-api.test/x');
  end(`${OWN}/away?2`, 'https://evil-api.test/x');
  end(`${OWN}/allowed`, 'https://api.test/x');
  end(`${OWN}/home`, `${OWN}/landed`);
  const told = emitted.filter(({ event }) => event === 'gasoline.propagation.fallback');
  assert.deepEqual(
    told.map(({ attributes }) => attributes),
    [{ 'url.full': `${OWN}/away?1` }],
  );
  manager.giveUpOn(begin('GET', `${OWN}/read`), 'https://evil-api.test/x');
  manager.giveUpOn(begin('GET', 'https://api.test/closed'), 'https://api.test/closed');
  assert.deepEqual(strays, [`${OWN}/away`, `${OWN}/read`], 'other pages are told of redirects alone');
  const count = (path) => Object.keys(begin('POST', OWN + path).headers).length;
  assert.deepEqual(['/away', '/allowed', '/home', '/read', '/told'].map(count), [0, 2, 2, 0, 2]);
  manager.avoid([`${OWN}/told`]);
  assert.equal(count('/told'), 0);
});

test('what is in flight when the page goes is told once', () => {
  begin('GET', `${OWN}/one`);
  manager.end(begin('GET', `${OWN}/two`), { status: 200 });
  manager.endAll();
  manager.endAll();
  assert.deepEqual(
    emitted.map(({ attributes }) => attributes['gasoline.incomplete'] ?? false),
    [false, true],
  );
});

test('a method that HTTP does not know is _OTHER', () => {
  manager.end(begin('steal', `${OWN}/`), { status: 200 });
  assert.equal(emitted[0].name, '_OTHER');
});

test('a timing finds its request: the last one of that address that had begun, each once', () => {
  const first = begin('GET', `${OWN}/a#x`);
  time += 10;
  const second = begin('GET', `${OWN}/a`);
  assert.equal(manager.requestOf(`${OWN}/b`, 50), null);
  assert.equal(manager.requestOf(`${OWN}/a`, 0), first);
  assert.equal(manager.requestOf(`${OWN}/a`, 0), null);
  assert.equal(manager.requestOf(`${OWN}/a#x`, 10), second);
});

test('a timing belongs to the last request before it, or to the one whose trace its server names', () => {
  const [calledOff, slow, quick] = Array.from({ length: 3 }, () => {
    time += 10;
    return begin('GET', `${OWN}/a`);
  });
  assert.equal(manager.requestOf(`${OWN}/a`, 35, null), quick, 'the later one is answered first');
  assert.equal(manager.requestOf(`${OWN}/a`, 25, null), slow, 'one that was never sent takes no timing of others');
  assert.equal(manager.requestOf(`${OWN}/a`, 5, null), null);
  assert.equal(manager.requestOf(`${OWN}/a`, 15, null), calledOff);
  const atOnce = [begin('GET', `${OWN}/b`), begin('GET', `${OWN}/b`)];
  const spanId = '7'.repeat(16);
  for (const request of atOnce) {
    assert.equal(manager.requestOf(`${OWN}/b`, 99, { traceId: request.context.traceId, spanId }), request);
  }
});

test('what may bear no headers has the trace of the page load where a rule sets that, else one of its own', () => {
  page = { traceId: '5'.repeat(32), spanId: '6'.repeat(16) };
  const bare = (method, url, headers = {}) => manager.begin(method, new URL(url), new Headers(headers), true);
  const read = bare('GET', `${OWN}/a`, { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` });
  manager.end(read, {});
  const { traceId, spanId, parentSpanId } = emitted[0];
  assert.deepEqual([traceId, parentSpanId, read.headers, ownTracing], [page.traceId, page.spanId, {}, []]);
  assert.notEqual(spanId, page.spanId);
  const others = [bare('POST', `${OWN}/a`), bare('GET', 'https://api.test/')];
  isServed = true;
  others.push(bare('GET', `${OWN}/a`));
  isServed = false;
  begin('GET', `${OWN}/a`, { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` });
  others.push(bare('GET', `${OWN}/a`));
  for (const { context, parentSpanId: parent } of others) {
    assert.deepEqual([context.traceId === page.traceId, parent], [false, undefined]);
  }
});

test('an address that did not bear our headers is left alone, in bounded number', () => {
  manager.targets = new Set(['https://api.test']);
  const giveUpOn = (path) => manager.giveUpOn(begin('GET', `https://api.test${path}`), `https://api.test${path}`);
  for (let number = 0; number <= UNTRACED_MAX; number += 1) giveUpOn(`/${number}?x=1`);
  assert.deepEqual(begin('GET', 'https://api.test/0?y=2').headers, {});
  assert.notDeepEqual(begin('GET', `https://api.test/${UNTRACED_MAX}`).headers, {});
  assert.equal(emitted[0].event, 'gasoline.propagation.fallback');
});

test('on the own origin only a redirect elsewhere is due to our headers: a failure of the network is no reason', () => {
  const giveUp = (path, responseUrl, isRedirected = false) => {
    manager.giveUpOn(begin('GET', OWN + path), responseUrl, isRedirected);
    return [Object.keys(begin('GET', OWN + path).headers).length, emitted.at(-1).body];
  };
  const failed = 'the request failed, and was sent again without trace headers';
  assert.deepEqual(giveUp('/flaky#part', `${OWN}/flaky`), [2, failed]);
  const refused = 'the server did not allow trace headers: the request was sent again without them';
  assert.deepEqual(giveUp('/away', 'https://cdn.test/'), [0, refused]);
  assert.deepEqual(giveUp('/there-and-back', `${OWN}/landed`), [0, refused]);
  assert.deepEqual(giveUp('/signed-in', `${OWN}/signed-in`, true), [0, refused]);
  assert.deepEqual(strays, [`${OWN}/away`]);
});

test('one more request than are remembered: the oldest goes', () => {
  for (let number = 0; number <= REQUESTS_MAX; number += 1) begin('GET', `${OWN}/${number}`);
  assert.equal(manager.inFlight.size, REQUESTS_MAX);
  assert.deepEqual(
    emitted.map(({ attributes }) => [attributes['url.full'], attributes['gasoline.incomplete']]),
    [[`${OWN}/0`, true]],
  );
  assert.equal(manager.recent.length, REQUESTS_MAX);
  assert.equal(manager.requestOf(`${OWN}/0`, 0), null);
});
