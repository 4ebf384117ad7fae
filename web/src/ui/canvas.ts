/** A canvas that is as sharp as the screen, drawn at most once a frame, in the colours of the style sheet. */

import { useSignal, type Signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

export interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  /** The resolved colour of a class of the style sheet. */
  readonly colour: (name: string) => string;
}

/** Changes when colours do: light to dark, or another theme of the host. */
export function useThemeChanges(): Signal<number> {
  const changes = useSignal(0);
  useEffect(() => {
    const look = () => {
      changes.value += 1;
    };
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', look);
    const themed = new MutationObserver(look);
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => {
      dark.removeEventListener('change', look);
      themed.disconnect();
    };
  }, []);
  return changes;
}

/** `draw` runs on the next frame after `reasons` changed or the canvas got another size. */
export function useCanvas(
  draw: (surface: Surface) => void,
  reasons: readonly unknown[],
): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(draw);
  latest.current = draw;
  const frame = useRef(0);
  const soon = () => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => {
      const surface = canvas.current && surfaceOf(canvas.current);
      if (surface) latest.current(surface);
    });
  };
  useLayoutEffect(soon, reasons);
  useEffect(() => {
    if (!canvas.current) return undefined;
    const resized = new ResizeObserver(soon);
    resized.observe(canvas.current);
    return () => {
      resized.disconnect();
      cancelAnimationFrame(frame.current);
    };
  }, []);
  return canvas;
}

function surfaceOf(canvas: HTMLCanvasElement): Surface | undefined {
  const context = canvas.getContext('2d');
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!context || width === 0 || height === 0) return undefined;
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height, colour: colourReader(canvas) };
}

/** Reads colours off a hidden element beside the canvas, where `light-dark()` is resolved. */
function colourReader(canvas: HTMLCanvasElement): (name: string) => string {
  const probe = canvas.nextElementSibling;
  const known = new Map<string, string>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined || !probe) return found ?? 'gray';
    probe.setAttribute('class', `probe ${name}`);
    const colour = getComputedStyle(probe).color;
    known.set(name, colour);
    return colour;
  };
}
