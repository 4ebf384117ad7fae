/** Which rows of a long list are drawn. */

export interface RowWindow {
  readonly first: number;
  /** One after the last. */
  readonly end: number;
}

const OVERSCAN_ROWS = 6;
const AROUND_ROWS = 3;

export function windowOf(scrollTop: number, height: number, rowHeight: number, count: number): RowWindow {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - OVERSCAN_ROWS);
  const end = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + OVERSCAN_ROWS);
  return { first: Math.min(first, end), end };
}

/** Where to scroll so that `row` is in view, with some rows around it; undefined if it is in view already. */
export function scrollTopFor(row: number, scrollTop: number, height: number, rowHeight: number): number | undefined {
  const margin = Math.min(AROUND_ROWS, Math.floor(height / rowHeight / 4)) * rowHeight;
  const top = row * rowHeight;
  if (top < scrollTop) return Math.max(0, top - margin);
  return top + rowHeight > scrollTop + height ? top + rowHeight + margin - height : undefined;
}

/**
 * Where to scroll after the list changed, so that the row that stood at the top stands there still; undefined if it
 * went.
 */
export function anchoredScrollTop(
  anchor: { key: string; offset: number },
  keyOf: (row: number) => string,
  near: number,
  count: number,
  rowHeight: number,
): number | undefined {
  for (let distance = 0; distance < count; distance += 1) {
    for (const row of distance === 0 ? [near] : [near + distance, near - distance]) {
      if (row >= 0 && row < count && keyOf(row) === anchor.key) return row * rowHeight - anchor.offset;
    }
  }
  return undefined;
}
