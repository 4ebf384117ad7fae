/** Brings the browser's session rules in line with what they should be, changing only those that differ. */

/**
 * @typedef {object} Applied
 * @property {number} nextId
 * @property {Record<string, { id: number, text: string }>} rules key -> id and JSON of the rule in force
 */

/**
 * @param {Applied} applied
 * @param {import('./rules.js').Rules} wanted
 * @returns {{ applied: Applied, removeRuleIds: number[], addRules: object[] }}
 */
export function changesOf(applied, wanted) {
  /** @type {Applied} */
  const next = { nextId: applied.nextId, rules: {} };
  /** @type {number[]} */
  const removeRuleIds = [];
  /** @type {object[]} */
  const addRules = [];
  for (const [key, rule] of Object.entries(wanted)) {
    const text = JSON.stringify(rule);
    const known = applied.rules[key];
    if (known?.text === text) {
      next.rules[key] = known;
      continue;
    }
    if (known) removeRuleIds.push(known.id);
    const id = known?.id ?? next.nextId++;
    next.rules[key] = { id, text };
    addRules.push({ id, ...rule });
  }
  for (const [key, known] of Object.entries(applied.rules)) {
    if (!wanted[key]) removeRuleIds.push(known.id);
  }
  return { applied: next, removeRuleIds, addRules };
}
