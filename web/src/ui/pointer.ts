/** Zooming with the wheel and moving by dragging, over anything that lies along the time axis. */

import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import type { TimelineStore } from './timeline_store';

const ZOOM_PER_PX = 0.0015;
const CLICK_PX_MAX = 3;

/**
 * The wheel zooms around the pointer, sideways it moves. Where it also scrolls, zooming takes Ctrl. The axis lies in
 * the element with class `plot`, or in the whole element.
 */
export function useWheel(store: TimelineStore, options: { scrolls: boolean }): RefObject<HTMLDivElement | null> {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const onWheel = (event: WheelEvent) => {
      const axis = (element.querySelector('.plot') ?? element).getBoundingClientRect();
      const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (isSideways) {
        store.panBy((event.deltaX || event.deltaY) / Math.max(1, axis.width));
      } else if (!options.scrolls || event.ctrlKey || event.metaKey) {
        const anchor = Math.min(1, Math.max(0, (event.clientX - axis.left) / Math.max(1, axis.width)));
        store.zoomBy(Math.exp(event.deltaY * ZOOM_PER_PX), anchor);
      } else return;
      event.preventDefault();
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [store]);
  return box;
}

interface Drag {
  /** Called with where the drag began and where it is, as fractions of the width. */
  onMove: (from: number, to: number) => void;
  /** Called instead if the pointer hardly moved. */
  onClick?: (at: number, event: PointerEvent) => void;
  onStart?: (at: number) => void;
}

/** Handlers of an element that is dragged along the axis. */
export function dragHandlers(drag: Drag) {
  const fraction = (event: PointerEvent) => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    return (event.clientX - left) / Math.max(1, width);
  };
  let from: number | undefined;
  let startX = 0;
  let isDragging = false;
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0) return;
      from = fraction(event);
      startX = event.clientX;
      isDragging = false;
      drag.onStart?.(from);
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent) => {
      if (from === undefined) return;
      isDragging ||= Math.abs(event.clientX - startX) > CLICK_PX_MAX;
      if (isDragging) drag.onMove(from, fraction(event));
    },
    onPointerUp: (event: PointerEvent) => {
      if (from !== undefined && !isDragging) drag.onClick?.(fraction(event), event);
      from = undefined;
    },
    onPointerCancel: () => {
      from = undefined;
    },
  };
}
