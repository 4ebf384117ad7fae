/** The view in one file: as a report, and inside a chat client that speaks MCP Apps. */

import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { otlpSpan, replay, sendSpans, seriousFindings, shownEvents, writeReport } from './stage.mjs';
import { useStage } from './use-stage.mjs';

const VIEW = fileURLToPath(new URL('../../mcp_server/web/view.html', import.meta.url));
let collector;
let page;
let session;

const stage = useStage(async (started) => {
  ({ collector, page } = started);
  await replay(collector.endpoint, 'tracestate');
  const { sessions } = await collector.observe({ what: 'sessions', status: 'error' });
  [session] = sessions;
});

const report = (id) => writeReport(stage, id);

test('a report opens from the disk, asks for nothing, and leads from the session to its requests', async () => {
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  const file = pathToFileURL(await report(session.session_id)).href;
  await page.goto(file);
  const { events } = await collector.observe({ what: 'session-trace', session_id: session.session_id, limit: 1000 });
  assert.deepEqual(
    await shownEvents(page),
    events.map(({ id }) => id),
  );
  await page.getByText(/Gasoline report of a session, made/).waitFor();
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  const panel = page.getByRole('complementary', { name: 'Selected event' });
  assert.match(await panel.locator('dl').innerText(), new RegExp(`span\\s+${session.cause.span_id}`));
  assert.equal(await panel.getByRole('button', { name: 'Copy as OTLP/JSON' }).count(), 0);
  await panel.getByRole('link', { name: 'Open request' }).click();
  await page.getByRole('region', { name: 'Critical path' }).waitFor();
  assert.deepEqual(await seriousFindings(page), []);
  assert.deepEqual(
    asked.filter((url) => !url.startsWith('data:')),
    [file],
  );
});

