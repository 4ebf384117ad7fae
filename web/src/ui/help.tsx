/** All keys, on `?`. */

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { useKeys } from './keys';

export const isHelpOpen = signal(false);

const KEYS: readonly (readonly [string, string])[] = [
  ['j k ↓ ↑', 'next, previous row'],
  ['Enter', 'open what is marked'],
  ['Esc', 'close; in a list or a timeline: back'],
  ['/', 'search'],
  ['e  E', 'next, previous error or difference'],
  ['← →', 'collapse, expand'],
  ['c', 'collapse or expand all requests'],
  ['r', 'open the request of the marked event'],
  ['+ −  w s', 'zoom in, out'],
  ['a d', 'move along the time axis'],
  ['z', 'zoom to the marked event'],
  ['0', 'the whole time'],
  ['?', 'this list'],
];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useKeys({ '?': () => void (isHelpOpen.value = !isHelpOpen.value) });
  useEffect(() => {
    if (isHelpOpen.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isHelpOpen.value]);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (isHelpOpen.value = false)}>
      <h2 id="help-title">Keys</h2>
      <dl>
        {KEYS.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet">
        The wheel zooms over the lanes; over the rows with Ctrl. Drag to move, drag in the overview to choose a time.
      </p>
      <button type="button" onClick={() => (isHelpOpen.value = false)}>
        Close
      </button>
    </dialog>
  );
}
