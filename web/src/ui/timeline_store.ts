/** The state of one timeline: what is loaded, what is shown of it, where in time, and what is selected. */

import { computed, signal } from '@preact/signals';

import type { AnswerError } from '../data/api';
import { hasAll, type Loaded, type Subject } from '../data/loading';
import type { Event } from '../model/answers';
import { NO_PATHS, pathsGap, pathsOf } from '../model/paths';
import { ALL_FOLDED, NO_FOLDING, folded, isFolded, type Folding } from '../model/folding';
import type { TimelineState } from '../model/routes';
import { NO_FILTERS, isFiltering, requestHeads, rowsOf, type Filters } from '../model/rows';
import { around, panned, within, zoomed, type Domain, type TimeSpan } from '../model/scale';
import { indexOf, isOrphan, timelineOf } from '../model/timeline';
import { afterMs, sinceMs } from '../model/times';

const MARGIN = 0.02;

export class TimelineStore {
  readonly loaded = signal<Loaded | undefined>(undefined);
  readonly problem = signal<AnswerError | undefined>(undefined);
  readonly filters = signal<Filters>(NO_FILTERS);
  readonly folding = signal<Folding>(NO_FOLDING);
  readonly selectedId = signal('');
  readonly isPanelOpen = signal(false);
  /** undefined: all of it, however it grows. */
  readonly zoom = signal<TimeSpan | undefined>(undefined);

  readonly timeline = computed(() => {
    const { events = [], errorsBeyond = 0, around: linked = 0 } = this.loaded.value ?? {};
    return timelineOf(events, events.length - errorsBeyond - linked);
  });
  readonly positions = computed(() => new Map(this.timeline.value.events.map((event, index) => [event.id, index])));
  /** What a filter finds is not collapsed; what was collapsed before, is again without the filter. */
  readonly isFiltered = computed(() => isFiltering(this.filters.value));
  readonly rows = computed(() =>
    rowsOf(this.timeline.value, this.filters.value, this.isFiltered.value ? NO_FOLDING : this.folding.value),
  );
  /** Indices of the first events of requests: what they collapse to. */
  readonly heads = computed(() => requestHeads(this.timeline.value));
  /** Whether all events are there. */
  readonly isWhole = computed(() => this.loaded.value !== undefined && hasAll(this.loaded.value));
  /** Why it cannot be said what a span did itself: what ran inside it may be missing; '' if it can. */
  readonly pathsGap = computed(() =>
    this.isWhole.value
      ? pathsGap(this.timeline.value, this.loaded.value?.notes ?? [])
      : 'not all events of the request are here',
  );
  readonly paths = computed(() =>
    this.subject.kind === 'request' && this.pathsGap.value === '' ? pathsOf(this.timeline.value) : NO_PATHS,
  );
  /** Until when the last of its spans ran, in milliseconds; where not all is here, at least. */
  readonly lastedMs = computed(() => this.timeline.value.ends.reduce((last, end) => Math.max(last, end), 0));
  readonly extent = computed((): Domain => {
    const [first, last] = this.timeline.value.extent;
    const margin = (last - first) * MARGIN || 1;
    return [first - margin, last + margin];
  });
  readonly domain = computed((): Domain => {
    const zoom = this.zoom.value;
    const { base } = this.timeline.value;
    if (!zoom || base === '') return this.extent.value;
    return within([sinceMs(zoom.from, base), sinceMs(zoom.to, base)], this.extent.value);
  });
  /** The row of the selected event, -1 if it has none. */
  readonly activeRow = computed(() => {
    const index = this.positions.value.get(this.selectedId.value);
    return index === undefined ? -1 : placeOf(this.rows.value.indices, index);
  });
  readonly selected = computed((): Event | undefined => {
    const index = this.positions.value.get(this.selectedId.value);
    return index === undefined ? undefined : this.timeline.value.events[index];
  });

  /** Of an event whose parent is not here: whether that may be stored all the same, with another session's events. */
  orphanOf(index: number): 'missing' | 'elsewhere' | undefined {
    const { isPart = false, sharedRequestIds = [] } = this.loaded.value ?? {};
    if (!isOrphan(this.timeline.value, index)) return undefined;
    const requestId = this.timeline.value.events[index]?.request_id ?? '';
    return isPart || sharedRequestIds.includes(requestId) ? 'elsewhere' : 'missing';
  }

