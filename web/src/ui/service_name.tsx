/** A service and its colour, the same in all that is shown together. */

import { signal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';

import { colourOf, coloursOf } from '../model/colours';
import { Line } from './telemetry_text';

const colours = signal<ReadonlyMap<string, number>>(new Map());

/** These services are shown now: as far as there are colours, each has its own. */
export function useColours(services: readonly string[]): void {
  const names = JSON.stringify(services.toSorted());
  useLayoutEffect(() => {
    colours.value = coloursOf(JSON.parse(names) as string[]);
  }, [names]);
}

/** The class that colours what belongs to a service. */
export function colourClass(service: string): string {
  return `c${colours.value.get(service) ?? colourOf(service)}`;
}

export function ServiceName({ name }: { name: string }) {
  return (
    <span class="service">
      <i class={`dot ${colourClass(name)}`} aria-hidden="true" />
      <Line text={name} />
    </span>
  );
}
