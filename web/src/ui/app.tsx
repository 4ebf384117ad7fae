/** Which view the place names. */

import { routeOf } from '../model/routes';
import { CompareView } from './compare_view';
import { Said } from './copying';
import { Help } from './help';
import { useKeys } from './keys';
import { RequestsView } from './requests_view';
import { Link, goBack, listPath, place } from './router';
import { SessionsView } from './sessions_view';
import { TimelineView } from './timeline_view';
import type { Source } from './use_timeline';

export function App({ source }: { source: Source }) {
  const route = routeOf(place.value.path);
  const escape = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLElement && event.target.matches('input, select')) {
      event.target.blur();
      document.querySelector<HTMLElement>('.rows')?.focus();
      return undefined;
    }
    if (route.view === 'sessions') return false;
    return goBack(listPath(route.view === 'request' || route.view === 'compare' ? '/requests' : '/'));
  };
  useKeys({ Escape: escape }, { rest: true });
  return (
    <>
      <View source={source} />
      <Help />
      <Said />
    </>
  );
}

function View({ source }: { source: Source }) {
  const route = routeOf(place.value.path);
  switch (route.view) {
    case 'sessions':
      return <SessionsView source={source} />;
    case 'requests':
      return <RequestsView source={source} />;
    case 'session':
    case 'request':
      return (
        <TimelineView key={`${route.view} ${route.id}`} source={source} subject={{ kind: route.view, id: route.id }} />
      );
    case 'compare':
      return <CompareView key={`${route.left} ${route.right}`} source={source} left={route.left} right={route.right} />;
    default:
      return (
        <main class="empty">
          <h1>There is no such page</h1>
          <p>
            <Link to="/">All sessions</Link>
          </p>
        </main>
      );
  }
}
