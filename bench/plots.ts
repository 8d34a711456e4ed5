/** Draws each plot of bench/plots/ whose result is kept: results/NAME.json becomes results/plots/NAME.svg. The same results make the same files. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Measured, svgOf } from './plots/plot.ts';
import { PLOTS } from './plots/plots.ts';
import { resultFile } from './result.ts';

mkdirSync(resultFile('plots'), { recursive: true });
for (const plot of PLOTS) {
  const files = plot.results.map((name) => resultFile(`${name}.json`));
  for (const file of files.filter((each) => !existsSync(each)))
    console.log(`${plot.name}: there is no ${file}`);
  const [first, ...others]: Measured[] = files
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')));
  if (first === undefined) continue;
  const file = resultFile(`plots/${plot.name}.svg`);
  writeFileSync(file, svgOf(plot, first, ...others));
  console.log(file);
}
