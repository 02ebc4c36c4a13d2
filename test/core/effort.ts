/** Nights look for what days have no time for. */
const isNightly = process.env['FORSUN_TEST_NIGHTLY'] === '1';

export const effort = (daily: number, nightly: number): number => (isNightly ? nightly : daily);

/** For tests that take minutes at night. */
export const patience = { timeout: 600_000 };
