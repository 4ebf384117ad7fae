/** Where the person is: the page's URL, or, in a report and in a chat client, a place that only the view knows. */

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

interface Place {
  readonly path: string;
  readonly search: string;
}

export const place = signal<Place>({ path: '/', search: '' });

const LEAVING_MS = 1_000;

const LISTS = ['/', '/requests'] as const;

/** By path of a list: what it was filtered by when it was last shown. */
const listSearches = new Map<string, string>();

let isInUrl = false;
/** The browser is on its way back; a change of the URL meanwhile would keep it here. */
let isLeaving = false;
const visited: Place[] = [];

/** Take the place from the URL, and keep it there. */
export function followUrl(): void {
  isInUrl = true;
  const read = () => {
    isLeaving = false;
    stand({ path: location.pathname, search: location.search });
  };
  window.addEventListener('popstate', read);
  read();
}

/** Stand at a path where no URL says so; there is nothing to go back to. */
export function begin(target: string): void {
  stand(placeOf(target));
}

/** Go to a path of this view, with its query string. */
export function navigate(target: string): void {
  if (isInUrl) history.pushState({ steps: stepsInside() + 1 }, '', target);
  else visited.push(place.value);
  stand(placeOf(target));
}

/** Change the query string of where we are, without a step for the back button. */
export function replaceSearch(search: string): void {
  if (search === place.value.search || isLeaving) return;
  if (isInUrl) history.replaceState(history.state, '', place.value.path + search);
  stand({ ...place.value, search });
}

/** The path of a list, filtered as it was when it was last shown. */
export function listPath(path: (typeof LISTS)[number]): string {
  return path + (listSearches.get(path) ?? '');
}

/** Go to where this page was before; where it was opened here, to `list`: what came before was another site. */
export function goBack(list: string): void {
  if (!isInUrl) {
    place.value = visited.pop() ?? place.value;
    return;
  }
  if (stepsInside() === 0) {
    navigate(list);
    return;
  }
  isLeaving = true;
  setTimeout(() => {
    isLeaving = false;
  }, LEAVING_MS);
  history.back();
}

function placeOf(target: string): Place {
  const [path = '/', search = ''] = target.split(/(?=\?)/, 2);
  return { path, search };
}

function stand(next: Place): void {
  if ((LISTS as readonly string[]).includes(next.path)) listSearches.set(next.path, next.search);
  place.value = next;
}

/** How many steps back stay inside this page; the browser keeps it over a reload. */
function stepsInside(): number {
  const { steps } = (history.state ?? {}) as { steps?: unknown };
  return typeof steps === 'number' ? steps : 0;
}

/** A link inside the page: the browser may open it elsewhere, the page goes there without loading anew. */
export function Link(props: { to: string; class?: string; label?: string; children: ComponentChildren }) {
  const go = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(props.to);
  };
  return (
    <a href={isInUrl ? props.to : '#'} class={props.class} onClick={go} aria-label={props.label}>
      {props.children}
    </a>
  );
}
