/** What a process tells of itself beside what it counts: whether it grows. */
import { Gauge, type Registry } from 'prom-client';

/** By the name that Prometheus' own clients give it. */
export function addProcessMemory(registry: Registry): void {
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process',
    registers: [registry],
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
}
