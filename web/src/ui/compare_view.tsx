/** Two requests side by side, with what differs between them marked. */

import { useMemo } from 'preact/hooks';

import type { Loaded } from '../data/loading';
import { compare, comparisonWords, type Difference, type Pair } from '../model/compare';
import { comparePath, requestPath } from '../model/routes';
import { categoryOf, type Timeline } from '../model/timeline';
import { countOf, durationWords } from '../model/times';
import { causeWords, shortId, statusOf, titleOf } from '../model/words';
import { CategoryIcon } from './icons';
import { Problem } from './problem';
import { Called } from './request_line';
import { Link, listPath } from './router';
import { RowList } from './row_list';
import { ServiceName, colourClass, useColours } from './service_name';
import { Line, Sentence } from './telemetry_text';
import { useTimeline, type Source } from './use_timeline';
import { useCompareKeys } from './use_compare_keys';

const ROW_PX = 26;
const INDENTS_MAX = 10;
/** In a narrow column all of them leave 6rem to what the row says. */
const INDENT = `clamp(0px, (100% - 6rem) / ${INDENTS_MAX}, 12px)`;
const WORDS: { readonly [difference in Difference]: string } = {
  missing: 'left only',
  extra: 'right only',
  status: 'status',
  slower: 'slower',
  faster: 'faster',
};

export function CompareView({ source, left, right }: { source: Source; left: string; right: string }) {
  const leftStore = useTimeline(source, { kind: 'request', id: left });
  const rightStore = useTimeline(source, { kind: 'request', id: right });
  const lefts = leftStore.timeline.value;
  const rights = rightStore.timeline.value;
  useColours([...lefts.services, ...rights.services]);
  const sides = [leftStore.loaded.value, rightStore.loaded.value];
  const isComparable = sides.every((side) => side !== undefined && !side.isLoading && side.events.length > 0);
  const pairs = useMemo(() => (isComparable ? compare(lefts, rights) : []), [isComparable, lefts, rights]);
  const [active, setActive] = useCompareKeys(pairs);
  const problem = leftStore.problem.value ?? rightStore.problem.value;
  if (problem) return <Problem error={problem} />;
  const longest = Math.max(lefts.extent[1], rights.extent[1], 0.001);
  return (
    <main class="compare">
      <header class="head">
        <div class="title">
          <Link to={listPath('/requests')} class="back">
            Requests
          </Link>
          <h1>
            <span class="words">Two requests compared</span>
          </h1>
          <Link class="button" to={comparePath(right, left)}>
            Swap
          </Link>
        </div>
        <p class="facts" role="status">
          {isComparable
            ? comparisonWords(
                pairs,
                [lefts, rights],
                sides.map((side) => side?.total ?? 0),
              )
            : unreadyWords(sides)}
        </p>
      </header>
      <div class="sides">
        <Side loaded={leftStore.loaded.value} word="Left" />
        <Side loaded={rightStore.loaded.value} word="Right" />
      </div>
      <RowList
        count={pairs.length}
        rowHeight={ROW_PX}
        keyOf={(row) => pairKey(pairs[row], lefts, rights)}
        active={active}
        activeId={active < 0 ? undefined : `pair-${active}`}
        role="grid"
        label="Events of both requests, side by side"
        row={(row, style) => (
          <PairRow
            key={pairKey(pairs[row], lefts, rights)}
            pair={pairs[row] as Pair}
            row={row}
            lefts={lefts}
            rights={rights}
            longest={longest}
            isActive={row === active}
            style={style}
            onClick={() => setActive(row)}
          />
        )}
      />
    </main>
  );
}

/** Why there is nothing to compare, yet or at all. */
function unreadyWords(sides: readonly (Loaded | undefined)[]): string {
  const unknown = ['left', 'right'].filter((_, side) => sides[side]?.events.length === 0);
  return unknown.length > 0
    ? `Nothing to compare: nothing is stored of the ${unknown.join(' and the ')} request`
    : 'Loading both requests…';
}

function Side({ loaded, word }: { loaded: Loaded | undefined; word: string }) {
  const request = loaded?.request;
  if (!loaded) return <section class="side">Loading…</section>;
  if (!request) return <section class="side">{loaded.notes[0] ?? 'Nothing is stored of it'}</section>;
  return (
    <section class="side" aria-label={`${word}: request ${shortId(request.request_id)}`}>
      <h2>
        <Link class="words" to={requestPath(request.request_id)}>
          <Called request={request} />
        </Link>{' '}
        {request.status !== undefined && <span class={`status ${request.cause ? 'bad' : ''}`}>{request.status}</span>}
      </h2>
      <p class="facts">
        <code>{shortId(request.request_id)}</code>
        {request.duration_ms !== undefined && <span>{durationWords(request.duration_ms)}</span>}
        <span>{countOf(loaded.total, 'event')}</span>
      </p>
      {request.cause && (
        <p class="cause">
          <b>Cause</b> <Sentence text={causeWords(request.cause)} />
        </p>
      )}
    </section>
  );
}

interface PairRowProps {
  pair: Pair;
  row: number;
  lefts: Timeline;
  rights: Timeline;
  longest: number;
  isActive: boolean;
  style: { transform: string };
  onClick: () => void;
}

function PairRow(props: PairRowProps) {
  const { pair, lefts, rights, longest } = props;
  const words = pair.differences.map((difference) => WORDS[difference]).join(', ');
  return (
    <div
      id={`pair-${props.row}`}
      class="row pair"
      role="row"
      aria-rowindex={props.row + 1}
      aria-selected={props.isActive}
      data-differs={pair.differences.join(' ')}
      style={props.style}
      onClick={props.onClick}
    >
      <Half timeline={lefts} index={pair.left} depth={pair.depth} longest={longest} />
      <span role="gridcell" class="differs">
        {words}
      </span>
      <Half timeline={rights} index={pair.right} depth={pair.depth} longest={longest} />
    </div>
  );
}

function Half(props: { timeline: Timeline; index: number; depth: number; longest: number }) {
  const { timeline, index, longest } = props;
  const event = timeline.events[index];
  if (!event) return <span role="gridcell" class="half none" aria-label="nothing here" />;
  const start = ((timeline.starts[index] ?? 0) / longest) * 100;
  const width = (((timeline.ends[index] ?? 0) - (timeline.starts[index] ?? 0)) / longest) * 100;
  const status = statusOf(event);
  const isPoint = event.duration_ms === undefined;
  return (
    <span role="gridcell" class="half">
      <span class="what" style={{ paddingLeft: `calc(${Math.min(props.depth, INDENTS_MAX)} * ${INDENT})` }}>
        <CategoryIcon category={categoryOf(event)} isError={event.error} />
        <ServiceName name={event.service} />
        <Line text={titleOf(event)} class="text" />
        {status && <span class={event.error || Number(status) >= 500 ? 'status bad' : 'status'}>{status}</span>}
      </span>
      <span class="number">{isPoint ? '' : durationWords(event.duration_ms ?? 0)}</span>
      <i
        class={`${isPoint ? 'point' : 'bar'} ${colourClass(event.service)}${event.error ? ' failed' : ''}`}
        style={{ left: `${start.toFixed(2)}%`, width: `${width.toFixed(2)}%` }}
      />
    </span>
  );
}

function pairKey(pair: Pair | undefined, lefts: Timeline, rights: Timeline): string {
  if (!pair) return '';
  return `${lefts.events[pair.left]?.id ?? ''}|${rights.events[pair.right]?.id ?? ''}`;
}
