/** Text that came with telemetry: never markup, on its own for the direction of writing, cut where it is very long. */

import { Fragment } from 'preact';
import { useState } from 'preact/hooks';

import { SHOWN_CHARS_MAX, SHOWN_WHOLE_CHARS_MAX, cut, visible, visibleLine } from '../model/plain_text';
import { countWords } from '../model/times';

const LINE_CHARS_MAX = 400;

/** One line of it. */
export function Line({ text, class: name }: { text: string; class?: string }) {
  return <bdi class={name}>{visibleLine(cut(text, LINE_CHARS_MAX))}</bdi>;
}

/** One line that begins with words of telemetry and goes on with ours: it is read from the left, whatever these are. */
export function Sentence({ text }: { text: string }) {
  return <bdi dir="ltr">{visibleLine(cut(text, LINE_CHARS_MAX))}</bdi>;
}

/** A name of many words, which breaks between them where it must. */
export function Name({ text }: { text: string }) {
  const [first, ...others] = visibleLine(cut(text, LINE_CHARS_MAX)).split(/(?<=[._])/);
  return (
    <bdi>
      {first}
      {others.map((word, place) => (
        <Fragment key={place}>
          <wbr />
          {word}
        </Fragment>
      ))}
    </bdi>
  );
}

/** All of it, the rest behind a button. */
export function Long({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const most = isWhole ? SHOWN_WHOLE_CHARS_MAX : SHOWN_CHARS_MAX;
  const left = text.length - most;
  return (
    <>
      <bdi class="long">{visible(cut(text, most))}</bdi>
      {left > 0 && !isWhole && (
        <button type="button" class="small" onClick={() => setWhole(true)}>
          Show all {countWords(text.length)} characters
        </button>
      )}
      {left > 0 && isWhole && <span class="quiet"> … {countWords(left)} more characters; copy it to see them</span>}
    </>
  );
}
