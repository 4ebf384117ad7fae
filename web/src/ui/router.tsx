/** Where the person is: the page's URL, or, in a report and in a chat client, a place that only the view knows. */

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

interface Place {
  readonly path: string;
  readonly search: string;
}

export const place = signal<Place>({ path: '/', search: '' });

const LEAVING_MS = 1_000;

let isInUrl = false;
/** The browser is on its way back; a change of the URL meanwhile would keep it here. */
let isLeaving = false;
const visited: Place[] = [];

/** Take the place from the URL, and keep it there. */
export function followUrl(): void {
  isInUrl = true;
  const read = () => {
    isLeaving = false;
    place.value = { path: location.pathname, search: location.search };
  };
  window.addEventListener('popstate', read);
  read();
}

/** Go to a path of this view, with its query string. */
export function navigate(target: string): void {
  const [path = '/', search = ''] = target.split(/(?=\?)/, 2);
  if (isInUrl) history.pushState(null, '', target);
  else visited.push(place.value);
  place.value = { path, search };
}

/** Change the query string of where we are, without a step for the back button. */
export function replaceSearch(search: string): void {
  if (search === place.value.search || isLeaving) return;
  if (isInUrl) history.replaceState(null, '', place.value.path + search);
  place.value = { ...place.value, search };
}

export function goBack(): void {
  if (!isInUrl) {
    place.value = visited.pop() ?? place.value;
    return;
  }
  isLeaving = true;
  setTimeout(() => {
    isLeaving = false;
  }, LEAVING_MS);
  history.back();
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
