/** What of a timeline is shown. Errors are shown whatever is chosen here. */

import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';

import { visibleLine } from '../model/plain_text';
import { NO_FILTERS, type Filters } from '../model/rows';
import { CATEGORIES, categoryOf } from '../model/timeline';
import { CATEGORIES_WORDS, Icon } from './icons';
import { useKeys } from './keys';
import { ServiceName } from './service_name';
import type { TimelineStore } from './timeline_store';
import { countOf, countWords } from '../model/times';
import { errorWords } from '../model/words';

export const SERVICES_SHOWN_MAX = 12;

export function TimelineFilters({ store }: { store: TimelineStore }) {
  const field = useRef<HTMLInputElement>(null);
  const filters = store.filters.value;
  const timeline = store.timeline.value;
  const change = (some: Partial<Filters>) => {
    store.filters.value = { ...filters, ...some };
  };
  useKeys({ '/': () => field.current?.focus() });
  const counts = new Map<string, number>();
  for (const event of timeline.events) counts.set(categoryOf(event), (counts.get(categoryOf(event)) ?? 0) + 1);
  const loaded = store.loaded.value;
  const failed = errorWords({
    errors: timeline.errors,
    events: timeline.events.length,
    total: loaded?.total ?? 0,
    hasErrors: loaded?.session?.has_errors === true,
  });
  const blur = (event: KeyboardEvent) => {
    if (event.key === 'Enter' || event.key === 'Escape') document.querySelector<HTMLElement>('.rows')?.focus();
  };
  return (
    <div class="filters" role="search" aria-label="Filter the events">
      <input
        ref={field}
        type="search"
        placeholder="Filter by text  /"
        aria-label="Filter by text"
        value={filters.text}
        onInput={(event) => change({ text: event.currentTarget.value })}
        onKeyDown={blur}
      />
      <div class="chips" role="group" aria-label="Kinds of events">
        <Chip
          isOn={filters.errorsOnly}
          isError={failed !== countOf(0, 'error')}
          onClick={() => change({ errorsOnly: !filters.errorsOnly })}
        >
          <Icon name="error" /> {failed}
        </Chip>
        {CATEGORIES.filter((category) => counts.has(category)).map((category) => (
          <Chip
            key={category}
            isOn={filters.categories.has(category)}
            onClick={() => change({ categories: toggled(filters.categories, category) })}
          >
            <Icon name={category} /> {CATEGORIES_WORDS[category]} <small>{countWords(counts.get(category) ?? 0)}</small>
          </Chip>
        ))}
      </div>
      <Services
        services={timeline.services}
        chosen={filters.services}
        onToggle={(service) => change({ services: toggled(filters.services, service) })}
      />
      <Shown store={store} />
    </div>
  );
}

interface ServicesProps {
  services: readonly string[];
  chosen: ReadonlySet<string>;
  onToggle: (service: string) => void;
}

/** The first services and all that are chosen, also those that are not there; the others are chosen from a list. */
function Services({ services, chosen, onToggle }: ServicesProps) {
  const shown = new Set([...services.slice(0, SERVICES_SHOWN_MAX), ...chosen]);
  const others = services.filter((service) => !shown.has(service));
  return (
    <div class="chips" role="group" aria-label="Services">
      {[...shown].map((service) => (
        <Chip key={service} isOn={chosen.has(service)} onClick={() => onToggle(service)}>
          <ServiceName name={service} />
        </Chip>
      ))}
      {others.length > 0 && (
        <select
          class="chip"
          aria-label="More services"
          value=""
          onChange={(event) => onToggle(event.currentTarget.value)}
        >
          <option value="">{countWords(others.length)} more</option>
          {others.map((service) => (
            <option key={service} value={service}>
              {visibleLine(service)}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}

/** How much of it is shown, and the way back to all. */
function Shown({ store }: { store: TimelineStore }) {
  const { indices, matching, keptErrors } = store.rows.value;
  const count = store.timeline.value.events.length;
  const isFolded = !store.canFoldRequests;
  const isFiltered = store.isFiltered.value;
  const words = isFiltered
    ? `${countWords(matching)} of ${countWords(count)} match` +
      (keptErrors > 0 ? `, and ${countWords(keptErrors)} that failed` : '')
    : indices.length < count
      ? `${countWords(indices.length)} of ${countWords(count)} rows`
      : '';
  return (
    <div class="shown">
      <span role="status">{words}</span>
      {isFiltered && (
        <button type="button" class="small" onClick={() => (store.filters.value = NO_FILTERS)}>
          Show all
        </button>
      )}
      {store.heads.value.length > 1 && !isFiltered && (
        <button type="button" class="small" aria-pressed={isFolded} onClick={() => store.foldRequests(!isFolded)}>
          {isFolded ? 'Expand requests' : 'Collapse requests'}
        </button>
      )}
      {store.zoom.value && (
        <button type="button" class="small" onClick={() => (store.zoom.value = undefined)}>
          Whole time
        </button>
      )}
    </div>
  );
}

function Chip(props: { isOn: boolean; isError?: boolean; onClick: () => void; children: ComponentChildren }) {
  return (
    <button
      type="button"
      class={props.isError ? 'chip error' : 'chip'}
      aria-pressed={props.isOn}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}

function toggled<Item>(items: ReadonlySet<Item>, item: Item): Set<Item> {
  const changed = new Set(items);
  if (!changed.delete(item)) changed.add(item);
  return changed;
}
