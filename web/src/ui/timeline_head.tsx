/** What a session or a request was, in facts and one sentence. */

import { newsState } from '../data/news';
import type { Cause, Event, RequestRecord, SessionRecord } from '../model/answers';
import { visibleLine } from '../model/plain_text';
import { browserWords, causeWords, failureWords, shortId } from '../model/words';
import { betweenMs, clockWords, countOf, countWords, durationWords } from '../model/times';
import { CopyButton } from './copying';
import { Called } from './request_line';
import { Link, listPath } from './router';
import { SessionLink } from './session_link';
import { Line, Sentence } from './telemetry_text';
import { TimeSpent } from './time_spent';
import type { TimelineStore } from './timeline_store';
import type { Source } from './use_timeline';

export function TimelineHead({ store, source }: { store: TimelineStore; source: Source }) {
  const loaded = store.loaded.value;
  if (!loaded) return null;
  const { kind, id } = loaded.subject;
  const record = loaded.session ?? loaded.request;
  const cause = record?.cause;
  return (
    <header class="head">
      <div class="title">
        {source.hasLists && (
          <Link to={listPath(kind === 'session' ? '/' : '/requests')} class="back" label={`All ${kind}s`}>
            {kind === 'session' ? 'Sessions' : 'Requests'}
          </Link>
        )}
        <h1>
          {loaded.request ? (
            <RequestTitle request={loaded.request} />
          ) : (
            <Line class="words" text={loaded.session?.first_url ?? `Session ${shortId(id)}`} />
          )}
        </h1>
        {source.onNews && <LiveSign />}
      </div>
      <p class="facts">
        <span class="id">
          {kind}{' '}
          <code title={visibleLine(id)}>
            <Line text={shortId(id)} />
          </code>{' '}
          <CopyButton text={id} what={`${kind} id`} />
        </span>
        {loaded.session && <SessionFacts session={loaded.session} store={store} source={source} />}
        {loaded.request && <RequestFacts request={loaded.request} source={source} />}
        <span>{countOf(loaded.total, 'event')}</span>
      </p>
      {cause ? <CauseBox cause={cause} store={store} /> : <FirstError store={store} />}
      {loaded.request && <Spread store={store} />}
      <Notes store={store} />
      {loaded.request && <TimeSpent store={store} />}
    </header>
  );
}

function RequestTitle({ request }: { request: RequestRecord }) {
  return (
    <>
      <span class="words">
        <Called request={request} />
      </span>{' '}
      {request.status !== undefined && (
        <span class={`status ${request.cause || request.status >= 500 ? 'bad' : ''}`}>{request.status}</span>
      )}
    </>
  );
}

function SessionFacts(props: { session: SessionRecord; store: TimelineStore; source: Source }) {
  const { session, store, source } = props;
  const browser = browserWords(session.user_agent);
  // The record knows when the last event began; what is drawn, when the last span ended.
  const lasted = Math.max(betweenMs(session.started_at, session.last_activity), store.lastedMs.value);
  return (
    <>
      <span>{clockWords(Date.parse(session.started_at), Date.now())}</span>
      <span>
        {store.isWhole.value ? '' : '≥ '}
        {durationWords(lasted)}
      </span>
      <span>{countOf(session.request_count, 'request')}</span>
      {browser && <Line text={browser} />}
      {session.ip_address && <Line text={session.ip_address} />}
      {session.end_reason && (
        <span>
          ended: <Line text={session.end_reason} />
        </span>
      )}
      {session.previous_id && (
        <SessionLink source={source} id={session.previous_id}>
          previous session
        </SessionLink>
      )}
    </>
  );
}

