/** Reads the text that `/metrics` answers: enough of its format for counters and gauges. */

/** Sum over the labels of a metric, or undefined where there is none of that name. */
export function sumOf(text: string, name: string): number | undefined {
  let sum: number | undefined;
  for (const line of text.split('\n')) {
    if (!line.startsWith(name)) continue;
    const rest = line.slice(name.length);
    if (!rest.startsWith(' ') && !rest.startsWith('{')) continue;
    const value = Number(
      rest
        .slice(rest.lastIndexOf('}') + 1)
        .trim()
        .split(' ')[0],
    );
    sum = (sum ?? 0) + value;
  }
  return sum;
}