test('keys lead from a report to a request and back; the report of a request leads to no session', async () => {
  await page.goto(pathToFileURL(await report(session.session_id)).href);
  const heading = (kind) => page.locator(`main.timeline[data-kind="${kind}"]`);
  await heading('session').waitFor();
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.keyboard.press('r');
  await heading('request').waitFor();
  await page.getByRole('link', { name: /^in session/ }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('main.timeline[data-kind="request"][data-panel="false"]').waitFor();
  await page.keyboard.press('Escape');
  await heading('session').waitFor();
  await page.goto(pathToFileURL(await report(session.request_ids.at(-1))).href);
  await page.locator('.facts', { hasText: 'in session' }).waitFor();
  assert.equal(await page.getByRole('link').count(), 0);
  await page.keyboard.press('Escape');
  await heading('request').waitFor();
});

test('a report of 1,000 events is smaller than 1 MB', async () => {
  const hex = (number, digits) => number.toString(16).padStart(digits, '0');
  const spans = Array.from({ length: 1000 }, (_, index) =>
    otlpSpan({
      trace: hex(1 + Math.floor(index / 20), 32),
      id: hex(index + 1, 16),
      name: `GET /api/items/${index % 20}`,
      kind: 2,
      from: Date.now() + index,
      to: Date.now() + index + 5,
      attributes: {
        'session.id': 'session-of-a-thousand',
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'url.full': `http://shop.example/api/items/${index % 20}?page=${index}`,
        'server.address': 'shop.example',
        'network.protocol.version': '1.1',
        'code.function.name': `app.items.handler_${index % 20}`,
        'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36',
      },
    }),
  );
  await sendSpans(collector.endpoint, 'shop', spans);
  const file = await report('session-of-a-thousand');
  assert.ok((await stat(file)).size < 1_000_000, String((await stat(file)).size));
  await page.goto(pathToFileURL(file).href);
  assert.equal((await shownEvents(page)).length, 1000);
});

test('a report that lost a part on its way says so', async () => {
  const file = await report(session.session_id);
  const whole = await readFile(file, 'utf8');
  const [, data] = /id="gasoline-data">([^<]+)</.exec(whole);
  await writeFile(file, whole.replace(data, data.slice(0, 400)));
  await page.goto(pathToFileURL(file).href);
  await page.getByText('The data in this file are damaged; make it again').waitFor();
});

/** A chat client: it embeds the view, asks the collector for it, and keeps what it heard. */
async function openInHost(toolArguments, context = { theme: 'dark' }) {
  const answers = async (question) => collector.observe(question);
  if (!page.isHosting) await page.exposeFunction('observeForHost', answers);
  page.isHosting = true;
  await page.goto('about:blank');
  const html = await readFile(VIEW, 'utf8');
  await page.evaluate(
    ([view, asked, hostContext]) => {
      const frame = document.createElement('iframe');
      frame.sandbox = 'allow-scripts';
      frame.srcdoc = view;
      frame.style.cssText = 'width:1000px;height:700px;border:0';
      window.heard = [];
      const post = (message) => frame.contentWindow.postMessage({ jsonrpc: '2.0', ...message }, '*');
      window.post = post;
      window.addEventListener('message', async ({ source, data }) => {
        if (source !== frame.contentWindow) return;
        window.heard.push({ method: data.method, params: data.params, result: data.result });
        if (data.method === 'ui/initialize') {
          post({
            id: data.id,
            result: { protocolVersion: '2026-01-26', hostCapabilities: {}, hostInfo: {}, hostContext },
          });
        } else if (data.method === 'ui/notifications/initialized') {
          post({ method: 'ui/notifications/tool-input', params: { arguments: asked } });
          post({
            method: 'ui/notifications/tool-result',
            params: { content: [{ type: 'text', text: 'the text answer' }] },
          });
        } else if (data.method === 'tools/call') {
          const answer = await window.observeForHost(data.params.arguments);
          const content = [{ type: 'text', text: JSON.stringify(answer) }];
          post({ id: data.id, result: { content, structuredContent: answer } });
        }
      });
      document.body.append(frame);
    },
    [html, toolArguments, context],
  );
  return page.frameLocator('iframe[sandbox]');
}

test('a chat client sees the session that the agent asked for, in its own theme', async () => {
  const view = await openInHost({ what: 'session-trace', session_id: session.session_id });
  await view.locator('.row').first().waitFor();
  const { events } = await collector.observe({ what: 'session-trace', session_id: session.session_id, limit: 1000 });
  assert.equal(await view.locator('.rows').getAttribute('aria-rowcount'), String(events.length));
  const first = await view.locator('.row').evaluateAll((rows) => rows.slice(0, 5).map((row) => row.dataset.event));
  assert.deepEqual(
    first,
    events.slice(0, 5).map(({ id }) => id),
  );
  const scheme = () => view.locator('html').evaluate((root) => getComputedStyle(root).colorScheme);
  assert.equal(await scheme(), 'dark');
  await page.evaluate(() =>
    window.post({ method: 'ui/notifications/host-context-changed', params: { theme: 'light' } }),
  );
  await view.locator('html[data-theme="light"]').waitFor();
  assert.equal(await scheme(), 'light');
  const heard = await page.evaluate(() => window.heard);
  assert.equal(heard[0].params.protocolVersion, '2026-01-26');
  const calls = heard.filter(({ method }) => method === 'tools/call').map(({ params }) => params);
  assert.deepEqual(calls, [
    {
      name: 'observe',
      arguments: { what: 'session-trace', session_id: session.session_id, limit: 1000, format: 'json' },
    },
  ]);
  assert.ok(heard.some(({ method, params }) => method === 'ui/notifications/size-changed' && params.height > 300));
});

test('what an agent picked is found, and leads on', async () => {
  const view = await openInHost({ what: 'request-trace', pick: 'last_error' });
  await view.getByRole('region', { name: 'Critical path' }).waitFor();
  const { request } = await collector.observe({ what: 'request-trace', pick: 'last_error', limit: 1 });
  assert.match(await view.locator('.head .id').innerText(), new RegExp(request.request_id.slice(0, 8)));
  await view
    .getByRole('link', { name: /in session/ })
    .first()
    .click();
  await view.getByRole('heading', { level: 1 }).waitFor();
  await view.locator('.timeline[data-kind="session"] .row').first().waitFor();
});

test('a host is answered when it asks, and others are not heard', async () => {
  const view = await openInHost({ what: 'sessions' });
  await view.locator('.row').first().waitFor();
  await page.evaluate(() => window.post({ id: 'p1', method: 'ping' }));
  await page.waitForFunction(() => window.heard.some(({ method, result }) => !method && result));
  await page.evaluate(() => {
    const stranger = document.createElement('iframe');
    const message = { jsonrpc: '2.0', method: 'ui/notifications/host-context-changed', params: { theme: 'light' } };
    const script = `parent.frames[0].postMessage(${JSON.stringify(message)}, '*'); parent.postMessage('sent', '*')`;
    stranger.srcdoc = `<script>${script}</script>`;
    const sent = new Promise((resolve) =>
      window.addEventListener('message', ({ data }) => data === 'sent' && resolve()),
    );
    document.body.append(stranger);
    return sent;
  });
  assert.equal(await view.locator('html').getAttribute('data-theme'), 'dark');
});
