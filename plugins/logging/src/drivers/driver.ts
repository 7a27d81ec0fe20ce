import type { providerTypes } from '@cleat/schemas';

/** What becomes of a container's output. */
export interface LogDriver {
  readonly name: string;
  /** `docker logs` can show it. */
  readonly isReadable: boolean;
  /** How the kernel keeps what the monitor writes. Throws `invalid_argument` LOG_OPTION_INVALID, `unimplemented` LOG_OPTION_UNSUPPORTED. */
  policy(options: Readonly<Record<string, string>>): providerTypes.LogPolicyInput;
}
