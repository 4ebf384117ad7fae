/** The whole time, small; the part in view is marked, and moved or chosen anew by dragging. */

import { useMemo } from 'preact/hooks';

import { FAILED, NOTHING, density, stripLanes } from '../model/density';
import { fractionOf, type Domain } from '../model/scale';
import { durationWords } from '../model/times';
import { useCanvas, useThemeChanges } from './canvas';
import { fillRuns } from './lanes';
import { dragHandlers } from './pointer';
import { colourClass } from './service_name';
import type { TimelineStore } from './timeline_store';

const PERCENT = 100;

export function Minimap({ store }: { store: TimelineStore }) {
  const timeline = store.timeline.value;
  const extent = store.extent.value;
  const theme = useThemeChanges();
  const canvas = useCanvas(
    ({ context, width, height, colour }) => {
      const lanes = density(timeline, extent, Math.max(1, Math.floor(width)));
      const { tops, laneHeight } = stripLanes(lanes.length, height);
      lanes.forEach((cells, lane) => {
        context.fillStyle = colour(colourClass(timeline.services[lane] ?? ''));
        fillRuns(context, cells, (cell) => cell !== NOTHING, tops[lane] ?? 0, laneHeight);
      });
      context.fillStyle = colour('bad');
      for (const cells of lanes) fillRuns(context, cells, (cell) => cell === FAILED, 0, height);
    },
    [timeline, extent, theme.value],
  );
  const drag = useMemo(() => minimapDrag(store), [store]);
  return (
    <div class="minimap" {...drag}>
      <canvas ref={canvas} role="img" aria-label="Overview of the whole time" />
      <i hidden />
      <Brush store={store} />
    </div>
  );
}

function Brush({ store }: { store: TimelineStore }) {
  const [from, to] = store.domain.value;
  const left = fractionOf(from, store.extent.value) * PERCENT;
  const width = fractionOf(to, store.extent.value) * PERCENT - left;
  return (
    <div
      class="brush"
      data-whole={store.zoom.value === undefined}
      style={{ left: `${left}%`, width: `${Math.max(width, 0.2)}%` }}
      title={`In view: ${durationWords(to - from)}`}
    />
  );
}

/** Dragging inside the marked part moves it, elsewhere it marks another. */
function minimapDrag(store: TimelineStore) {
  let shown: Domain = [0, 0];
  let isMoving = false;
  const timeAt = (fraction: number) => {
    const [first, last] = store.extent.peek();
    return first + fraction * (last - first);
  };
  return dragHandlers({
    onStart: (at) => {
      shown = store.domain.peek();
      isMoving = store.zoom.peek() !== undefined && timeAt(at) > shown[0] && timeAt(at) < shown[1];
    },
    onMove: (from, to) => {
      if (isMoving) {
        const by = timeAt(to) - timeAt(from);
        store.zoomTo(shown[0] + by, shown[1] + by);
      } else store.zoomTo(timeAt(Math.min(from, to)), timeAt(Math.max(from, to)));
    },
    onClick: (at) => {
      const half = (shown[1] - shown[0]) / 2;
      if (store.zoom.peek() !== undefined) store.zoomTo(timeAt(at) - half, timeAt(at) + half);
    },
  });
}
