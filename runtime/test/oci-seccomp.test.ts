import t from 'tap';
import { seccompFor } from '../src/oci/index.ts';

const PLAIN = { capabilities: ['CAP_CHOWN'], architecture: 'x64', kernelRelease: '6.1.0' };

function allowed(profile: string, context: Parameters<typeof seccompFor>[1]): Set<string> {
  const rules = seccompFor(profile, context)?.syscalls ?? [];
  return new Set(rules.filter(({ action }) => action === 'SCMP_ACT_ALLOW').flatMap(({ names }) => names));
}

t.test("Docker's profile follows capabilities, architecture and kernel", async (t) => {
  const plain = allowed('default', PLAIN);
  t.ok(plain.size > 300);
  t.ok(plain.has('read') && plain.has('arch_prctl') && plain.has('ptrace'));
  t.notOk(plain.has('mount') || plain.has('bpf') || plain.has('sync_file_range2'));
  const admin = allowed('default', { ...PLAIN, capabilities: ['CAP_SYS_ADMIN'] });
  t.ok(admin.has('mount'));
  t.ok(allowed('default', { ...PLAIN, architecture: 'arm64' }).has('sync_file_range2'));
  t.notOk(allowed('default', { ...PLAIN, kernelRelease: '4.4.0' }).has('ptrace'));
  t.same(seccompFor('default', PLAIN)?.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']);
  t.equal(seccompFor('default', PLAIN), seccompFor('default', PLAIN), 'made once');
  const clone3 = seccompFor('default', PLAIN)?.syscalls.find(({ names }) => names.includes('clone3'));
  t.match(clone3, { action: 'SCMP_ACT_ERRNO', errnoRet: 38 });
});

t.test('a profile of the user is taken, and a wrong one refused', async (t) => {
  t.equal(seccompFor('unconfined', PLAIN), undefined);
  const own = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ name: 'mkdir', action: 'SCMP_ACT_ERRNO', args: null }] };
  t.same(seccompFor(JSON.stringify(own), PLAIN), {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
  });
  for (const wrong of ['{', '{}', '{"defaultAction":"x","syscalls":[{}]}', '[]']) {
    t.throws(() => seccompFor(wrong, PLAIN), { code: 'SECCOMP_PROFILE_INVALID', class: 'invalid_argument' });
  }
});
