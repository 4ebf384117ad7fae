/** The two lists, and whether the page is live. */

import { isHelpOpen } from './help';
import { Link } from './router';
import { LiveSign } from './timeline_head';

export function TopBar({ view, count }: { view: 'sessions' | 'requests'; count: string }) {
  return (
    <header class="top">
      <h1>
        {view === 'sessions' ? 'Sessions' : 'Requests'} <span class="quiet">{count}</span>
      </h1>
      <nav aria-label="Lists">
        {view === 'sessions' ? <Link to="/requests">Requests</Link> : <Link to="/">Sessions</Link>}
      </nav>
      <span class="gap" />
      <LiveSign />
      <button type="button" class="small" aria-label="Keys" onClick={() => (isHelpOpen.value = true)}>
        ?
      </button>
    </header>
  );
}
