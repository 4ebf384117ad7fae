/** One sign for each kind of event. */

import type { Category } from '../model/timeline';

const PATHS: { [name: string]: string } = {
  page: 'M3 2h10v12H3zM3 5h10',
  action: 'M5 2l7 7-4 .4L6.5 13z',
  request: 'M2 6h11M10 3l3 3-3 3M14 11H3M6 8l-3 3 3 3',
  span: 'M2 5h9v2H2zM5 9h9v2H5z',
  log: 'M3 4h10M3 8h10M3 12h6',
  event: 'M8 3l5 5-5 5-5-5z',
  error: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 5v4M8 11v.4',
};

export const CATEGORY_WORDS: { readonly [category in Category]: string } = {
  page: 'page',
  action: 'user action',
  request: 'request',
  span: 'span',
  log: 'log',
  event: 'event',
};

/** Plural names, for filters. */
export const CATEGORIES_WORDS: { readonly [category in Category]: string } = {
  page: 'Pages',
  action: 'Actions',
  request: 'Requests',
  span: 'Spans',
  log: 'Logs',
  event: 'Events',
};

export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name] ?? ''} />
    </svg>
  );
}

export function CategoryIcon({ category, isError }: { category: Category; isError: boolean }) {
  return (
    <span class={isError ? 'sign failed' : 'sign'}>
      <Icon name={isError ? 'error' : category} />
      <span class="off-screen">{isError ? `failed ${CATEGORY_WORDS[category]}` : CATEGORY_WORDS[category]}</span>
    </span>
  );
}
