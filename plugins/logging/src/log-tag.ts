/** What a tag can name. */
export interface TagFacts {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly imageName: string;
}

const FIELDS: Readonly<Record<string, (facts: TagFacts) => string>> = {
  ID: ({ id }) => id.slice(0, 12),
  FullID: ({ id }) => id,
  Name: ({ name }) => name,
  ImageID: ({ imageId }) => imageId.replace(/^sha256:/, '').slice(0, 12),
  ImageFullID: ({ imageId }) => imageId,
  ImageName: ({ imageName }) => imageName,
  DaemonName: () => 'docker',
};

const ACTION = /\{\{(?<action>[^{}]*)\}\}/g;

/** Why a tag cannot be made, in a sentence; undefined when it can. */
export function tagFlaw(template: string): string | undefined {
  const rest = template.replaceAll(ACTION, '');
  if (rest.includes('{{') || rest.includes('}}')) return 'template: log-tag: unclosed action';
  for (const match of template.matchAll(ACTION)) {
    const action = match.groups?.['action']?.trim() ?? '';
    if (fieldOf(action) === undefined) {
      return `template: log-tag: {{${action}}} is not one of ${Object.keys(FIELDS)
        .map((name) => `{{.${name}}}`)
        .join(', ')}`;
    }
  }
  return undefined;
}

/** The tag of a container, by a template without flaws. */
export function logTag(template: string, facts: TagFacts): string {
  return template.replaceAll(ACTION, (_match, action: string) => fieldOf(action.trim())?.(facts) ?? '');
}

function fieldOf(action: string): ((facts: TagFacts) => string) | undefined {
  const name = /^\.(\w+)$/.exec(action)?.[1] ?? '';
  return Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
}
