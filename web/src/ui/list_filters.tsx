/** The filters above a list. They stand in the URL. */

import { useEffect, useRef, useState } from 'preact/hooks';

import { visibleLine } from '../model/plain_text';
import { NO_LIST_FILTERS, listFiltersOf, listSearch, type ListFilters } from '../model/routes';
import { useKeys } from './keys';
import { place, replaceSearch } from './router';

const TYPING_MS = 250;
export const TEXT_CHARS_MAX = 2_000;
const AGES = [
  ['', 'any time'],
  ['-5m', 'last 5 minutes'],
  ['-15m', 'last 15 minutes'],
  ['-1h', 'last hour'],
  ['-24h', 'last 24 hours'],
] as const;

export function ListFiltersBar({ services, isOfRequests }: { services: readonly string[]; isOfRequests: boolean }) {
  const field = useRef<HTMLInputElement>(null);
  const filters = listFiltersOf(place.value.search);
  const change = (some: Partial<ListFilters>) =>
    replaceSearch(listSearch({ ...listFiltersOf(place.value.search), ...some }));
  useKeys({ '/': () => field.current?.focus() });
  const isFiltered = Object.values(filters).some((value) => value !== '');
  const known =
    filters.service !== '' && !services.includes(filters.service) ? [filters.service, ...services] : services;
  return (
    <form class="list-filters" role="search" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <TextField
        field={field}
        label="Text"
        placeholder="URL, service, id …  /"
        title={`Looked for in ${isOfRequests ? 'URL, operation, services and id' : 'URLs, operations, services and id'}; not in causes, logs and attributes`}
        value={filters.query}
        onValue={(query) => change({ query })}
      />
      <TextField label="URL" placeholder="Part of a URL" value={filters.url} onValue={(url) => change({ url })} />
      <select
        aria-label="Service"
        value={filters.service}
        onChange={(event) => change({ service: event.currentTarget.value })}
      >
        <option value="">any service</option>
        {known.map((service) => (
          <option key={service} value={service}>
            {visibleLine(service)}
          </option>
        ))}
      </select>
      <Times filters={filters} onChange={change} />
      <button
        type="button"
        class="chip error"
        aria-pressed={filters.status === 'error'}
        onClick={() => change({ status: filters.status === 'error' ? '' : 'error' })}
      >
        Failed only
      </button>
      {isOfRequests && (
        <button
          type="button"
          class="chip"
          aria-pressed={filters.without_session === 'true'}
          onClick={() => change({ without_session: filters.without_session === 'true' ? '' : 'true' })}
        >
          Without session
        </button>
      )}
      {isFiltered && (
        <button type="button" class="small" onClick={() => replaceSearch(listSearch(NO_LIST_FILTERS))}>
          Clear
        </button>
      )}
    </form>
  );
}

interface TextFieldProps {
  label: string;
  placeholder: string;
  value: string;
  /** What is looked through. */
  title?: string;
  field?: { current: HTMLInputElement | null };
  onValue: (value: string) => void;
}

/** Takes effect when typing rests. */
function TextField({ label, placeholder, title, value, field, onValue }: TextFieldProps) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed.trim() === value) return undefined;
    const timer = setTimeout(() => onValue(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const leave = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== 'Escape') return;
    if (event.key === 'Enter') onValue(typed.trim());
    document.querySelector<HTMLElement>('.rows')?.focus();
  };
  return (
    <input
      ref={field ?? null}
      type="search"
      aria-label={label}
      placeholder={placeholder}
      title={title}
      maxLength={TEXT_CHARS_MAX}
      value={typed}
      onInput={(event) => setTyped(event.currentTarget.value)}
      onKeyDown={leave}
    />
  );
}

/** A round age, or any two times as they stand in the URL. */
function Times({ filters, onChange }: { filters: ListFilters; onChange: (some: Partial<ListFilters>) => void }) {
  const isAge = filters.until === '' && AGES.some(([age]) => age === filters.since);
  const [isExact, setExact] = useState(!isAge);
  const choose = (value: string) => {
    setExact(value === 'exact');
    if (value !== 'exact') onChange({ since: value, until: '' });
  };
  return (
    <>
      <select
        aria-label="Time"
        value={isExact || !isAge ? 'exact' : filters.since}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        {AGES.map(([age, words]) => (
          <option key={age} value={age}>
            {words}
          </option>
        ))}
        <option value="exact">from … to …</option>
      </select>
      {(isExact || !isAge) && (
        <>
          <TimeField label="From" value={filters.since} onValue={(since) => onChange({ since })} />
          <TimeField label="To" value={filters.until} onValue={(until) => onChange({ until })} />
        </>
      )}
    </>
  );
}

function TimeField({ label, value, onValue }: { label: string; value: string; onValue: (value: string) => void }) {
  const date = new Date(value);
  const isDate = !Number.isNaN(date.getTime());
  const local = isDate ? new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : '';
  const change = (text: string) => {
    const chosen = new Date(text);
    onValue(Number.isNaN(chosen.getTime()) ? '' : chosen.toISOString());
  };
  return (
    <input
      type="datetime-local"
      aria-label={label}
      value={local}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}
