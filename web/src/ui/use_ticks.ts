/** What is said of how long ago something was grows old by itself. */

import { useEffect, useState } from 'preact/hooks';

const TICK_MS = 10_000;

/** How many ticks there have been; whoever calls it is drawn anew with each, while somebody sees it. */
export function useTicks(): number {
  const [ticks, setTicks] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') setTicks((before) => before + 1);
    }, TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return ticks;
}
