/** Trace context, redaction, times, and the look at what pages send. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CLOCK_DRIFT_MS, PageClock, unixNano } from '../../../extension/shared/clock.js';
import { SpanContexts, isSessionId, newSessionId, newSpanContext } from '../../../extension/shared/ids.js';
import { ATTRIBUTES_MAX, RECORD_AGE_MS_MAX, checkedRecord } from '../../../extension/shared/records.js';
import { Redactor, TEXT_CHARS_MAX } from '../../../extension/shared/redact.js';
import {
  TRACESTATE_CHARS_MAX,
  TRACESTATE_MEMBERS_MAX,
  parseTraceparent,
  prependTracestate,
  spanOfServerTiming,
} from '../../../extension/shared/trace-context.js';

const [TRACE, SPAN] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
const NOW = 1_795_000_000_000;

test('session-id:form: ids have their form, and nothing else is taken for one', () => {
  for (let time = 0; time < 100; time += 1) assert.ok(isSessionId(newSessionId()));
  for (const no of ['session-a7f8e3d9c1b2e4f6', `session-${'A'.repeat(32)}`, `${newSessionId()} `, '', null, 7]) {
    assert.equal(isSessionId(no), false);
  }
});

test('contexts of new traces, drawn many at a time, are never the same', () => {
  const contexts = new SpanContexts(3);
  const made = Array.from({ length: 10 }, () => contexts.next());
  for (const { traceId, spanId } of made) assert.match(`${traceId} ${spanId}`, /^[0-9a-f]{32} [0-9a-f]{16}$/);
  assert.equal(new Set(made.flatMap(({ traceId, spanId }) => [traceId, spanId])).size, 20);
});

test('traceparent: what W3C allows is read, everything else is not there', () => {
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN });
  assert.deepEqual(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-comes`), { traceId: TRACE, spanId: SPAN });
  const invalid = [`ff-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01-more`, `00-${'0'.repeat(32)}-${SPAN}-01`];
  for (const no of [...invalid, `00-${TRACE}-${'0'.repeat(16)}-01`, `00-${TRACE.toUpperCase()}-${SPAN}-01`, '', null]) {
    assert.equal(parseTraceparent(no), null, String(no));
  }
});

test('tracestate: ours first, an older one of ours replaced, within the limits of W3C', () => {
  assert.equal(prependTracestate('s', null), 'gasoline=s');
  assert.equal(prependTracestate('s', 'a=1 , gasoline=old,,b=2'), 'gasoline=s,a=1,b=2');
  const many = Array.from({ length: 40 }, (_, index) => `k${index}=1`).join(',');
  assert.equal(prependTracestate('s', many).split(',').length, TRACESTATE_MEMBERS_MAX);
  const long = `big=${'x'.repeat(200)},${'a=1,'.repeat(3)}huge=${'y'.repeat(400)},z=9`;
  assert.equal(prependTracestate('s', long), 'gasoline=s,a=1,a=1,a=1,z=9');
  const full = Array.from({ length: 10 }, (_, index) => `k${index}=${'v'.repeat(80)}`).join(',');
  assert.ok(prependTracestate('s', full).length <= TRACESTATE_CHARS_MAX);
  assert.match(prependTracestate('s', full), /^gasoline=s,k0=/);
});

test('the span that answered is read from Server-Timing', () => {
  const found = { traceId: TRACE, spanId: SPAN };
  assert.deepEqual(spanOfServerTiming(`traceparent;desc="00-${TRACE}-${SPAN}-01"`), found);
  assert.deepEqual(spanOfServerTiming(`db;dur=5, traceparent;desc=00-${TRACE}-${SPAN}-00`), found);
  for (const no of [null, '', 'db;dur=5', `xtraceparent;desc="00-${TRACE}-${SPAN}-01"`]) {
    assert.equal(spanOfServerTiming(no), null);
  }
});

const redactor = new Redactor();

test('urls lose what is secret and keep their keys', () => {
  const cases = {
    'https://user:word@shop.test/a?b=c': 'https://REDACTED:REDACTED@shop.test/a?b=c',
    'https://shop.test/?token=1&accessToken=2&X-Amz-Signature=3&q=shoes&API_KEY=4':
      'https://shop.test/?token=REDACTED&accessToken=REDACTED&X-Amz-Signature=REDACTED&q=shoes&API_KEY=REDACTED',
    'https://shop.test/cb#access_token=1': 'https://shop.test/cb#REDACTED',
    'https://shop.test/#/route': 'https://shop.test/#/route',
    'https://shop.test/reset/eyJhbGciOi.eyJzdWIiOi.c2ln/x': 'https://shop.test/reset/REDACTED/x',
    [`https://shop.test/invite/${TRACE}`]: 'https://shop.test/invite/REDACTED',
    'data:text/plain,secret': 'data:',
    'https://shop.test/?%74oken=1': 'https://shop.test/?%74oken=REDACTED',
    'https://shop.test/?user[password]=a&user%5Bpin%5D=1&filter[colour]=red':
      'https://shop.test/?user[password]=REDACTED&user%5Bpin%5D=REDACTED&filter[colour]=red',
    'https://shop.test/?password_confirmation=a&password1=b&q=1;token=c':
      'https://shop.test/?password_confirmation=REDACTED&password1=REDACTED&q=1;token=REDACTED',
    'https://shop.test/?next=%2Fx%3Ftoken%3Dabcdef&back=https%3A%2F%2Fshop.test%3Fpage%3D2':
      'https://shop.test/?next=REDACTED&back=https%3A%2F%2Fshop.test%3Fpage%3D2',
    [`https://shop.test/a;jsessionid=${TRACE};v=1?x=1`]: 'https://shop.test/a;jsessionid=REDACTED;v=1?x=1',
    'https://shop.test/?u=AKIAIOSFODNN7EXAMPLE&x=ghp_abcdefghijklmnop&card=4111111111111111&at=1795383378706':
      'https://shop.test/?u=REDACTED&x=REDACTED&card=REDACTED&at=1795383378706',
    'https://shop.test/pay/4111111111111111/x#/reset/ghp_abcdefghijklmnop':
      'https://shop.test/pay/REDACTED/x#/reset/REDACTED',
    'https://shop.test/?password=ab;Hunter2secret&q=1': 'https://shop.test/?password=REDACTED&q=1',
    'https://shop.test/?token=abc?def123': 'https://shop.test/?token=REDACTED',
    'https://shop.test/??token=abc?def123': 'https://shop.test/??token=REDACTED',
    'https://shop.test/?cookie=a=1;b=xyz&q=1': 'https://shop.test/?cookie=REDACTED&q=1',
    'https://shop.test/?q=1;token=abc;def;v=2?x': 'https://shop.test/?q=1;token=REDACTED;v=2?x',
    'https://shop.test/?next=%2Fcb%3Fcode%3DSplxlOBeZQ%26a%3Db': 'https://shop.test/?next=REDACTED',
    'https://shop.test/?tokens=hunter2secret&pass=4711': 'https://shop.test/?tokens=REDACTED&pass=REDACTED',
  };
  for (const [url, redacted] of Object.entries(cases)) {
    assert.equal(redactor.url(url), redacted);
    assert.equal(redactor.url(redacted), redacted, 'redacted once more');
  }
});

test('urls keep the numbers, searches and ids that only look like secrets', () => {
  for (const query of [
    'max_tokens=1000',
    'query=query($code:ID!){country(code:$code){name}}',
    'filter=%7B%22state%22:%22in%20progress%22%7D',
    'filter=%7B%22state%22:%7B%22cart%22:%7B%22items%22:3%7D%7D%7D',
    'q=state:Closed+label:bug',
    'next=%2Flist%3Fstate%3Dopen',
    // Both pass the check that card numbers pass.
    'v=20261129004358',
    'id=1234567890123456785',
  ]) {
    assert.equal(redactor.url(`https://shop.test/?${query}`), `https://shop.test/?${query}`);
  }
});

test('texts lose what has a form of a secret, and keep the rest', () => {
  const cases = {
    'Authorization: Bearer abcdef123456': 'Authorization: Bearer REDACTED',
    'token=abc123456 status=502': 'token=REDACTED status=502',
    '{"password":"hunter2","user":"ann"}': '{"password":"REDACTED","user":"ann"}',
    'card 4111 1111 1111 1111 declined': 'card REDACTED declined',
    'order 1234567890123 shipped': 'order 1234567890123 shipped',
    AKIAIOSFODNN7EXAMPLE: 'REDACTED',
    'postgres://ann:word@db/shop': 'postgres://REDACTED@db/shop',
    'GET https://shop.test/?token=x failed': 'GET https://shop.test/?token=REDACTED failed',
    'failed with code: 502': 'failed with code: 502',
    'state=loading': 'state=loading',
    'statusCode: 502, errorCode=ENOENT': 'statusCode: 502, errorCode=ENOENT',
    'login password=letmein': 'login password=REDACTED',
    'password: 12345-correct-horse': 'password: REDACTED',
    'code: 12345-correct-horse': 'code: REDACTED',
    '{"password":"letmein","pin":"4711","otp":"12345"}': '{"password":"REDACTED","pin":"REDACTED","otp":"REDACTED"}',
    '{"password":["hunter2","two"],"user":"ann"}': '{"password":[REDACTED],"user":"ann"}',
    '{"token":{"value":"hunter2"},"user":"ann"}': '{"token":{REDACTED},"user":"ann"}',
    '{"secret":"with \\" and blanks","user":"ann"}': '{"secret":"REDACTED","user":"ann"}',
    '{"body":"{\\"password\\":\\"a b\\",\\"user\\":\\"ann\\"}"}':
      '{"body":"{\\"password\\":\\"REDACTED\\",\\"user\\":\\"ann\\"}"}',
    'user[password]=letmein': 'user[password]=REDACTED',
    'Authorization: Token hunter2hunter2': 'Authorization: REDACTED REDACTED',
    'token: null, session: undefined': 'token: null, session: undefined',
    'POST /api/checkout failed: 502': 'POST /api/checkout failed: 502',
    [`password:${' '.repeat(9)}hunter2`]: `password:${' '.repeat(9)}REDACTED`,
    [`password${' '.repeat(9)}= hunter2`]: `password${' '.repeat(9)}= REDACTED`,
    'password=a]Xy7890': 'password=REDACTED',
    'password=hunter]2secret, next': 'password=REDACTED, next',
    'password=[]hunter2 next': 'password=[REDACTED next',
    'password={a}hunter2 next': 'password={REDACTED next',
    '[password=hunter2], [token=hunter2] next': '[password=REDACTED], [token=REDACTED] next',
    'login({"password":["hunter2"]}) failed': 'login({"password":[REDACTED]}) failed',
    'api_key=products, secretKey: products': 'api_key=REDACTED, secretKey: REDACTED',
    'code[token]=hunter': 'code[token]=REDACTED',
    '"state":"Xy7890 in"': '"state":"REDACTED"',
    '{"auth":{"password":"hunter2"}}': '{"auth":{"password":"REDACTED"}}',
    '{"tokens":["hunter2"],"pass":"4711"}': '{"tokens":[REDACTED],"pass":"REDACTED"}',
  };
  for (const [text, redacted] of Object.entries(cases)) {
    assert.equal(redactor.text(text), redacted);
    assert.equal(redactor.text(redacted), redacted, 'redacted once more');
  }
  const key = '-----BEGIN RSA PRIVATE ' + 'KEY-----\nabc\n-----END RSA PRIVATE ' + 'KEY-----';
  assert.equal(redactor.text(`before ${key} after`), 'before REDACTED after');
});

test('texts keep what only stands behind the name of a secret', () => {
  for (const text of [
    '[auth]: connected',
    '[session]: started',
    'state[0]=loading',
    '[state=loading][pid=3]: ready',
    'ERROR[code]: 502',
    'code2: 502',
    'state1=loading',
    '{"prompt_tokens":1234}',
    'pass: 120, fail: 3',
    'sort_key=price',
    'cacheKey: products',
    '"state":"New York"',
    '{"state":{"cart":{"items":3}}}',
    'state: {cart:{items:3}}',
  ]) {
    assert.equal(redactor.text(text), text);
  }
});

test('a text is kept up to its limit, and costs no more when it is huge', () => {
  assert.equal(redactor.text('x'.repeat(TEXT_CHARS_MAX)).length, TEXT_CHARS_MAX);
  const cut = redactor.text('x'.repeat(TEXT_CHARS_MAX + 1));
  assert.equal(cut.length, TEXT_CHARS_MAX);
  assert.ok(cut.endsWith('…'));
  assert.equal(redactor.text('a=b '.repeat(1_000_000)).length, TEXT_CHARS_MAX);
});

test('names that hold secrets', () => {
  for (const name of [
    'token',
    'csrf_token',
    'apiKey',
    'X-Api-Key',
    'PASSWORD',
    'newPassword',
    'sid',
    'X-Goog-Signature',
  ]) {
    assert.ok(redactor.isSecretName(name), name);
  }
  for (const name of ['page', 'q', 'monkey', 'status', 'author', 'keyboard', 'tokens_used']) {
    assert.equal(redactor.isSecretName(name), false, name);
  }
});

test('names that the person added hold secrets, too', () => {
  const added = new Redactor(['IBAN', 'orderNote', 'x-tenant.id']);
  for (const name of ['iban', 'customerIban', 'customer_IBAN', 'order-note', 'order.note', 'X_Tenant_Id', 'token']) {
    assert.ok(added.isSecretName(name), name);
  }
  for (const name of ['ibanity', 'note', 'id', 'tenant.id']) assert.equal(added.isSecretName(name), false, name);
  assert.equal(
    added.url('https://shop.test/?customerIban=DE12&q=1#order-note=x'),
    'https://shop.test/?customerIban=REDACTED&q=1#REDACTED',
  );
  // What the person named is taken out whatever it is; of what is known by itself, ordinary words stay.
  assert.equal(
    added.text('iban=open, state=open {"orderNote":"12345"}'),
    'iban=REDACTED, state=open {"orderNote":"REDACTED"}',
  );
  assert.equal(added.text(added.text('iban=open')), 'iban=REDACTED');
  added.use([]);
  assert.equal(added.text('iban=open'), 'iban=open');
});

test('times: nanoseconds exact to the microsecond, and a clock that follows the wall after sleep', () => {
  assert.equal(unixNano(1_795_383_378_706.7), '1795383378706699951');
  assert.equal(unixNano(0), '0');
  assert.equal(unixNano(1.9999999), '2000000');
  let [monotonic, wall] = [10, 1010];
  const clock = new PageClock(
    1000,
    () => monotonic,
    () => wall,
  );
  assert.equal(clock.now(), 1010);
  [monotonic, wall] = [20, 1020 + CLOCK_DRIFT_MS];
  assert.equal(clock.now(), 1020);
  [monotonic, wall] = [30, 1031 + CLOCK_DRIFT_MS + 5000];
  assert.equal(clock.now(), wall);
  monotonic += 5;
  wall += 5;
  assert.equal(clock.now(), wall);
  assert.equal(clock.at(monotonic), wall);
});

const log = (differences = {}) => ({
  kind: 'log',
  event: 'exception',
  time: NOW,
  severity: 17,
  attributes: {},
  ...differences,
});
const span = (differences = {}) => ({
  kind: 'span',
  name: 'GET',
  start: NOW,
  end: NOW + 5,
  ...newSpanContext(),
  attributes: {},
  ...differences,
});

test('records of a page: only known names, valid ids and times that can be', () => {
  assert.ok(checkedRecord(log(), NOW, redactor));
  assert.ok(checkedRecord(span(), NOW, redactor));
  const refused = [
    null,
    'text',
    {},
    log({ event: 'session.start' }),
    log({ time: NOW - RECORD_AGE_MS_MAX }),
    log({ time: Number.NaN }),
    span({ name: 'anything' }),
    span({ traceId: 'x' }),
    span({ spanId: '0'.repeat(16) }),
    span({ end: 'late' }),
  ];
  for (const record of refused) assert.equal(checkedRecord(record, NOW, redactor), null);
  assert.ok(checkedRecord(log({ time: NOW - RECORD_AGE_MS_MAX + 1 }), NOW, redactor));
  assert.equal(checkedRecord(span({ end: NOW - 5 }), NOW, redactor)?.end, NOW);
});

test('records of a page: unknown members go, values are bounded, secrets are taken out once more', () => {
  const attributes = {
    'url.full': 'https://shop.test/?token=x',
    'Bad Key': 1,
    nested: { a: 1 },
    'a.number': 2,
    'a.nan': Number.NaN,
    'a.flag': true,
    text: 'Bearer abcdef1234',
  };
  const checked = checkedRecord(
    log({ attributes, body: 'password=hunter2', severity: 99, more: 1, traceId: TRACE, spanId: SPAN }),
    NOW,
    redactor,
  );
  assert.deepEqual(checked, {
    kind: 'log',
    event: 'exception',
    time: NOW,
    severity: 9,
    body: 'password=REDACTED',
    traceId: TRACE,
    spanId: SPAN,
    attributes: {
      'url.full': 'https://shop.test/?token=REDACTED',
      'a.number': 2,
      'a.flag': true,
      text: 'Bearer REDACTED',
    },
  });
  const many = Object.fromEntries(Array.from({ length: ATTRIBUTES_MAX + 1 }, (_, index) => [`a${index}`, 1]));
  const kept = checkedRecord(log({ attributes: many }), NOW, redactor)?.attributes ?? {};
  assert.equal(Object.keys(kept).length, ATTRIBUTES_MAX);
});
