/** The path in an address such as unix:/run/forsun.sock; undefined for an address of another kind. */
export const unixPath = (address: string): string | undefined =>
  address.startsWith('unix:') ? address.slice('unix:'.length) : undefined;
