// How long the model still takes: from its progress and its budget. Pure.

/**
 * Seconds left, 0 where nothing can be said. `state` is the last progress, heard `heard_s` seconds ago, its stage
 * `stage_s` old: the rest goes on as it went, and the budget (0: none) ends it.
 */
export function left_s(state, { budget_s, heard_s, stage_s }) {
  const { stage, done = 0, total = 0, spent_s = 0 } = state ?? {};
  if (stage !== "model" || done === 0 || done >= total) return 0;
  const needed_s = Math.max(0, ((stage_s - heard_s) / done) * (total - done) - heard_s);
  return budget_s > 0 ? Math.min(needed_s, Math.max(0, budget_s - spent_s - heard_s)) : needed_s;
}
