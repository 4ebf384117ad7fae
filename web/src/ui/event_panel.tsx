/** Everything about the event that is selected. */

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import type { Event, RequestAnswer, Value } from '../model/answers';
import { callText, questionAbout } from '../model/observe_call';
import { requestPath } from '../model/routes';
import { categoryOf } from '../model/timeline';
import { durationWords, offsetWords, unixMs } from '../model/times';
import { bodyText, correctionsOf, evidenceWords, shortId, statusOf, titleOf } from '../model/words';
import { AttributeTable } from './attribute_table';
import { CopyButton, copy, say } from './copying';
import { CATEGORY_WORDS } from './icons';
import { Link } from './router';
import { ServiceName } from './service_name';
import { SessionLink } from './session_link';
import { Line, Long } from './telemetry_text';
import type { TimelineStore } from './timeline_store';
import type { Source } from './use_timeline';

export function EventPanel({ store, source }: { store: TimelineStore; source: Source }) {
  const event = store.selected.value;
  const box = useRef<HTMLElement>(null);
  // In a small window it is below the rows, out of sight.
  useEffect(() => box.current?.scrollIntoView({ block: 'nearest' }), []);
  if (!event) return null;
  return (
    <aside ref={box} class="panel" aria-label="Selected event">
      <div class="panel-head">
        <h2>
          <Line text={titleOf(event)} />
        </h2>
        <button type="button" class="small" aria-label="Close" onClick={() => (store.isPanelOpen.value = false)}>
          ✕
        </button>
      </div>
      <Actions event={event} source={source} store={store} />
      <Facts event={event} store={store} source={source} />
      <Said event={event} />
      <Attributes event={event} source={source} />
    </aside>
  );
}

function Actions({ event, source, store }: { event: Event; source: Source; store: TimelineStore }) {
  const { otlpText } = source;
  const copyOtlp = (read: NonNullable<Source['otlpText']>) => {
    read(event).then(
      (text) => copy(text, 'the record as OTLP/JSON'),
      (error: Error) => say(error.message),
    );
  };
  return (
    <p class="actions">
      {event.request_id && (
        <CopyButton text={event.request_id} what="request id">
          Copy request id
        </CopyButton>
      )}
      {otlpText && (
        <button type="button" class="small" onClick={() => copyOtlp(otlpText)}>
          Copy as OTLP/JSON
        </button>
      )}
      <CopyButton text={callText(questionAbout(event))} what="the observe call">
        Copy observe call
      </CopyButton>
      {event.request_id && store.subject.kind === 'session' && (
        <Link class="button" to={requestPath(event.request_id, event.id)}>
          Open request
        </Link>
      )}
    </p>
  );
}

interface FactsProps {
  event: Event;
  store: TimelineStore;
  source: Source;
}

function Facts(props: FactsProps) {
  return (
    <dl class="pairs">
      <WhatItWas {...props} />
      <WhereItBelongs {...props} />
    </dl>
  );
}

function WhatItWas({ event, store }: FactsProps) {
  const index = store.positions.value.get(event.id) ?? 0;
  const self = store.paths.value.selfMs.get(index);
  const critical = store.paths.value.criticalMs.get(index);
  const status = statusOf(event);
  return (
    <>
      <Fact name="service">
        <ServiceName name={event.service} />
      </Fact>
      <Fact name="kind">
        {event.error ? 'failed ' : ''}
        {event.kind ? `${event.kind} ` : ''}
        {CATEGORY_WORDS[categoryOf(event)]}
      </Fact>
      {status && <Fact name="status">{status}</Fact>}
      {event.severity && (
        <Fact name="severity">
          <Line text={event.severity} />
        </Fact>
      )}
      <Fact name="at">
        {offsetWords(store.timeline.value.starts[index] ?? 0)} s, {isoWords(event.time_unix_nano)}
      </Fact>
      {event.duration_ms !== undefined && <Fact name="took">{durationWords(event.duration_ms)}</Fact>}
      {self !== undefined && <Fact name="self">{durationWords(self)} in which nothing ran inside it</Fact>}
      {critical !== undefined && <Fact name="critical">{durationWords(critical)} that the request waited for it</Fact>}
    </>
  );
}

