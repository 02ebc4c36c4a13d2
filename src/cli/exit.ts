import { textsOf } from './arguments.ts';
import { Exit, type Command } from './command.ts';

export const exitCommand: Command = {
  name: 'exit',
  usage: '',
  summary: 'leave',
  run(args) {
    textsOf(args, { from: 0, to: 0, usage: 'exit without arguments' });
    return Promise.reject(new Exit());
  },
};
