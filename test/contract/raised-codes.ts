import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A code that a source gives to an error. */
export interface RaisedCode {
  /** `SYSCALL_*` for a template that begins so. */
  readonly code: string;
  /** Undefined where it is computed. */
  readonly errorClass: string | undefined;
  readonly file: string;
}

const CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/;

/** The codes that TypeScript sources raise: in `new CleatError(class, code, ...)`, and as `code` given to a function that does. */
export function raisedCodes(root: string, folders: readonly string[]): readonly RaisedCode[] {
  return folders.flatMap((folder) => sources(join(root, folder)).flatMap((path) => codesIn(path, readFileSync(path, 'utf8'))));
}

/** Every text that looks like a code, wherever it stands. */
export function mentionedCodes(root: string, folders: readonly string[]): ReadonlySet<string> {
  const text = folders.flatMap((folder) => sources(join(root, folder)).map((path) => readFileSync(path, 'utf8'))).join('\n');
  return new Set([
    ...[...text.matchAll(/['"]([A-Z][A-Z0-9_]+)['"]/g)].map((match) => match[1] ?? ''),
    ...[...text.matchAll(/`([A-Z][A-Z0-9]*_)\$\{/g)].map((match) => `${match[1] ?? ''}*`),
  ]);
}

export function codesIn(file: string, text: string): readonly RaisedCode[] {
  const found: RaisedCode[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) && node.expression.getText() === 'CleatError') {
      const [errorClass, code] = node.arguments ?? [];
      const classes = errorClass === undefined ? [] : texts(errorClass);
      for (const one of code === undefined ? [] : texts(code)) {
        for (const name of classes.length === 0 ? [undefined] : classes) found.push({ code: one, errorClass: name, file });
      }
    } else if (ts.isCallExpression(node)) {
      const given = node.arguments.filter((argument) => ts.isStringLiteralLike(argument)).map(({ text: value }) => value);
      found.push(...given.filter((value) => CODE.test(value)).map((code) => ({ code, errorClass: undefined, file })));
    } else if (ts.isPropertyAssignment(node) && node.name.getText() === 'code' && ts.isStringLiteralLike(node.initializer)) {
      found.push({ code: node.initializer.text, errorClass: undefined, file });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return found;
}

/** The texts that an expression can be: a literal, either side of a choice, the beginning of a template. */
function texts(node: ts.Expression): readonly string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isTemplateExpression(node)) return [`${node.head.text}*`];
  if (ts.isConditionalExpression(node)) return [...texts(node.whenTrue), ...texts(node.whenFalse)];
  return [];
}

function sources(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !/(^|\/)(generated|generator|catalogue)(\/|\.ts$)/.test(path))
    .map((path) => join(folder, path));
}
