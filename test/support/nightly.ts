/** True when the tests may take hours: FORSUN_TEST_NIGHTLY=1. */
export const isNightly = process.env['FORSUN_TEST_NIGHTLY'] === '1';
