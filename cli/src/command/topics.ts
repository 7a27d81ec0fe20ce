import type { Topic } from './help-page.ts';

export const TOPICS: readonly Topic[] = [
  {
    name: 'exit-codes',
    summary: 'what the exit code of a command says',
    text: `Exit codes of cleat:

  0    done
  1    failed; the reason is on standard error. Of several containers, at least one failed
  2    the command line is wrong
  141  whoever read the output went away

Exit codes of "cleat run", "cleat exec" and "cleat attach":

  125  Cleat itself failed, or the command line is wrong: the command was not run
  126  the command was found and cannot be executed
  127  the command was not found
  any  else is the exit code of the command itself; 128+N when signal N ended it

"cleat start --attach" ends with the code of the container, or 1 where Cleat failed. "cleat wait" prints exit
codes and ends with 0. "cleat doctor" ends with 1 when something is missing that Cleat cannot do without.
`,
  },
  {
    name: 'json',
    summary: 'how --json writes what it tells',
    text: `With --json a command that lists or shows something writes it to standard output as JSON: one array or object,
"cleat events" one object a line. Errors stay sentences on standard error.

Names of fields are those of the contracts (docs/reference). They are stable: new fields may come, none goes
or changes its meaning within a version of its contract.

  times      text, RFC 3339 with nanoseconds: "2026-03-01T12:00:00.123456789Z"; null is "never" or "not known"
  durations  numbers, their unit in the name: timeoutMs, durationNs
  bytes      text in base64

"cleat call" takes its requests in the same form, and leaves out what has a default:

  cleat call event list '{"since": "2026-03-01T12:00:00Z", "types": ["container.*"]}'
`,
  },
  {
    name: 'environment',
    summary: 'variables that cleat reads',
    text: `  CLEAT_RUN_DIR  run directory of the platform, where --run-dir says nothing else (default /run/cleat)
  NO_COLOR       set to anything but nothing: no colour (https://no-color.org)
  TERM           "dumb": no colour

Colour is used on a terminal only.
`,
  },
];
