import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncApiDocument } from './asyncapi.ts';
import { contractModels } from './contract-model.ts';
import { contractPages } from './contract-pages.ts';
import { errorPage } from './error-page.ts';
import { eventPage } from './event-page.ts';
import type { ContractFile } from './protocol.ts';
import type { ReleaseBook } from './release-book.ts';

/** Writes docs/reference: the AsyncAPI document and the pages. */
export function writeDocuments(files: readonly ContractFile[], book: ReleaseBook, packageFolder: string): void {
  const folder = join(packageFolder, '..', 'docs', 'reference');
  const contracts = contractModels(files, book);
  const pages = join(folder, 'contracts');
  mkdirSync(pages, { recursive: true });
  for (const name of readdirSync(pages)) rmSync(join(pages, name));
  for (const [name, text] of contractPages(contracts)) writeFileSync(join(pages, name), text);
  const document = asyncApiDocument(contracts, versionOf(packageFolder));
  writeFileSync(join(folder, 'asyncapi.json'), `${JSON.stringify(document, null, 1)}\n`);
  writeFileSync(join(folder, 'events.md'), eventPage());
  writeFileSync(join(folder, 'errors.md'), errorPage());
}

function versionOf(packageFolder: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  const version: unknown = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : undefined;
  if (typeof version !== 'string') throw new Error('package.json has no version');
  return version;
}
