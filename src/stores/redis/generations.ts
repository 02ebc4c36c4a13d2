import { planNotStored } from '../../core/errors.ts';
import { numberEnd } from './keys.ts';
import type { PartitionScripts } from './partition-scripts.ts';

export interface GenerationsOptions {
  readonly scripts: PartitionScripts;
  /** The partition and how many there are: no two give out the same generation. */
  readonly index: number;
  readonly partitions: number;
  /** Redis had given out so many more, and knows nothing of them any more. */
  readonly onSetBack: (behind: number) => void;
}

/** Generations of the plans that are made in a partition: by a counter in Redis, which may be set back. */
export class Generations {
  readonly #options: GenerationsOptions;
  /** Where the counter was when it last gave us some. */
  #newest = 0;

  constructor(options: GenerationsOptions) {
    this.#options = options;
  }

  /**
   * So many, one at each call, of which the counter offers the first: newer than any that it has given us,
   * and than those of the plans that are replaced.
   */
  async newer(
    offered: number,
    wanted: number,
    replaced: readonly number[],
    isWanted: () => boolean,
  ): Promise<() => number> {
    const { scripts, index, partitions, onSetBack } = this.#options;
    const numbers = replaced.map((generation) => Math.floor(generation / partitions));
    const behind = Math.max(this.#newest, ...numbers) - offered + 1;
    let next = offered;
    if (behind > 0) {
      onSetBack(behind);
      const [first] = await scripts.run('read', [behind + wanted], isWanted);
      next = Number(first) + behind;
    }
    const newest = next + wanted - 1;
    if (newest >= Math.floor(numberEnd / partitions)) {
      return () => {
        throw planNotStored(`Redis counts ${newest} generations, more than there can be`);
      };
    }
    this.#newest = newest;
    return () => next++ * partitions + index;
  }
}
