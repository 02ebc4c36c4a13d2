import type { Store } from '../../src/stores/store.ts';

/** A store, and whether it owes answers: so a test can wait until a real one has come to rest. */
export interface WatchedStore {
  readonly store: Store;
  /** Resolves once nothing was asked of it for a few turns of the loop. */
  rest(): Promise<void>;
}

const quietTurns = 6;

export function watched(real: Store): WatchedStore {
  let asked = 0;
  let owed = 0;
  const store = new Proxy(real, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        const answer: unknown = Reflect.apply(member, target, args);
        if (!(answer instanceof Promise)) return answer;
        asked += 1;
        owed += 1;
        return answer.finally(() => (owed -= 1));
      };
    },
  });
  const rest = async (): Promise<void> => {
    for (let quiet = 0, seen = asked; quiet < quietTurns;) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = owed === 0 && asked === seen ? quiet + 1 : 0;
      seen = asked;
    }
  };
  return { store, rest };
}
