import { counter, gauge, type Metric } from './metric.ts';
import { maxOpenFiles, openFiles, virtualMemoryBytes } from './proc.ts';

/** The process, under the names that Prometheus's client libraries have in common. */
export function processMetrics(startTime: number): readonly Metric[] {
  const cpuSeconds = (of: (usage: NodeJS.CpuUsage) => number): (() => number) => {
    return () => of(process.cpuUsage()) / 1e6;
  };
  const bytes = (kind: 'heapTotal' | 'heapUsed' | 'external'): (() => number) => {
    return () => process.memoryUsage()[kind];
  };
  return [
    counter(
      'process_cpu_user_seconds_total',
      'CPU time in the program.',
      cpuSeconds(({ user }) => user),
    ),
    counter(
      'process_cpu_system_seconds_total',
      'CPU time in the kernel.',
      cpuSeconds(({ system }) => system),
    ),
    counter(
      'process_cpu_seconds_total',
      'CPU time in all.',
      cpuSeconds(({ user, system }) => user + system),
    ),
    gauge('process_start_time_seconds', 'When the process began, since 1970.', () => startTime),
    gauge('process_resident_memory_bytes', 'Memory in RAM.', () => process.memoryUsage.rss()),
    gauge('process_virtual_memory_bytes', 'Address space.', virtualMemoryBytes),
    gauge('process_open_fds', 'Open files and sockets.', openFiles),
    gauge('process_max_fds', 'How many may be open.', maxOpenFiles),
    gauge('nodejs_heap_size_total_bytes', 'Heap of JavaScript.', bytes('heapTotal')),
    gauge('nodejs_heap_size_used_bytes', 'What is in use of it.', bytes('heapUsed')),
    gauge('nodejs_external_memory_bytes', 'Buffers and the like beside it.', bytes('external')),
  ];
}
