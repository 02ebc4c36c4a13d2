/** True when someone who cannot mount file systems has said so; else full disks and other hosts are tested, too. */
export const mayNotMount = process.env['FORSUN_TEST_NO_MOUNT'] !== undefined;
