import { expect, test } from 'vitest';

import { aDirectory } from '../support/database.ts';
import { isNightly } from '../support/nightly.ts';
import { Simulation } from './simulation.ts';

const asked = process.env['FORSUN_TEST_SEED'];
const first = asked === undefined ? 1 : Number(asked);
const lives = asked !== undefined ? 1 : isNightly ? 2_000 : 8;
const seeds = Array.from({ length: lives }, (_, n) => first + n);

test.each(seeds)(
  'laws 2 to 6 hold through creates, removes, jumps, outages and restarts (seed %i)',
  { timeout: 120_000 },
  async (seed) => {
    expect(await Simulation.live(seed, isNightly ? 600 : 150, await aDirectory())).toEqual([]);
  },
);
