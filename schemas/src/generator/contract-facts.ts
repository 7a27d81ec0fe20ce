/** Who answers a contract, and where: what the schemas do not say. */
export interface ContractFacts {
  readonly answeredBy: string;
  /** Addresses on the bus: the tokens between the caller's key and the operation. Empty: it does not travel as calls. */
  readonly addresses: readonly string[];
  /** What a manifest's `uses` holds to be allowed to call it. */
  readonly grant: string;
}

const KERNEL = 'the kernel';

const FACTS: Readonly<Record<string, Partial<ContractFacts>>> = {
  claim: { answeredBy: KERNEL },
  common: { answeredBy: 'nobody: its records are used by the others', addresses: [], grant: '' },
  container: { answeredBy: KERNEL },
  event: { answeredBy: KERNEL },
  exec: { answeredBy: KERNEL },
  image: { answeredBy: 'the provider of the kind `root` (by default the plugin images)' },
  interceptor: {
    answeredBy: 'every plugin whose manifest has `intercepts`',
    addresses: ['interceptor.{plugin}'],
    grant: 'nothing: whoever executes operations may ask those who judge them',
  },
  journal: { answeredBy: 'nobody: its records are in a file of the kernel', addresses: [], grant: '' },
  log: { answeredBy: 'the provider of the kind `log` (by default the plugin logging)' },
  logdata: { answeredBy: KERNEL },
  network: { answeredBy: 'the provider of the kind `network` (by default the plugin network)' },
  node: { answeredBy: KERNEL },
  plugin: { answeredBy: KERNEL },
  provider: {
    answeredBy: 'the provider of a kind, called by the kernel; and every driver of a kind, called by its provider',
    addresses: ['provider.{kind}', 'provider.{kind}-driver.{driver}'],
    grant: '`driver:KIND` for the drivers of a kind; the providers of kinds are called by the kernel alone',
  },
  sys: { answeredBy: KERNEL, grant: 'nothing: every participant may' },
  view: { answeredBy: KERNEL },
  volume: { answeredBy: 'the provider of the kind `volume` (by default the plugin storage)' },
};

/** What is to be known of a contract; one that is not listed is a service of whichever plugin has it in `services`. */
export function contractFacts(contract: string): ContractFacts {
  return {
    answeredBy: 'the plugin that has it in `services` of its manifest',
    addresses: [contract],
    grant: `\`${contract}.*\`, or \`${contract}.OPERATION\` for one of them`,
    ...FACTS[contract],
  };
}
