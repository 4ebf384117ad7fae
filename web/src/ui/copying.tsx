/** Copying, and saying so. */

import { signal } from '@preact/signals';

const SHOWN_MS = 2_000;
const said = signal('');
let timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  said.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    said.value = '';
  }, SHOWN_MS);
}

/** Where what was copied is announced; once a page. */
export function Said() {
  return (
    <div class="said" role="status" aria-live="polite" data-shown={said.value !== ''}>
      {said.value}
    </div>
  );
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied ${what}`);
  } catch {
    say(copyBySelection(text) ? `Copied ${what}` : `This place allows no copying`);
  }
}

/** Without a text of its own it says only `Copy`, and its name says what. */
export function CopyButton(props: { text: string; what: string; children?: string }) {
  return (
    <button
      type="button"
      class="small"
      aria-label={props.children ? undefined : `Copy ${props.what}`}
      onClick={() => void copy(props.text, props.what)}
    >
      {props.children ?? 'Copy'}
    </button>
  );
}

/** Where the clipboard is closed to scripts: a page without TLS, or inside a frame. */
function copyBySelection(text: string): boolean {
  const field = document.createElement('textarea');
  field.value = text;
  field.setAttribute('aria-hidden', 'true');
  field.className = 'off-screen';
  document.body.append(field);
  const focused = document.activeElement;
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}
