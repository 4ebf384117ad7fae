/** Keys of the whole page. A view adds its own for as long as it is shown; what was added last is asked first. */

import { useEffect, useRef } from 'preact/hooks';

/** From a key (`KeyboardEvent.key`) to what it does. Returning false leaves the key to others. */
export type Keys = { [key: string]: ((event: KeyboardEvent) => void | false) | undefined };

const listening: { current: Keys }[] = [];

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isInDialog(event.target) || (isTyping(event.target) && event.key !== 'Escape')) return;
  for (const keys of listening.toReversed()) {
    const act = keys.current[event.key];
    if (act === undefined || act(event) === false) continue;
    event.preventDefault();
    return;
  }
});

/** With `rest`, these take what every view left, also where they are added after a view's: effects run from the inside. */
export function useKeys(keys: Keys, { rest = false } = {}): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    if (rest) listening.unshift(latest);
    else listening.push(latest);
    return () => {
      listening.splice(listening.indexOf(latest), 1);
    };
  }, []);
}

/** Whether the element itself uses the key: a field takes letters, a button Enter. */
export function isOnControl(event: KeyboardEvent): boolean {
  return (
    event.target instanceof Element && event.target.closest('a, button, input, select, textarea, summary') !== null
  );
}

/** Whether what has the focus, and is no list of rows, is scrolled by the keys that move. */
export function isScrolled({ target }: KeyboardEvent): boolean {
  return target instanceof Element && target.matches('.lanes') && target.scrollHeight > target.clientHeight;
}

/** A dialog has its own keys, and what is behind it takes none. */
function isInDialog(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('dialog[open]') !== null;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches('input, select, textarea');
}
