import { type Command, defineCommand } from '../command/command.ts';
import { EXIT_FAILED, EXIT_OK } from '../command/exit-codes.ts';
import { cgroupFindings } from '../doctor/cgroup-findings.ts';
import type { Finding, HostLook, Verdict } from '../doctor/finding.ts';
import { lookAtHost } from '../doctor/host-look.ts';
import { hostFindings, kernelFindings } from '../doctor/kernel-findings.ts';
import { networkFindings } from '../doctor/network-findings.ts';
import { programFindings } from '../doctor/program-findings.ts';
import { jsonText } from '../output/json.ts';
import { type Painter, painter } from '../output/style.ts';
import { write } from '../output/writer.ts';

export const doctorCommand: Command = defineCommand({
  usage: ['doctor [flags]'],
  about: `Looks at this host, whether Cleat is up or not: kernel, cgroups, network, programs and their versions. Each line
says what is there and what follows from it. The exit code is 1 when something is missing that Cleat cannot
do without.`,
  options: {
    'state-dir': { type: 'string', value: 'DIR', help: 'where the state will lie (default /var/lib/cleat)' },
    journal: { type: 'string', value: 'DIR', help: 'print the records of the journal in this directory instead' },
  },
  operands: { least: 0, most: 0 },
  json: true,
  examples: [
    { command: 'sudo cleat doctor', does: 'before the first "cleat up"' },
    { command: 'cleat doctor --journal /var/lib/cleat/journal | tail', does: 'the last records before a crash; "*" marks a snapshot' },
    { command: `cleat doctor --json | jq '.[] | select(.verdict != "ok")'`, does: 'only what is wrong' },
  ],
  run: async ({ flags, globals }) => {
    if (flags.journal !== undefined) return printJournal(flags.journal, globals.json);
    const findings = await examine(lookAtHost(), flags['state-dir'] ?? '/var/lib/cleat');
    write(globals.json ? jsonText(findings) : report(findings, painter(globals.color)));
    return findings.some(({ verdict }) => verdict === 'missing') ? EXIT_FAILED : EXIT_OK;
  },
});

async function printJournal(directory: string, isJson: boolean): Promise<number> {
  const { JournalLines, readJournal } = await import('../doctor/journal-lines.ts');
  const lines = new JournalLines(isJson);
  readJournal(directory, (record) => write(lines.line(record)));
  return EXIT_OK;
}

export async function examine(look: HostLook, stateDir: string): Promise<readonly Finding[]> {
  const [cgroups, network, programs] = await Promise.all([cgroupFindings(look), networkFindings(look), programFindings(look)]);
  return [...hostFindings(look, stateDir), ...kernelFindings(look), ...cgroups, ...network, ...programs];
}

/** Lines by area; what is wrong stands out also without colour. */
export function report(findings: readonly Finding[], paint: Painter): string {
  const marks: Readonly<Record<Verdict, string>> = {
    ok: paint.green('ok     '),
    limited: paint.yellow('limited'),
    missing: paint.red('MISSING'),
  };
  const width = Math.max(...findings.map(({ name }) => name.length)) + 2;
  const areas = [...new Set(findings.map(({ area }) => area))];
  const blocks = areas.map((area) => {
    const lines = findings
      .filter((finding) => finding.area === area)
      .map(
        ({ name, verdict, found, means }) =>
          `  ${marks[verdict]}  ${name.padEnd(width)}${found}\n${' '.repeat(width + 11)}${paint.dim(means)}`,
      );
    return `${paint.bold(area)}\n${lines.join('\n')}\n`;
  });
  return `${blocks.join('\n')}\n${verdictLine(findings)}\n`;
}

function verdictLine(findings: readonly Finding[]): string {
  const missing = findings.filter(({ verdict }) => verdict === 'missing').map(({ name }) => name);
  const limited = findings.filter(({ verdict }) => verdict === 'limited').map(({ name }) => name);
  if (missing.length > 0) return `Cleat cannot run here: ${missing.join(', ')}.`;
  return limited.length > 0 ? `Cleat can run here, with limits: ${limited.join(', ')}.` : 'Cleat can run here.';
}
