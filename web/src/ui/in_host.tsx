/** The view inside a chat client: it shows what the tool was asked, and asks the tool for more. */

import { render } from 'preact';

import { AnswerError } from '../data/api';
import { Host, type HostContext, type ToolResult } from '../data/mcp_app';
import type { Question } from '../model/observe_call';
import { requestPath, sessionPath } from '../model/routes';
import { App } from './app';
import { navigate } from './router';
import type { Source } from './use_timeline';

const TOOL = 'observe';
const HEIGHT_PX = 560;

export function showInHost(root: HTMLElement): void {
  const host: Host = new Host(window.parent, {
    context: applyContext,
    toolInput: (question) => void show(question),
    toolResult: () => undefined,
  });
  const source: Source = {
    ask: async <Answer,>(question: Question) =>
      answerOf(await host.callTool(TOOL, { ...question, format: 'json' })) as Answer,
    hasLists: true,
  };
  const show = async (question: { [name: string]: unknown }) => {
    navigate(await pathOf(source, question));
    render(<App source={source} />, root);
    host.tellSize(document.documentElement.scrollWidth, HEIGHT_PX);
  };
  root.textContent = 'Waiting for the answer…';
  document.documentElement.dataset['host'] = 'true';
  host.connect().catch((error: Error) => {
    root.textContent = error.message;
  });
}

/** Which view answers the question that the tool was asked; what was picked is looked up once. */
async function pathOf(source: Source, question: { [name: string]: unknown }): Promise<string> {
  const { what } = question;
  if (what === 'session-trace' || what === 'request-trace') {
    const { session_id: session, request_id: request } = question;
    if (what === 'session-trace' && typeof session === 'string') return sessionPath(session);
    if (what === 'request-trace' && typeof request === 'string') return requestPath(request);
    const names = new Set(['what', 'pick', 'session_id', 'service', 'url', 'since', 'until']);
    const asked = Object.fromEntries(Object.entries(question).filter(([name]) => names.has(name)));
    const answer = await source.ask<{ session_id?: string; request?: { request_id: string } }>({
      ...asked,
      limit: 1,
    } as Question);
    if (answer.session_id) return sessionPath(answer.session_id);
    if (answer.request) return requestPath(answer.request.request_id);
  }
  return what === 'requests' || what === 'logs' ? '/requests' : '/';
}

function answerOf(result: ToolResult): unknown {
  const text = result.content?.find(({ type }) => type === 'text')?.text ?? '';
  if (result.isError) throw new AnswerError(400, text || 'the tool refused');
  return result.structuredContent ?? JSON.parse(text);
}

function applyContext({ theme }: HostContext): void {
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset['theme'] = theme;
}
