/** One session in the list: when, where, why it failed, and how much there is of it. */

import { useEffect } from 'preact/hooks';

import type { SessionRecord } from '../model/answers';
import { visibleLine } from '../model/plain_text';
import { sessionPath } from '../model/routes';
import { agoWords, betweenMs, clockWords, countWords, durationWords } from '../model/times';
import { browserWords, causeWords, shortId } from '../model/words';
import { Link } from './router';
import { ServiceName } from './service_name';
import { Sparkline, endOf, errorsOf, wantActivity } from './sparkline';
import { Line, Sentence } from './telemetry_text';

/** With their names, in a wide window; as dots, in a small one. */
const NAMES_SHOWN_MAX = 2;
const DOTS_SHOWN_MAX = 6;

interface RowProps {
  session: SessionRecord;
  row: number;
  isActive: boolean;
  /** Whether it can be asked how busy a session was. */
  hasActivity: boolean;
  style: { transform: string };
  onOpen: (id: string) => void;
}

export function SessionRow({ session, row, isActive, hasActivity, style, onOpen }: RowProps) {
  useEffect(() => {
    if (hasActivity) wantActivity(session);
  }, [session.session_id, session.last_activity]);
  const duration = lastedWords(session, hasActivity);
  const now = Date.now();
  return (
    <div
      id={`session-row-${row}`}
      class="row session"
      role="row"
      aria-rowindex={row + 1}
      aria-selected={isActive}
      data-error={session.has_errors}
      style={style}
      onClick={() => onOpen(session.session_id)}
    >
      <span role="gridcell" class="started">
        <time dateTime={session.started_at}>{clockWords(Date.parse(session.started_at), now)}</time>
        <small class="quiet">{agoWords(Date.parse(session.last_activity), now)}</small>
      </span>
      <What session={session} />
      <Services services={session.services ?? []} />
      <Figure text={countWords(session.request_count)} what="requests" />
      <Errors session={session} />
      <Figure text={countWords(session.event_count)} what="events" class="events" />
      <Figure text={duration} what="duration" />
      <span role="gridcell" class="activity">
        <Sparkline id={session.session_id} />
      </span>
    </div>
  );
}

/** Where it began; below, why it failed, else who it was. */
function What({ session }: { session: SessionRecord }) {
  const browser = browserWords(session.user_agent);
  return (
    <span role="gridcell" class="session-what">
      <Link to={sessionPath(session.session_id)} class="row-link">
        {session.has_errors && <span class="mark">failed</span>}
        <Line text={session.first_url ?? shortId(session.session_id)} class="text" />
      </Link>
      {session.cause ? (
        <span class="cause-line">
          <Sentence text={causeWords(session.cause)} />
        </span>
      ) : (
        <span class="who-line quiet">
          <Line text={[session.first_url && shortId(session.session_id), browser].filter(Boolean).join(' · ')} />
        </span>
      )}
    </span>
  );
}

function Services({ services }: { services: readonly string[] }) {
  const names = visibleLine(services.join(', '));
  return (
    <span role="gridcell" class="services quiet" title={names}>
      {services.slice(0, DOTS_SHOWN_MAX).map((service) => (
        <ServiceName key={service} name={service} />
      ))}
      {services.length > NAMES_SHOWN_MAX && <small class="beyond-names">+{services.length - NAMES_SHOWN_MAX}</small>}
      {services.length > DOTS_SHOWN_MAX && <small class="beyond-dots">+{services.length - DOTS_SHOWN_MAX}</small>}
    </span>
  );
}

/**
 * From its start to the end of what ended last; the record itself knows only when the last event began, so until that
 * is known, or where it cannot be, at least as long.
 */
function lastedWords({ session_id: id, started_at: start, last_activity: last }: SessionRecord, canKnow: boolean) {
  const end = endOf(id);
  if (end === undefined) return canKnow ? '…' : `≥ ${durationWords(betweenMs(start, last))}`;
  return durationWords(betweenMs(start, end));
}

/** How many of its events failed, as soon as that is known. */
function Errors({ session }: { session: SessionRecord }) {
  const errors = errorsOf(session.session_id) ?? (session.has_errors ? undefined : 0);
  const text = errors === undefined ? '…' : countWords(errors);
  return <Figure text={text} what="errors" class={session.has_errors ? 'errors bad' : 'errors quiet'} />;
}

function Figure({ text, what, class: name = '' }: { text: string; what: string; class?: string }) {
  return (
    <span
      role="gridcell"
      class={`number ${name}`}
      aria-label={`${text} ${text === '1' ? what.replace(/s$/, '') : what}`}
    >
      {text}
    </span>
  );
}
