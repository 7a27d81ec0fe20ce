import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { GoldenRecord, GoldenSample } from '../src/generator/golden.ts';
import { isTypesOnly, readContracts } from '../src/generator/protocol.ts';
import { goldenPath, ReleaseBook } from '../src/generator/release-book.ts';
import { neutral } from '../src/generator/sample.ts';
import { SchemaBook } from '../src/index.ts';

const home = join(import.meta.dirname, '../..');
const releases = new ReleaseBook(home);
const schemas = new SchemaBook();

function goldenFile(contract: string, version: string): ReadonlyMap<string, GoldenRecord> {
  const text = readFileSync(join(home, goldenPath(contract, version)), 'utf8');
  return new Map(Object.entries(JSON.parse(text) as Readonly<Record<string, GoldenRecord>>));
}

interface Payload extends GoldenSample {
  readonly contract: string;
  readonly version: string;
  readonly name: string;
  readonly fingerprint: string;
}

function payloads(): readonly Payload[] {
  return releases
    .contracts()
    .flatMap((contract) =>
      releases
        .versions(contract)
        .flatMap((version) =>
          [...goldenFile(contract, version)].flatMap(([name, { fingerprint, samples }]) =>
            samples.map((sample) => ({ ...sample, contract, version, name, fingerprint })),
          ),
        ),
    );
}

t.test('every golden payload is read as it was meant, and written again byte for byte', async (t) => {
  const all = payloads();
  t.ok(all.length > 200, `${all.length} payloads`);
  const found = all.map(({ contract, version, name, bytes }) => {
    const codec = schemas.record<unknown>(contract, name, version);
    const decoded = codec.decode(Buffer.from(bytes, 'hex'));
    return { name, fingerprint: codec.fingerprint, value: neutral(decoded), bytes: codec.encode(decoded).toString('hex') };
  });
  t.same(
    found,
    all.map(({ name, fingerprint, value, bytes }) => ({ name, fingerprint, value, bytes })),
  );
});

t.test('what any version wrote is read by the newest one', async (t) => {
  const all = payloads();
  t.ok(all.length > 0);
  for (const { contract, name, fingerprint, bytes } of all) {
    const newest = schemas.record<unknown>(contract, name);
    if (!schemas.decode(newest, fingerprint, Buffer.from(bytes, 'hex'))) t.fail(name);
  }
});

t.test('every record of every contract has golden payloads', async (t) => {
  const files = (await readContracts(join(home, 'contracts'))).filter((file) => !isTypesOnly(file));
  const missing = files.flatMap((file) => {
    const golden = goldenFile(file.contract, releases.headVersion(file));
    const own = file.protocol.types.filter(({ type, namespace }) => type === 'record' && namespace === undefined);
    t.ok(own.length > 0, file.contract);
    return own.map(({ name }) => `${file.protocol.namespace}.${name}`).filter((name) => !golden.has(name));
  });
  t.same(missing, []);
});
