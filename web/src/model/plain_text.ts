/** Telemetry as text that cannot play tricks: what steers a terminal or turns the direction of writing is named. */

export const SHOWN_CHARS_MAX = 1_000;
export const SHOWN_WHOLE_CHARS_MAX = 100_000;

// C0 and C1 controls but tab and newline; soft hyphen; zero width and bidirectional controls; separators; BOM; tags;
// interlinear marks; lone surrogates.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Cs}/gu;

/** The text with everything invisible written out, `‹U+202E›`. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => `‹U+${codePoint(character)}›`);
}

/** The same on one line: newlines and tabs become a sign. */
export function visibleLine(text: string): string {
  return visible(text)
    .replace(/\s*\n\s*/g, ' ↵ ')
    .replace(/\t/g, ' ');
}

/** At most `characters` of the text, never half a surrogate pair. */
export function cut(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const last = text.charCodeAt(characters - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? characters - 1 : characters;
  return text.slice(0, end);
}

function codePoint(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}
