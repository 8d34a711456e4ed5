import { Counter, type Registry } from 'prom-client';

/** A counter whose value is counted elsewhere. */
export function counted(registers: Registry[], name: string, help: string, count: () => number): void {
  new Counter({
    name,
    help,
    registers,
    collect() {
      this.reset();
      this.inc(count());
    },
  });
}
