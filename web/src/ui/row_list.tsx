/** A long list of rows of one height, of which only those in view are in the document. */

import type { VNode } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import { anchoredScrollTop, scrollTopFor, windowOf } from '../model/view_window';

interface Props {
  count: number;
  rowHeight: number;
  /** Stays the same for what a row shows, wherever it stands. */
  keyOf: (row: number) => string;
  row: (row: number, style: { transform: string }) => VNode;
  /** The row that keys act on; -1 for none. */
  active: number;
  activeId: string | undefined;
  role: 'grid' | 'treegrid';
  label: string;
  /** Called when the last row comes into view. */
  onEnd?: () => void;
  /** Where the list is scrolled to: read when it is first shown, kept from then on. */
  scroll?: { scrollTop: number };
  /** Whether the list may scroll away from its beginning by itself, to keep what is pointed at in its place. */
  holdsBeginning?: boolean;
}

interface Anchor {
  key: string;
  row: number;
  offset: number;
}

export function RowList(props: Props) {
  const { count, rowHeight, active } = props;
  const box = useRef<HTMLDivElement>(null);
  const anchor = useRef<Anchor>({ key: '', row: 0, offset: 0 });
  const isFresh = useRef(true);
  const [view, setView] = useState({ first: 0, end: 60 });

  const look = () => {
    const element = box.current;
    if (!element) return;
    if (isStretched(element)) stretch(element);
    const seen = windowOf(element.scrollTop, element.clientHeight, rowHeight, count);
    setView((before) => (before.first === seen.first && before.end === seen.end ? before : seen));
    const row = Math.floor(element.scrollTop / rowHeight);
    if (props.scroll) props.scroll.scrollTop = element.scrollTop;
    anchor.current = { key: row < count ? props.keyOf(row) : '', row, offset: row * rowHeight - element.scrollTop };
    if (seen.end >= count) props.onEnd?.();
  };

  useAnchor(box, anchor, props);
  useScrolledAsBefore(box, anchor, props.scroll);
  const stay = useSteadyEdge(box, props);
  useLayoutEffect(look);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const resized = new ResizeObserver(() => {
      stay();
      look();
    });
    resized.observe(element);
    return () => resized.disconnect();
  }, [count, rowHeight]);
  useLayoutEffect(() => {
    const element = box.current;
    const isNew = isFresh.current;
    isFresh.current = false;
    if (!element || active < 0 || (isNew && props.scroll)) return;
    const top = scrollTopFor(active, element.scrollTop, element.clientHeight, rowHeight);
    if (top !== undefined) element.scrollTop = top;
  }, [active, props.activeId]);

  const rows = useRows(props, view.first, Math.min(view.end, count));
  return (
    <div
      ref={box}
      class="rows"
      role={props.role}
      aria-label={props.label}
      aria-rowcount={count}
      aria-activedescendant={active >= view.first && active < view.end ? props.activeId : undefined}
      tabIndex={0}
      onScroll={look}
    >
      <div class="rows-all" role="rowgroup" style={{ height: `${count * rowHeight}px` }}>
        {rows}
      </div>
    </div>
  );
}

/** The rows in view. Scrolling draws only those that come into view: what is handed on unchanged is not looked at again. */
function useRows(props: Props, first: number, end: number): VNode[] {
  const drawn = useRef<{ props: Props; rows: Map<number, VNode> }>({ props, rows: new Map() });
  const before = drawn.current.props === props ? drawn.current.rows : undefined;
  const rows = new Map<number, VNode>();
  for (let row = first; row < end; row += 1) {
    const style = { transform: `translateY(${row * props.rowHeight}px)` };
    rows.set(row, before?.get(row) ?? props.row(row, style));
  }
  drawn.current = { props, rows };
  return [...rows.values()];
}

/** A list that was shown before begins where it was left; another one at its beginning. */
function useScrolledAsBefore(
  box: { current: HTMLDivElement | null },
  anchor: { current: Anchor },
  scroll: Props['scroll'],
): void {
  useLayoutEffect(() => {
    if (!box.current || !scroll) return;
    box.current.scrollTop = scroll.scrollTop;
    anchor.current = { key: '', row: 0, offset: 0 };
  }, [scroll]);
}

/**
 * When what is above the list gets higher or lower, the rows stay where they are on the screen. A list at its beginning
 * stays there unless something in it is pointed at or marked. Returns what looks for such a change.
 */
function useSteadyEdge(box: { current: HTMLDivElement | null }, props: Props): () => void {
  const edge = useRef<number | undefined>(undefined);
  const heldBefore = useRef(false);
  const countBefore = useRef(props.count);
  const latest = useRef(props);
  latest.current = props;
  const stay = () => {
    const element = box.current;
    if (!element) return;
    const moved = element.offsetTop - (edge.current ?? element.offsetTop);
    edge.current = element.offsetTop;
    if (moved === 0) return;
    const top = Math.max(0, element.scrollTop + moved);
    const { active, rowHeight } = latest.current;
    const isLookedAt = heldBefore.current && (element.matches(':hover') || active * rowHeight >= top);
    if (element.scrollTop === 0 && !isLookedAt) return;
    if (top > element.scrollHeight - element.clientHeight) stretch(element, top);
    element.scrollTop = top;
  };
  useLayoutEffect(() => {
    // Fewer rows are looked for from the beginning: below them is nothing.
    if (props.count < countBefore.current && box.current) stretch(box.current, 0);
    countBefore.current = props.count;
    stay();
    heldBefore.current = props.holdsBeginning === true;
  });
  return stay;
}

/** Room below the rows, so that the list can be scrolled to `top`; scrolling back takes it away again. */
function stretch(element: HTMLElement, top = element.scrollTop): void {
  const rows = element.firstElementChild;
  if (!(rows instanceof HTMLElement)) return;
  const needed = top + element.clientHeight;
  rows.style.minHeight = top > 0 && needed > Number.parseFloat(rows.style.height) ? `${needed}px` : '';
}

function isStretched({ firstElementChild: rows }: HTMLElement): boolean {
  return rows instanceof HTMLElement && rows.style.minHeight !== '';
}

/** After a change, what stood at the top stands there still; a list that was at its beginning stays there. */
function useAnchor(box: { current: HTMLDivElement | null }, anchor: { current: Anchor }, props: Props): void {
  useLayoutEffect(() => {
    const element = box.current;
    const { key, row, offset } = anchor.current;
    if (!element || key === '' || (row === 0 && offset > -props.rowHeight / 2)) return;
    if (row < props.count && props.keyOf(row) === key) return;
    const top = anchoredScrollTop({ key, offset }, props.keyOf, row, props.count, props.rowHeight);
    if (top !== undefined && top !== element.scrollTop) element.scrollTop = top;
  });
}
