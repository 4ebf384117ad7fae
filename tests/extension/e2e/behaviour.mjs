/** What pages do with requests. Run with the extension and without. */

/**
 * Runs in the page: each act's outcome, as the page sees it.
 * @param {[string, string]} given the other origin, and the script of a worker
 * @returns {Promise<Record<string, unknown>>}
 */
export async function act([other, blobWorker]) {
  const outcomes = {};
  const run = async (name, work) => {
    try {
      outcomes[name] = await work();
    } catch (error) {
      outcomes[name] = `${error.name}: ${error.message}`;
    }
  };
  const text = (response) => response.text();
  const shape = (response) => [response.status, response.type, response.redirected, new URL(response.url).pathname];
  await run('shape of fetch', () => [
    [fetch.name, fetch.length],
    [fetch, XMLHttpRequest.prototype.send, console.log].map((one) =>
      /^function \w* ?\(\) \{ \[native code\] \}$/.test(String(one)),
    ),
  ]);
  await run('string', () => fetch('/echo').then(text));
  await run('url', () => fetch(new URL('/echo', location.href)).then(text));
  await run('object', () => {
    let reads = 0;
    const address = { toString: () => `/echo?${(reads += 1)}` };
    return fetch(address)
      .then(text)
      .then((said) => [said, reads]);
  });
  await run('request', () => fetch(new Request('/echo', { method: 'PUT', body: 'body' })).then(text));
  await run('request and init', () =>
    fetch(new Request('/echo', { method: 'POST', body: 'old' }), { body: 'new' }).then(text),
  );
  await run('request as init', () => fetch('/echo', new Request('/else', { method: 'DELETE' })).then(text));
  await run('used request', async () => {
    const request = new Request('/echo', { method: 'POST', body: 'x' });
    await fetch(request);
    return [request.bodyUsed, await fetch(request).then(text)];
  });
  await run('headers', async () => {
    const init = { headers: { 'x-own': '1' } };
    await fetch('/echo', init);
    return [JSON.stringify(init), await fetch(`${other}/simple`, { headers: { accept: 'a/b' } }).then(text)];
  });
  await run('reused init', async () => {
    const init = { headers: { accept: 'a/b' } };
    await fetch('/echo', init);
    return [await fetch(`${other}/reused`, init).then(text), Object.keys(init.headers)];
  });
  await run('address changed after the call', async () => {
    const address = new URL('/away', location.href);
    const sent = [1, 2, 3].map((page) => (address.searchParams.set('page', page), fetch(address).then(text)));
    return Promise.all(sent);
  });
  await run('init changed after the call', async () => {
    const changed = async (before, change) => {
      const init = { ...before };
      const sent = fetch('/away', init);
      change(init);
      return sent.then(text);
    };
    return [
      await changed({}, (init) => (init.method = 'DELETE')),
      await changed({ method: 'GET' }, (init) => Object.assign(init, { method: 'POST', body: 'x' })),
      await changed({ headers: { accept: 'a/1' } }, (init) => (init.headers.accept = 'a/2')),
      await changed({ headers: new Headers({ accept: 'a/1' }) }, ({ headers }) => headers.set('accept', 'a/2')),
    ];
  });
  await run('request changed after the call', async () => {
    const request = new Request('/away', { headers: { accept: 'a/1' } });
    const sent = fetch(request);
    request.headers.set('accept', 'a/2');
    return sent.then(text);
  });
  await run('headers that can be read once', async () => {
    const entries = () => new Map([['accept', 'a/b']]).entries();
    const targets = ['/echo', `${other}/simple`, new Request(`${other}/simple`)];
    return Promise.all(targets.map((target) => fetch(target, { headers: entries() }).then(text)));
  });
  await run('init asked once', async () => {
    const reads = [];
    const said = { method: 'GET', mode: 'cors', headers: {} };
    const get = (/** @type {any} */ of, /** @type {string} */ name) => {
      if (name in of) reads.push(name);
      return of[name];
    };
    for (const address of ['/away', `${other}/simple`]) await fetch(address, new Proxy(said, { get }));
    return reads.sort();
  });
  await run('symbol', () => fetch(Symbol('address')));
  await run('frozen init', () => fetch('/echo', Object.freeze({ method: 'POST', body: 'frozen' })).then(text));
  await run('frozen headers', () =>
    fetch('/echo', Object.freeze({ headers: Object.freeze({ accept: 'a/b' }) })).then(text),
  );
  await run('init that is none', () => fetch('/echo', 7));
  await run('whole request', async () => {
    const init = { credentials: 'omit', cache: 'no-store', referrer: '/referrer', referrerPolicy: 'unsafe-url' };
    const request = new Request('/whole', { ...init, keepalive: true, headers: { accept: 'a/b' } });
    const response = await fetch(request);
    return [await response.text(), request.url === `${location.origin}/whole`, request.bodyUsed];
  });
  await run('request shape', () => {
    class Own extends Request {
      twice = 2;
    }
    const made = [new Request('/echo'), new Own('/echo', { priority: 'low' })];
    return [
      made.map((one) => [one instanceof Request, one instanceof Own, one.constructor.name, one.url === made[0].url]),
      [Request.name, Request.length, Request.prototype.clone.name, made[1].twice, made[0].constructor === Request],
      made[0].clone() instanceof Request,
    ];
  });
  await run('request made of what is read once', () => {
    const reads = [];
    const init = new Proxy({ method: 'HEAD', priority: 'low' }, { get: (of, name) => (reads.push(name), of[name]) });
    return [new Request('/echo', init).method, reads];
  });
  await run('request without new', () => Request('/echo'));
  await run('request of nothing', () => new Request());
  await run('request of bad init', () => new Request('/echo', 7));
  await run('request of bad priority', () => new Request('/echo', { priority: 'bad' }));
  await run('request that asks for a token', () =>
    fetch(new Request('/echo', { privateToken: { version: 1, operation: 'token-request' } })),
  );
  await run('aborted request', () => {
    const controller = new AbortController();
    const promise = fetch(new Request('/never', { signal: controller.signal }));
    controller.abort('enough');
    return promise.catch((reason) => reason);
  });
  await run('request with integrity', () => fetch(new Request('/echo', { integrity: `sha256-${'A'.repeat(43)}=` })));
  await run('fragment', () => fetch('/echo#part').then(shape));
  await run('redirect with fragment', () => fetch('/around-fragment').then(shape));
  await run('head', () => fetch('/echo', { method: 'HEAD' }).then(shape));
  await run('bad header', () => fetch('/echo', { headers: { 'bad header': '1' } }));
  await run('bad url', () => fetch('http://'));
  await run('no arguments', () => fetch());
  await run('missing', () => fetch('/missing').then(shape));
  await run('around', () => fetch('/around').then(shape));
  await run('away', () => fetch('/away').then(shape));
  await run('away with body', () => fetch('/away-open').then(shape));
  await run('redirect error', () => fetch('/around', { redirect: 'error' }));
  await run('redirect manual', () => fetch('/around', { redirect: 'manual' }).then((response) => response.type));
  await run('no-cors', () => fetch(`${other}/no-cors`, { mode: 'no-cors' }).then((response) => response.type));
  await run('broken', () => fetch('/broken'));
  await run('data', () => fetch('data:text/plain,data').then(text));
  await run('blob', () => fetch(URL.createObjectURL(new Blob(['blob']))).then(text));
  await run('keepalive', () => fetch('/echo', { method: 'POST', body: 'k', keepalive: true }).then(text));
  await run('aborted', () => {
    const controller = new AbortController();
    const promise = fetch('/never', { signal: controller.signal });
    controller.abort();
    return promise;
  });
  await run('aborted with reason', () =>
    fetch('/never', { signal: AbortSignal.abort('why') }).catch((reason) => reason),
  );
  await run('stream', async () => {
    const response = await fetch('/stream');
    const isLocked = response.body.locked;
    return [isLocked, response.bodyUsed, await response.text()];
  });
  await run('cancelled stream', async () => {
    const reader = (await fetch('/stream')).body.getReader();
    await reader.cancel();
    return reader.closed.then(() => 'closed');
  });
  await run('unhandled', async () => {
    const heard = new Promise((resolve) => {
      addEventListener('unhandledrejection', (event) => (event.preventDefault(), resolve(event.reason.name)), {
        once: true,
      });
    });
    void fetch('http://');
    return heard;
  });
  await run('credentials', () => fetch(`http://user:word@${location.host}/echo`));
  await run('beacon', () => navigator.sendBeacon('/beacon', 'b'));
  await run(
    'worker',
    () => new Promise((resolve) => (new Worker('/worker.js').onmessage = ({ data }) => resolve(data))),
  );
  await run('blob worker', () => {
    const url = URL.createObjectURL(new Blob([blobWorker], { type: 'text/javascript' }));
    return new Promise((resolve) => (new Worker(url).onmessage = ({ data }) => resolve(data)));
  });
  await run(
    'shared worker',
    () =>
      new Promise((resolve) => (new SharedWorker('/shared-worker.js').port.onmessage = ({ data }) => resolve(data))),
  );
  await run(
    'event source',
    () =>
      new Promise((resolve) => {
        const source = new EventSource('/events');
        source.onmessage = ({ data }) => (source.close(), resolve([data, source.url === `${location.origin}/events`]));
      }),
  );
  const xhr = (method, url, prepare = () => {}) =>
    new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const events = [];
      for (const type of ['loadstart', 'load', 'error', 'abort', 'timeout', 'loadend']) {
        request.addEventListener(type, () => {
          events.push(type);
          if (type === 'loadend') resolve([events.join(' '), request.status, request.responseText]);
        });
      }
      request.open(method, url);
      prepare(request);
      request.send(method === 'GET' ? null : 'sent');
    });
  await run('xhr', () => xhr('POST', '/echo'));
  await run('xhr tracestate', () =>
    xhr('GET', '/xhr-state', (request) => {
      request.setRequestHeader('tracestate', 'own=1');
      request.setRequestHeader('tracestate', 'two=2');
    }),
  );
  await run('xhr elsewhere', () => xhr('GET', `${other}/xhr`));
  await run('xhr aborted', () => xhr('GET', '/never', (request) => queueMicrotask(() => request.abort())));
  await run('xhr timeout', () => xhr('GET', '/never', (request) => (request.timeout = 50)));
  await run('xhr not open', () => new XMLHttpRequest().setRequestHeader('traceparent', 'x'));
  const story = (path, prepare) =>
    new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const told = [];
      request.onreadystatechange = () => told.push(`state ${request.readyState} ${request.status}`);
      prepare(request);
      for (const type of ['loadstart', 'load', 'error', 'abort', 'timeout', 'loadend']) {
        request[`on${type}`] = () => {
          told.push(type);
          if (type === 'loadend') resolve([...new Set(told), request.responseType, typeof request.response]);
        };
      }
      request.open('GET', path);
      request.setRequestHeader('accept', 'a/b');
      request.send();
    });
  for (const path of ['/away', '/around', '/broken', '/missing']) {
    await run(`xhr story ${path}`, () => story(path, (request) => (request.responseType = 'blob')));
  }
  await run('xhr story timeout', () => story('/never', (request) => (request.timeout = 50)));
  await run('xhr story abort', () => story('/never', (request) => setTimeout(() => request.abort(), 50)));
  await run('xhr shape', () => {
    class Own extends XMLHttpRequest {
      twice = 2;
    }
    const made = [new XMLHttpRequest(), new Own()];
    return [
      made.map((one) => [one instanceof XMLHttpRequest, one instanceof Own, one.constructor.name, one.readyState]),
      [XMLHttpRequest.name, XMLHttpRequest.length, XMLHttpRequest.DONE, made[1].twice],
      [made[0].constructor === XMLHttpRequest, Object.getPrototypeOf(Own) === XMLHttpRequest],
      Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, 'constructor').enumerable,
    ];
  });
  await run('xhr without new', () => XMLHttpRequest());
  await run('xhr used again', async () => {
    const request = new XMLHttpRequest();
    const statuses = [];
    for (const path of ['/broken', '/echo', '/away', '/echo']) {
      request.open('GET', path);
      await new Promise((resolve) => {
        request.onloadend = resolve;
        request.send();
      });
      statuses.push(request.status);
    }
    return statuses;
  });
  await run('xhr with getters and events of the page', async () => {
    const request = new XMLHttpRequest();
    const told = [];
    const failed = ({ message }) => told.push(message);
    addEventListener('error', failed);
    Object.defineProperty(request, 'readyState', { get: () => { throw new Error('mine'); } });
    Object.defineProperty(request, 'status', { get: () => told.push('status') });
    request.open('GET', '/echo');
    for (const type of ['error', 'load']) request.addEventListener(type, () => told.push(type));
    await new Promise((resolve) => {
      request.onloadend = resolve;
      request.send();
      for (const type of ['readystatechange', 'error']) request.dispatchEvent(new Event(type));
    });
    removeEventListener('error', failed);
    return told;
  });
  await run('xhr address', () => {
    let reads = 0;
    return xhr('GET', { toString: () => ` /echo?${(reads += 1)} ` }).then((outcome) => [outcome, reads]);
  });
  await run('xhr where it went', async () => {
    const urls = [];
    for (const url of ['/echo#part', '/around', '']) {
      const request = new XMLHttpRequest();
      request.open('GET', url);
      await new Promise((resolve) => {
        request.onloadend = resolve;
        request.send();
      });
      urls.push(request.responseURL);
    }
    return urls;
  });
  await run('xhr symbol', () => new XMLHttpRequest().open('GET', Symbol('address')));
  await run('xhr bad url', () => new XMLHttpRequest().open('GET', 'http://'));
  await run('xhr without address', () => new XMLHttpRequest().open('GET'));
  await run('xhr sync broken', () => {
    const request = new XMLHttpRequest();
    request.open('GET', '/broken', false);
    request.send();
  });
  await run('xhr sync', () => {
    const request = new XMLHttpRequest();
    request.open('GET', '/echo', false);
    request.send();
    return request.responseText;
  });
  const frame = (attributes) =>
    new Promise((resolve) => {
      const element = document.createElement('iframe');
      Object.assign(element, attributes);
      if (attributes.sandbox) element.setAttribute('sandbox', attributes.sandbox);
      addEventListener('message', ({ data }) => resolve(data), { once: true });
      document.body.append(element);
    });
  const ask = (path) => `<script>fetch('${location.origin}${path}').then((r) => r.text(), (e) => e.name)
    .then((t) => parent.postMessage(t, '*'))</script>`;
  await run('srcdoc frame', () => frame({ srcdoc: ask('/from-srcdoc') }));
  await run('sandboxed frame', () => frame({ srcdoc: ask('/from-sandbox'), sandbox: 'allow-scripts' }));
  await run('about:blank frame', async () => {
    const element = document.body.appendChild(document.createElement('iframe'));
    return element.contentWindow.fetch('/from-blank').then(text);
  });
  await run('console', () => {
    let reads = 0;
    console.log({
      get expensive() {
        reads += 1;
        return 1;
      },
      toJSON() {
        reads += 1;
      },
    });
    return [reads, console.log.name, console.log.length];
  });
  await run(
    'web socket',
    () =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://${location.host}/socket`);
        const shape = [socket instanceof WebSocket, socket.constructor === WebSocket, WebSocket.OPEN, WebSocket.name];
        socket.onclose = ({ code }) => resolve([code, ...shape]);
      }),
  );
  await run('timings', async () => {
    const observed = new Promise((resolve) => {
      new PerformanceObserver((list) => {
        const found = list.getEntriesByName(`${location.origin}/timed`);
        if (found.length > 0) resolve(found.map(({ name }) => name));
      }).observe({ type: 'resource', buffered: true });
    });
    await fetch('/timed').then(text);
    const seen = await observed;
    const [entry] = performance.getEntriesByName(`${location.origin}/timed`, 'resource');
    const all = performance.getEntriesByType('resource').map(({ name }) => name);
    const written = JSON.parse(JSON.stringify(performance.getEntries())).map(({ name }) => name);
    const marks = [...all, ...written].filter((name) => name.includes('#') && !name.includes('#part'));
    const { name, length } = PerformanceEntry.prototype.toJSON;
    return [seen, entry.name, entry.toJSON().name, marks, performance.getEntriesByName('none'), name, length];
  });
  // Last: a page that traces by itself is left alone in more ways.
  await run('own tracing', () =>
    fetch('/traced', { headers: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` } }).then(text),
  );
  await run('globals', () => Object.keys(window).filter((name) => /gasoline/i.test(name)));
  return outcomes;
}