function RequestFacts({ request, source }: { request: RequestRecord; source: Source }) {
  const sessions = request.session_ids ?? (request.session_id ? [request.session_id] : []);
  return (
    <>
      <span>{clockWords(Date.parse(request.started_at), Date.now())}</span>
      {request.duration_ms !== undefined && <span>{durationWords(request.duration_ms)}</span>}
      {sessions.slice(0, 3).map((id) => (
        <SessionLink key={id} source={source} id={id}>
          in session <Line text={shortId(id)} />
        </SessionLink>
      ))}
      {sessions.length === 0 && <span>in no session</span>}
    </>
  );
}

function CauseBox({ cause, store }: { cause: Cause; store: TimelineStore }) {
  const target = store.timeline.value.events.find(
    (event) => event.signal === 'span' && event.span_id === cause.span_id && cause.span_id !== undefined,
  );
  return <WhatFailed title="Cause" text={causeWords(cause)} target={target} store={store} />;
}

/** Where no request failed, what failed all the same: the record names no cause then. */
function FirstError({ store }: { store: TimelineStore }) {
  const first = store.timeline.value.events.find(({ error }) => error);
  return first ? <WhatFailed title="First error" text={failureWords(first)} target={first} store={store} /> : null;
}

function WhatFailed(props: { title: string; text: string; target: Event | undefined; store: TimelineStore }) {
  const { title, text, target, store } = props;
  return (
    <p class="cause">
      <b>{title}</b> <Sentence text={text} />
      {target && (
        <button type="button" onClick={() => store.select(target.id, { open: true })}>
          Show
        </button>
      )}
    </p>
  );
}

/** How a failure went from hop to hop, the cause first. */
function Spread({ store }: { store: TimelineStore }) {
  const loaded = store.loaded.value;
  const hops = loaded?.spread ?? [];
  const undone = loaded?.undone ?? [];
  if (hops.length < 2 && undone.length === 0) return null;
  return (
    <p class="facts">
      {hops.length > 1 && (
        <span>
          spread{' '}
          {hops.map((hop, index) => (
            <span key={index}>
              {index > 0 && ' → '}
              <Line text={hop.service} /> {hop.status ?? ''}
            </span>
          ))}
        </span>
      )}
      {undone.length > 0 && (
        <span>
          never begun:{' '}
          {undone.slice(0, 5).map((step, index) => (
            <span key={index}>
              {index > 0 && ', '}
              <Line text={`${step.service} ${step.operation}`} />
            </span>
          ))}
        </span>
      )}
    </p>
  );
}

function Notes({ store }: { store: TimelineStore }) {
  const loaded = store.loaded.value;
  if (!loaded) return null;
  const isUnknown = store.isPanelOpen.value && store.selectedId.value && !store.selected.value && !loaded.isLoading;
  const missing = loaded.total - loaded.events.length;
  const { errorsBeyond: beyond, around } = loaded;
  return (
    <>
      {loaded.notes.map((note) => (
        <p class="note" key={note}>
          <Line text={note} />
        </p>
      ))}
      {isUnknown && (
        <p class="note" role="status">
          The event that was asked for is not among those shown: <Line text={store.selectedId.value} />
        </p>
      )}
      {missing > 0 && (
        <p class="note" role="status">
          {loaded.isLoading
            ? `${countWords(loaded.events.length)} of ${countWords(loaded.total)} events are here, the others are coming`
            : `Shown are the first ${countWords(loaded.events.length - beyond - around)} of ${countWords(loaded.total)} events` +
              (beyond > 0 ? `, and ${countWords(beyond)} of the others that failed` : '') +
              (around > 0 ? `, and ${countWords(around)} around the one that was asked for` : '') +
              ': this is as much as the page draws'}
        </p>
      )}
      {store.problem.value && <p class="note bad">{store.problem.value.message}</p>}
    </>
  );
}

const LIVE_WORDS = { connecting: 'connecting', live: 'live', paused: 'paused', offline: 'not connected' };

export function LiveSign() {
  return (
    <span class="live" data-state={newsState.value} role="status">
      {LIVE_WORDS[newsState.value]}
    </span>
  );
}
