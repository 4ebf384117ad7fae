/** All services above one another on the time axis: what ran when, and what failed. */

import { useMemo } from 'preact/hooks';

import { FAILED, NOTHING, density } from '../model/density';
import { fractionOf, ticks, type Domain } from '../model/scale';
import type { Timeline } from '../model/timeline';
import { axisWords, countOf, countWords } from '../model/times';
import { useCanvas, useThemeChanges, type Surface } from './canvas';
import { dragHandlers, useWheel } from './pointer';
import { ServiceName, colourClass } from './service_name';
import type { TimelineStore } from './timeline_store';

const LANE_PX = 18;
const AXIS_PX = 20;
export const LANES_SHOWN_MAX = 40;
const NEAR_PX = 6;
/** How exactly the ends of the axis are named: in parts of what it shows. */
const NAMED_STEPS = 100;

export function Lanes({ store }: { store: TimelineStore }) {
  const timeline = store.timeline.value;
  const services = timeline.services.slice(0, LANES_SHOWN_MAX);
  const beyond = timeline.services.length - services.length;
  const domain = store.domain.value;
  const [from, to] = axisWords(domain, (domain[1] - domain[0]) / NAMED_STEPS);
  const theme = useThemeChanges();
  const selected = store.positions.value.get(store.selectedId.value);
  const canvas = useCanvas((surface) => drawLanes(surface, store, selected), [timeline, domain, theme.value, selected]);
  const wheel = useWheel(store, { scrolls: false });
  const drag = useMemo(() => lanesDrag(store), [store]);
  return (
    <div class="lanes" role="group" aria-label="Services on the time axis" tabIndex={0}>
      <ol class="lane-names">
        {services.map((service) => (
          <li key={service}>
            <ServiceName name={service} />
          </li>
        ))}
        {beyond > 0 && <li>and {countWords(beyond)} more</li>}
      </ol>
      <div class="lane-plot" ref={wheel} {...drag}>
        <canvas
          ref={canvas}
          style={{ height: `${AXIS_PX + services.length * LANE_PX}px` }}
          role="img"
          aria-label={`Time axis from ${from} to ${to}, ${countOf(timeline.services.length, 'service')}, ${countOf(timeline.errors, 'error')}`}
        />
        <i hidden />
      </div>
    </div>
  );
}

function lanesDrag(store: TimelineStore) {
  let shown: Domain = [0, 0];
  return dragHandlers({
    onStart: () => {
      shown = store.domain.peek();
    },
    onMove: (from, to) => {
      const by = (from - to) * (shown[1] - shown[0]);
      store.zoomTo(shown[0] + by, shown[1] + by);
    },
    onClick: (at, event) => {
      const { top, width } = (event.currentTarget as Element).getBoundingClientRect();
      const lane = Math.floor((event.clientY - top - AXIS_PX) / LANE_PX);
      const found = nearest(store.timeline.peek(), lane, at, store.domain.peek(), width);
      if (found !== undefined) store.select(found, { open: true });
    },
  });
}

function drawLanes(
  { context, width, height, colour }: Surface,
  store: TimelineStore,
  selected: number | undefined,
): void {
  const timeline = store.timeline.peek();
  const domain = store.domain.peek();
  const columns = Math.max(1, Math.floor(width));
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  const marks = ticks(domain, width);
  const [first = domain[0], second = first + domain[1] - domain[0]] = marks;
  const names = axisWords(marks, second - first);
  marks.forEach((tick, place) => {
    const x = Math.round(fractionOf(tick, domain) * width) + 0.5;
    context.fillStyle = colour('line');
    context.fillRect(x, 0, 1, height);
    context.fillStyle = colour('quiet');
    const words = names[place] ?? '';
    if (x + 4 + context.measureText(words).width < width) context.fillText(words, x + 4, AXIS_PX / 2);
  });
  density(timeline, domain, columns)
    .slice(0, LANES_SHOWN_MAX)
    .forEach((cells, lane) => {
      const top = AXIS_PX + lane * LANE_PX;
      context.fillStyle = colour(colourClass(timeline.services[lane] ?? ''));
      fillRuns(context, cells, (cell) => cell !== NOTHING, top + 4, LANE_PX - 8);
      context.fillStyle = colour('bad');
      fillRuns(context, cells, (cell) => cell === FAILED, top + 1, LANE_PX - 2);
    });
  if (selected === undefined) return;
  const x = fractionOf(timeline.starts[selected] ?? 0, domain) * width;
  context.fillStyle = colour('text');
  if (x >= 0 && x <= width) context.fillRect(Math.round(x), AXIS_PX - 4, 1, height);
}

/** Neighbouring columns that are alike are one rectangle, at least two pixels wide. */
export function fillRuns(
  context: CanvasRenderingContext2D,
  cells: Uint8Array,
  isIn: (cell: number) => boolean,
  top: number,
  height: number,
): void {
  let start = -1;
  for (let column = 0; column <= cells.length; column += 1) {
    const isFilled = column < cells.length && isIn(cells[column] ?? NOTHING);
    if (isFilled && start < 0) start = column;
    if (isFilled || start < 0) continue;
    context.fillRect(start, top, Math.max(2, column - start), height);
    start = -1;
  }
}

/** The event of a lane that is under the pointer, the shortest and a failed one first; else the nearest by. */
function nearest(timeline: Timeline, lane: number, at: number, domain: Domain, width: number): string | undefined {
  const service = timeline.services[lane];
  const msPerPx = (domain[1] - domain[0]) / Math.max(1, width);
  const time = domain[0] + at * (domain[1] - domain[0]);
  let best: { id: string; rank: number } | undefined;
  timeline.events.forEach((event, index) => {
    if (event.service !== service) return;
    const start = timeline.starts[index] ?? 0;
    const end = timeline.ends[index] ?? 0;
    const away = Math.max(0, start - time, time - end) / msPerPx;
    if (away > NEAR_PX) return;
    const edge = Math.min(Math.abs(time - start), Math.abs(time - end)) / msPerPx;
    const rank = away * 1e6 + (event.error && edge <= NEAR_PX ? 0 : 1e5) + Math.min(9e4, (end - start) / msPerPx);
    if (best === undefined || rank < best.rank) best = { id: event.id, rank };
  });
  return best?.id;
}
