/** Attributes, sorted by name, as text. */

import type { Value } from '../model/answers';
import { CopyButton } from './copying';
import { Long, Name } from './telemetry_text';

export const ATTRIBUTES_SHOWN_MAX = 200;

interface Props {
  title: string;
  values: { readonly [key: string]: Value };
  /** Names of values that the answer cut. */
  cutNames: readonly string[];
}

export function AttributeTable({ title, values, cutNames }: Props) {
  const names = Object.keys(values).toSorted();
  if (names.length === 0) return null;
  return (
    <section>
      <h3>
        {title} <span class="quiet">{names.length}</span>{' '}
        <CopyButton text={JSON.stringify(values, undefined, 2)} what={`${title.toLowerCase()} as JSON`} />
      </h3>
      <table class="attributes">
        <tbody>
          {names.slice(0, ATTRIBUTES_SHOWN_MAX).map((name) => (
            <tr key={name}>
              <th scope="row">
                <Name text={name} />
              </th>
              <td>
                <Long text={valueText(values[name] ?? null)} />
                {cutNames.includes(name) && <small class="tag">cut</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {names.length > ATTRIBUTES_SHOWN_MAX && (
        <p class="quiet">{names.length - ATTRIBUTES_SHOWN_MAX} more; copy them to see them</p>
      )}
    </section>
  );
}

function valueText(value: Value): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