  constructor(
    readonly subject: Subject,
    /** The event, or its span, that the address named when it was opened; '' for none. */
    readonly linkedId = '',
  ) {}

  select(id: string, options: { open?: boolean } = {}): void {
    this.selectedId.value = id;
    if (options.open !== undefined) this.isPanelOpen.value = options.open;
  }

  /** Select the row `step` rows on. */
  move(step: number): void {
    const { indices } = this.rows.value;
    if (indices.length === 0) return;
    const from = this.activeRow.value;
    const row = Math.max(0, Math.min(indices.length - 1, from < 0 && step === 1 ? 0 : from + step));
    this.selectRow(row);
  }

  selectRow(row: number): void {
    const event = this.timeline.value.events[this.rows.value.indices[row] ?? -1];
    if (event) this.select(event.id);
  }

  /** All of what is shown, as it stands in the URL. */
  get state(): TimelineState {
    return {
      filters: this.filters.value,
      folding: this.folding.value,
      zoom: this.zoom.value,
      selected: this.selectedId.value,
      isOpen: this.isPanelOpen.value,
    };
  }

  set state({ filters, folding, zoom, selected, isOpen }: TimelineState) {
    this.filters.value = filters;
    this.folding.value = folding;
    this.zoom.value = zoom;
    this.selectedId.value = selected;
    this.isPanelOpen.value = isOpen;
    this.nameSelected();
  }

  /** A span may be selected by its span id: from when it is there, by its event's id. */
  nameSelected(): void {
    const selected = this.selectedId.peek();
    if (selected === '' || this.positions.peek().has(selected)) return;
    const event = this.timeline.peek().events[indexOf(this.timeline.peek(), selected)];
    if (event) this.selectedId.value = event.id;
  }

  /** Whether collapsing the event, or opening it, changes what is shown. */
  canFold(index: number): boolean {
    return !this.isFiltered.value && (this.timeline.value.within[index] ?? 0) > 0;
  }

  isFolded(index: number): boolean {
    return isFolded(this.folding.value, this.timeline.value, index);
  }

  fold(index: number, isWanted: boolean): void {
    if (this.isFiltered.value) return;
    this.folding.value = folded(this.folding.value, this.timeline.value, index, isWanted);
  }

  /** All requests, also those that are still to come; what else was collapsed opens again. */
  foldRequests(isWanted: boolean): void {
    if (this.isFiltered.value) return;
    this.folding.value = isWanted ? ALL_FOLDED : NO_FOLDING;
  }

  /** Whether a request is left to collapse. */
  get canFoldRequests(): boolean {
    return this.heads.value.some((index) => !this.isFolded(index));
  }

  zoomBy(factor: number, anchor = 0.5): void {
    this.#show(zoomed(this.domain.value, factor, anchor, this.extent.value));
  }

  panBy(part: number): void {
    this.#show(panned(this.domain.value, part, this.extent.value));
  }

  zoomTo(from: number, to: number): void {
    this.#show(within([from, to], this.extent.value));
  }

  /** Bring the selected event, with all that it caused, to the middle of the axis. */
  zoomToSelected(): void {
    const { folders, starts, ends } = this.timeline.value;
    const chosen = this.positions.value.get(this.selectedId.value);
    if (chosen === undefined) return;
    let [from, to] = [starts[chosen] ?? 0, ends[chosen] ?? 0];
    const inside = new Set([chosen]);
    folders.forEach((folder, index) => {
      if (!inside.has(folder)) return;
      inside.add(index);
      from = Math.min(from, starts[index] ?? from);
      to = Math.max(to, ends[index] ?? to);
    });
    this.#show(around(from, to, this.extent.value));
  }

  #show(domain: Domain): void {
    const [first, last] = this.extent.value;
    const { base } = this.timeline.value;
    const isWhole = (domain[0] <= first && domain[1] >= last) || base === '';
    this.zoom.value = isWhole ? undefined : { from: afterMs(base, domain[0]), to: afterMs(base, domain[1]) };
  }
}

/** Where `index` stands in a sorted list; -1 if it does not. */
function placeOf(indices: readonly number[], index: number): number {
  let low = 0;
  let high = indices.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = indices[middle] ?? 0;
    if (found === index) return middle;
    if (found < index) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
