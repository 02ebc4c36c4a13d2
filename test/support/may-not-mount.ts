/** True when someone who cannot mount file systems has said so; else the tests of full disks run. */
export const mayNotMount = process.env['FORSUN_TEST_NO_MOUNT'] !== undefined;
