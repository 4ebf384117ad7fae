/** A service and its colour, the same everywhere. */

import { Colours } from '../model/colours';
import { Line } from './telemetry_text';

const colours = new Colours();

/** The class that colours what belongs to a service. */
export function colourClass(service: string): string {
  return `c${colours.of(service)}`;
}

export function ServiceName({ name }: { name: string }) {
  return (
    <span class="service">
      <i class={`dot ${colourClass(name)}`} aria-hidden="true" />
      <Line text={name} />
    </span>
  );
}
