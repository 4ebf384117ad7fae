/** The same views in one file: over the data that it holds (a report), or inside a chat client (MCP Apps). */

import { render } from 'preact';

import { reportOf, reportSource } from './data/report';
import { showInHost } from './ui/in_host';
import { App } from './ui/app';
import { Made } from './ui/made';
import { begin } from './ui/router';
import { requestPath, sessionPath } from './model/routes';

const root = document.getElementById('root');
const text = document.getElementById('gasoline-data')?.textContent?.trim() ?? '';

if (root && text !== '') void showReport(root);
else if (root && window.parent !== window) showInHost(root);
else if (root) root.textContent = 'This file holds no session; make one with: gasoline report SESSION -o FILE.html';

async function showReport(place: HTMLElement): Promise<void> {
  const report = await reportOf(text).catch(() => undefined);
  if (report === undefined) {
    place.textContent = 'The data in this file are damaged; make it again with: gasoline report SESSION -o FILE.html';
    return;
  }
  const { source, subject } = reportSource(report);
  begin(subject.kind === 'session' ? sessionPath(subject.id) : requestPath(subject.id));
  render(
    <>
      <Made report={report} />
      <App source={source} />
    </>,
    place,
  );
}
