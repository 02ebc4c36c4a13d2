/** When and how often a failed attempt is made again, if its plan does not say otherwise. */
export interface RetrySettings {
  readonly retries: number;
  /** The n-th retry waits delaySeconds + n × delaySeconds × rate: forsun's 6, 9, 12 s. */
  readonly delaySeconds: number;
  readonly rate: number;
}

export const retryDefaults: RetrySettings = { retries: 3, delaySeconds: 3, rate: 1 };

/**
 * Whole seconds to wait before the retry that follows `failures` earlier ones. Jitter, up to a tenth, only
 * adds: many plans that failed together do not all come back together. `random` yields [0, 1).
 */
export function retryDelay(
  settings: RetrySettings,
  failures: number,
  random: () => number,
  atLeastSeconds = 0,
): number {
  const { delaySeconds, rate } = settings;
  const delay = Math.max(delaySeconds + delaySeconds * rate * (failures + 1), atLeastSeconds);
  return Math.ceil(delay) + Math.floor((random() * delay) / 10);
}
