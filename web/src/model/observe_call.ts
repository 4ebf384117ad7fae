/** A question to `observe`, as an agent would write it. */

export type Question = { readonly [argument: string]: string | number | boolean };

export function callText(question: Question): string {
  const given = Object.entries(question).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `observe(${given.join(', ')})`;
}
