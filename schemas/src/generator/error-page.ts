import { type CataloguedError, errorCatalogue } from '../catalogue.ts';
import { GENERATED, table } from './markdown.ts';

const CLASSES: readonly (readonly [string, string, string])[] = [
  ['invalid_argument', 'the request can never work as written', '400'],
  ['unauthenticated', 'who are you', '401'],
  ['permission_denied', 'you may not', '403'],
  ['not_found', 'the thing is not there', '404'],
  ['already_exists', 'its name is taken', '409'],
  ['conflict', 'the right request, in the wrong state', '409'],
  ['resource_exhausted', 'out of addresses, disk, ids', '500'],
  ['deadline_exceeded', 'too late', '500'],
  ['internal', 'a fault of Cleat, or of what it stands on', '500'],
  ['unimplemented', 'there is no such feature here', '501'],
  ['unavailable', 'the plugin or peer is not there', '503'],
  ['cancelled', 'the caller went away; work for it was stopped and undone', '-'],
];

/** docs/reference/errors.md */
export function errorPage(): string {
  const errors = errorCatalogue();
  const owners = [...new Set(errors.map(({ owner }) => owner))];
  const parts = [
    GENERATED,
    '# Errors',
    'Every error has a class, which says what kind of trouble it is, a code, which names it and never changes, and a message for people. Decide by class or code, never by the message. It may carry a hint, the plugin that raised it, whether the same request may succeed when it is sent again, and details.',
    table(
      ['class', 'when', 'HTTP'],
      CLASSES.map(([name, when, status]) => [`\`${name}\``, when, status]),
    ),
    'On the bus an error is the record [ErrorInfo](contracts/common.md#errorinfo). Plugins of third parties prefix their codes with the plugin’s name.',
    ...owners.flatMap((owner) =>
      section(
        owner,
        errors.filter((error) => error.owner === owner),
      ),
    ),
  ];
  return `${parts.join('\n\n')}\n`;
}

function section(owner: string, errors: readonly CataloguedError[]): readonly string[] {
  const rows = errors.map(({ code, classes, meaning, cure }) => [
    `\`${code}\``,
    classes.length === 0 ? 'by errno' : classes.map((name) => `\`${name}\``).join(', '),
    meaning,
    cure,
  ]);
  return [`## ${owner}`, table(['code', 'class', 'what it means', 'what to do'], rows)];
}
