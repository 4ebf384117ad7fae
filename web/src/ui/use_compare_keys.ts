/** Moving through a comparison by keys: row by row, or from difference to difference. */

import { useState } from 'preact/hooks';

import type { Pair } from '../model/compare';
import { useKeys } from './keys';

export function useCompareKeys(pairs: readonly Pair[]): [number, (row: number) => void] {
  const [active, setActive] = useState(-1);
  const move = (step: number) => () => setActive(Math.max(0, Math.min(pairs.length - 1, active + step)));
  const jump = (step: 1 | -1) => () => {
    for (let row = active + step; row >= 0 && row < pairs.length; row += step) {
      if ((pairs[row]?.differences.length ?? 0) > 0) {
        setActive(row);
        return;
      }
    }
  };
  useKeys({ j: move(1), k: move(-1), ArrowDown: move(1), ArrowUp: move(-1), e: jump(1), E: jump(-1) });
  return [active, setActive];
}
