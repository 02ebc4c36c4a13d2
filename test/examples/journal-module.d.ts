/** The example is JavaScript; tsconfig.examples.json checks it. */
declare module '*/examples/extensions/journal.mjs' {
  const extension: import('../../src/extensions/extension.ts').Extension;
  export default extension;
  export const openJournalStore: (
    file: string,
    options: import('../../src/extensions/extension.ts').OpenStoreOptions,
  ) => Promise<import('../../src/stores/store.ts').Store>;
}