function WhereItBelongs({ event, store, source }: FactsProps) {
  const timeline = store.timeline.value;
  const index = store.positions.value.get(event.id) ?? 0;
  const parent = timeline.events[timeline.parents[index] ?? -1];
  const orphan = store.orphanOf(index);
  return (
    <>
      <Fact name="evidence">{evidenceWords(event)}</Fact>
      {event.session_id && store.subject.kind === 'request' && (
        <Fact name="session">
          <SessionLink source={source} id={event.session_id} event={event.id}>
            <Line text={shortId(event.session_id)} />
          </SessionLink>
        </Fact>
      )}
      {event.request_id && (
        <Fact name="request">
          <code>{event.request_id}</code>
        </Fact>
      )}
      {event.span_id && (
        <Fact name="span">
          <code>
            <Line text={event.span_id} />
          </code>
        </Fact>
      )}
      {parent && (
        <Fact name="inside">
          <button type="button" class="plain" onClick={() => store.select(parent.id)}>
            <Line text={`${parent.service} ${titleOf(parent)}`} />
          </button>
        </Fact>
      )}
      {orphan && (
        <Fact name="corrected">
          its parent {event.parent_span_id ?? event.span_id}{' '}
          {orphan === 'missing' ? 'never arrived' : 'is not here: it belongs to another session, or never arrived'}, so
          it stands at the top
        </Fact>
      )}
      {correctionsOf(store.loaded.value?.notes ?? [], event.service).map((note) => (
        <Fact key={note} name="corrected">
          <Line text={note} />
        </Fact>
      ))}
    </>
  );
}

function Fact(props: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </>
  );
}

/** What the record says in its own words. */
function Said({ event }: { event: Event }) {
  const body = bodyText(event.body);
  return (
    <>
      {event.status_message && (
        <pre class="said-text bad">
          <Long text={event.status_message} />
        </pre>
      )}
      {body && (
        <pre class="said-text">
          <Long text={body} />
        </pre>
      )}
    </>
  );
}

/** The event's own attributes; whole, with those of its resource and scope, when they have been asked for. */
function Attributes({ event, source }: { event: Event; source: Source }) {
  const [whole, setWhole] = useState<Event | undefined>(undefined);
  useEffect(() => setWhole(undefined), [event.id]);
  const shown = whole?.id === event.id ? whole : event;
  const canExpand = event.request_id !== undefined && shown === event && source.onNews !== undefined;
  const expand = () => {
    const question = { what: 'request-trace', request_id: event.request_id ?? '', expand: event.id };
    source.ask<RequestAnswer>(question).then(
      (answer) => setWhole(answer.timeline[0]),
      (error: Error) => say(error.message),
    );
  };
  return (
    <>
      <AttributeTable title="Attributes" values={shown.attributes} cutNames={shown.truncated ?? []} />
      {shown.resource && <AttributeTable title="Resource" values={shown.resource.attributes} cutNames={[]} />}
      {shown.scope && <AttributeTable title="Scope" values={scopeValues(shown.scope)} cutNames={[]} />}
      {canExpand && (
        <button type="button" class="small" onClick={expand}>
          Show whole values, resource and scope
        </button>
      )}
    </>
  );
}

function scopeValues(scope: NonNullable<Event['scope']>): { [key: string]: Value } {
  return { name: scope.name ?? '', version: scope.version ?? '', ...scope.attributes };
}

function isoWords(time: string): string {
  const ms = unixMs(time);
  return ms > 0 && ms < 8.64e15 ? new Date(ms).toISOString() : 'unknown time';
}
