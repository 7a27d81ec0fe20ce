import { median } from './statistics.mjs';

/** Numbers as one reads them: three digits that count. */
export function shown(value) {
  if (value === undefined || Number.isNaN(value)) return '-';
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Medians of each engine, and their ratio to dockerd's. */
export function summary(results, engines) {
  return [...results].map(([key, { metric, samples, failures }]) => {
    const medians = Object.fromEntries(engines.map(({ name }) => [name, median(samples[name] ?? [])]));
    const ratios = Object.fromEntries(
      engines.filter(({ name }) => name !== 'dockerd').map(({ name }) => [name, medians[name] / medians.dockerd]),
    );
    return {
      key,
      ...metric,
      medians,
      ratios,
      count: Math.max(...engines.map(({ name }) => (samples[name] ?? []).length)),
      samples,
      failures,
    };
  });
}

function reached({ goal, limit, isRate }, value, ratio) {
  if (limit !== undefined) return Number.isNaN(value) ? '' : value <= limit ? 'yes' : 'no';
  if (goal === undefined || Number.isNaN(ratio)) return '';
  return (isRate ? ratio >= goal : ratio <= goal) ? 'yes' : 'no';
}

function goalText({ goal, limit, isRate, unit }) {
  if (limit !== undefined) return `${limit} ${unit}`;
  return goal === undefined ? '' : `${isRate ? 'at least' : 'at most'} ${goal} times`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index < 2 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

function engineTable(rows, name) {
  return table(
    ['measure', 'what', 'unit', 'Cleat', 'dockerd', 'ratio', 'goal', 'reached', 'samples'],
    rows
      .filter(({ samples, failures }) => (samples[name] ?? []).length > 0 || failures[name] !== undefined)
      .map((row) => {
        const value = row.medians[name];
        const own = row.failures[name] === undefined ? shown(value) : 'failed';
        return [
          `\`${row.key}\``,
          row.what,
          row.unit,
          own,
          shown(row.medians.dockerd),
          shown(row.ratios[name]),
          goalText(row),
          reached(row, value, row.ratios[name]),
          row.count,
        ];
      }),
  );
}

function stepTable(steps) {
  const total = steps.filter(({ name }) => !name.endsWith('(afterwards)')).reduce((sum, { ms }) => sum + ms, 0);
  const rows = steps
    .filter(({ ms }) => ms >= 0.05)
    .map(({ name, ms, meaning }) => [
      `\`${name}\``,
      meaning,
      ms.toFixed(1),
      name.endsWith('(afterwards)') ? '' : `${((100 * ms) / total).toFixed(0)} %`,
    ]);
  return table(
    ['until the record', 'what happens before it', 'ms', 'share'],
    [...rows, ['total', 'from the start of docker to its end', total.toFixed(1), '']],
  );
}

/** bench/RESULTS.md. */
export function report({ rows, engines, steps, host, isQuick }) {
  const cleats = engines.filter(({ name }) => name !== 'dockerd');
  const parts = [
    '# Speed and size beside dockerd',
    `Written by \`npm run bench\`${isQuick ? ', a **quick** run that is not for records' : ''}. ${host}`,
    'Medians of interleaved samples; the ratio is Cleat to dockerd. What the rows mean, and how far to trust them, is in [README.md](README.md).',
    engines.map(({ title }) => `- ${title}`).join('\n'),
    ...cleats.flatMap(({ name, title }) => [`## ${title}`, engineTable(rows, name)]),
    ...(steps.length === 0
      ? []
      : [
          '## Where the time of `docker run --rm IMAGE true` goes',
          'Medians by step of the kernel; each row is the time until that record was in the journal, since the one before it. The same run with `docker` and everything on one machine, so a step that waits for a processor shows it.',
          stepTable(steps),
        ]),
  ];
  const failures = rows.flatMap(({ key, failures: failed }) =>
    Object.entries(failed).map(([name, message]) => `- \`${key}\`, ${name}: ${message}`),
  );
  const notes = engines.flatMap(({ name, notes: given }) => given.map((note) => `- ${name}: ${note} MiB`));
  if (failures.length > 0) parts.push('## Failures', failures.join('\n'));
  if (notes.length > 0) parts.push('## Memory by process', notes.join('\n'));
  return `${parts.join('\n\n')}\n`;
}
