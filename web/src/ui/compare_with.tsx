/** From a request to one that it is worth comparing with: the same call when it worked, and others like it. */

import { useState } from 'preact/hooks';

import type { RequestRecord, RequestsAnswer } from '../model/answers';
import { comparePath } from '../model/routes';
import { agoWords, durationWords } from '../model/times';
import { pathWords, shortId } from '../model/words';
import { say } from './copying';
import { Link } from './router';
import type { TimelineStore } from './timeline_store';
import type { Source } from './use_timeline';

const OFFERED_MAX = 12;

export function CompareWith({ store, source }: { store: TimelineStore; source: Source }) {
  const [others, setOthers] = useState<RequestRecord[] | undefined>(undefined);
  const loaded = store.loaded.value;
  const request = loaded?.request;
  if (!source.hasLists || !request) return null;
  const look = () => {
    if (others) {
      setOthers(undefined);
      return;
    }
    const path = pathWords(request.url ?? '').split('?')[0] ?? '';
    const question = { what: 'requests', limit: OFFERED_MAX + 1, ...(path ? { url: path } : {}) };
    source.ask<RequestsAnswer>(question).then(
      (answer) =>
        setOthers(answer.requests.filter((other) => other.request_id !== request.request_id).slice(0, OFFERED_MAX)),
      (error: Error) => say(error.message),
    );
  };
  return (
    <nav class="compare-with" aria-label="Compare with another request">
      {loaded.worked && (
        <Link class="button" to={comparePath(loaded.worked.request_id, request.request_id)}>
          Compare with when it worked ({durationWords(loaded.worked.duration_ms)})
        </Link>
      )}
      <button type="button" class="small" aria-expanded={others !== undefined} onClick={look}>
        Compare with…
      </button>
      {others && (
        <ul>
          {others.map((other) => (
            <li key={other.request_id}>
              <Link to={comparePath(other.request_id, request.request_id)}>
                {shortId(other.request_id)} {other.status ?? ''}{' '}
                {other.duration_ms === undefined ? '' : durationWords(other.duration_ms)}
              </Link>{' '}
              <span class="quiet">{agoWords(Date.parse(other.started_at), Date.now())}</span>
            </li>
          ))}
          {others.length === 0 && <li class="quiet">There is no other request with this path</li>}
        </ul>
      )}
    </nav>
  );
}
