/** What pages do with requests that are read, made or sent once more. Run with the extension and without. */

/**
 * Runs in the page: each act's outcome, as the page sees it.
 * @param {string} other the other origin
 * @returns {Promise<Record<string, unknown>>}
 */
export async function actAgain(other) {
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
  await run('headers that can be read once and are none', () =>
    fetch(`${other}/simple`, { headers: [['bad header', '1']].values() }).catch(({ name }) => name),
  );
  await run('headers as they are written', () =>
    fetch(`${other}/raw`, { headers: { 'Content-Language': 'a', 'Accept-language': 'b' } }).then(text),
  );
  await run('referrer of a request', async () => {
    const request = new Request('/referer', { referrer: '/from', referrerPolicy: 'unsafe-url' });
    const inits = [undefined, {}, { unknown: 1 }, { cache: 'no-store' }];
    return Promise.all(inits.map((init) => fetch(request, init).then(text)));
  });
  await run('there and back', async () => {
    const shapes = [];
    for (let time = 0; time < 3; time += 1) shapes.push(await fetch('/there').then(shape));
    return shapes;
  });
  await run('xhr used again where its end is heard', () =>
    new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const told = [];
      const paths = ['/away-heard', '/broken', '/away-heard-again'];
      const send = (path) => (request.open('GET', path), request.send());
      request.onload = request.onerror = ({ type }) => {
        told.push([type, request.status]);
        if (paths.length > 0) send(paths.shift());
        else resolve(told);
      };
      send('/echo');
    }),
  );
  await run('xhr relative to where the page was', async () => {
    const request = new XMLHttpRequest();
    request.open('GET', 'away-moved');
    const ended = new Promise((resolve) => (request.onloadend = resolve));
    request.send();
    history.pushState({}, '', '/deeper/');
    await ended;
    history.replaceState({}, '', '/');
    return [request.status, request.responseURL];
  });
  return outcomes;
}
