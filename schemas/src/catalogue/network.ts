import type { ErrorFacts } from './facts.ts';

export const NETWORK_ERRORS: Readonly<Record<string, ErrorFacts>> = {
  NETWORK_ADDRESS_IN_USE: { classes: ['conflict'], meaning: 'Another endpoint has the address.', cure: 'Choose another.' },
  NETWORK_ADDRESS_OUTSIDE: {
    classes: ['invalid_argument'],
    meaning: 'An address is in no subnet of the network.',
    cure: 'Choose one in the subnets that `docker network inspect` shows.',
  },
  NETWORK_ADDRESS_POOL_EMPTY: {
    classes: ['resource_exhausted'],
    meaning: 'The network has no address left.',
    cure: 'Remove containers, or make a network with a larger subnet.',
  },
  NETWORK_ADDRESS_UNSUPPORTED: {
    classes: ['invalid_argument'],
    meaning: "A fixed address is possible on networks with a subnet of the user's only.",
    cure: 'Make a network with `--subnet`.',
  },
  NETWORK_ALIAS_UNSUPPORTED: {
    classes: ['invalid_argument'],
    meaning: "An alias is possible on networks of the user's only.",
    cure: 'Make a network with `docker network create`.',
  },
  NETWORK_AMBIGUOUS: {
    classes: ['invalid_argument'],
    meaning: 'More than one network has an id that begins so.',
    cure: 'Give more digits.',
  },
  NETWORK_BRIDGE_LOST: {
    classes: ['internal'],
    meaning: 'A bridge vanished while it was made.',
    cure: "Look for another program that manages the host's network.",
  },
  NETWORK_BRIDGE_NAME: {
    classes: ['conflict'],
    meaning: 'The host has a link of that name that is no bridge, or a bridge without the gateway of the network.',
    cure: 'Choose another name, or the subnet and gateway that the bridge has.',
  },
  NETWORK_BUSY: { classes: ['conflict'], meaning: 'The network is being made or removed.', cure: 'Repeat in a moment.' },
  NETWORK_CLAIM_UNKNOWN: {
    classes: ['not_found'],
    meaning: 'The network plugin holds no such claim.',
    cure: 'Disconnect the container and connect it again.',
  },
  NETWORK_COMMAND_FAILED: {
    classes: ['internal', 'unimplemented'],
    meaning: 'A program that sets up the network failed.',
    cure: 'The message has its words; `cleat doctor` checks nft and ip.',
  },
  NETWORK_CONFIG_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The configuration of the network plugin has a fault.',
    cure: 'The message names it.',
  },
  NETWORK_DRIVER_ANSWER: {
    classes: ['internal'],
    meaning: 'A network driver of another plugin gave a container what this kind does not pass on.',
    cure: 'Report it to whoever wrote the plugin.',
  },
  NETWORK_DRIVER_NOT_FOUND: {
    classes: ['not_found'],
    meaning: 'There is no network driver of that name.',
    cure: 'Install the plugin, or use bridge.',
  },
  NETWORK_DRIVER_UNSUPPORTED: { classes: ['unimplemented'], meaning: 'The network driver is not supported yet.', cure: 'Use bridge.' },
  NETWORK_ENDPOINT_FIXED: {
    classes: ['unimplemented'],
    meaning: 'Options of an endpoint cannot be changed.',
    cure: 'Disconnect the container and connect it again.',
  },
  NETWORK_ENDPOINT_OPTIONS: {
    classes: ['unimplemented'],
    meaning: 'Driver options of an endpoint are not supported.',
    cure: 'Leave them out.',
  },
  NETWORK_FILTER_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A filter is not known or has no such value.',
    cure: 'The message names it.',
  },
  NETWORK_IN_USE: { classes: ['conflict'], meaning: 'Containers are on the network.', cure: 'Disconnect them first.' },
  NETWORK_IPAM_DRIVER: { classes: ['unimplemented'], meaning: 'The driver of addresses is not supported.', cure: 'Use default.' },
  NETWORK_IPAM_OPTIONS: { classes: ['unimplemented'], meaning: 'The driver of addresses has no options.', cure: 'Leave them out.' },
  NETWORK_LINK_LOST: {
    classes: ['internal'],
    meaning: 'An interface vanished while it was made.',
    cure: "Look for another program that manages the host's network.",
  },
  NETWORK_LINK_NAMES: {
    classes: ['internal'],
    meaning: 'No free name for an interface was found.',
    cure: 'Look for left-over interfaces on the host.',
  },
  NETWORK_LINK_NOT_RUNNING: { classes: ['conflict'], meaning: 'A container to link to does not run.', cure: 'Start it first.' },
  NETWORK_NAME_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A name of a network is not valid.',
    cure: 'Use letters, digits, and _ . - after the first.',
  },
  NETWORK_NAME_TAKEN: { classes: ['already_exists'], meaning: 'There is a network of that name.', cure: 'Choose another.' },
  NETWORK_NOT_FOUND: { classes: ['not_found'], meaning: 'There is no such network.', cure: '`docker network ls` lists them.' },
  NETWORK_NO_FAMILY: {
    classes: ['invalid_argument'],
    meaning: 'A network without IPv4 and IPv6 connects nothing.',
    cure: 'Leave one of them on.',
  },
  NETWORK_NO_NAMESPACE: {
    classes: ['invalid_argument'],
    meaning: 'The container has no network namespace of its own.',
    cure: 'Make it with a network of its own.',
  },
  NETWORK_OPTIONS_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The options of a network claim cannot be read.',
    cure: 'The message says where.',
  },
  NETWORK_OPTION_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'An option of a network has no such value.',
    cure: 'The message names the values.',
  },
  NETWORK_OPTION_UNKNOWN: { classes: ['unimplemented'], meaning: 'The driver does not know an option.', cure: 'Leave it out.' },
  NETWORK_POOLS_EMPTY: {
    classes: ['resource_exhausted'],
    meaning: 'None of the default subnets is free.',
    cure: 'Remove networks, or name a subnet.',
  },
  NETWORK_POOL_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A subnet, range or gateway is not valid.',
    cure: 'The message names it.',
  },
  NETWORK_POOL_OVERLAPS: { classes: ['conflict'], meaning: 'A subnet overlaps another one of the host.', cure: 'Choose another.' },
  NETWORK_PORTS_EMPTY: {
    classes: ['resource_exhausted'],
    meaning: 'No port of the host is free.',
    cure: 'Name one, or remove containers.',
  },
  NETWORK_PORT_ADDRESS: {
    classes: ['invalid_argument'],
    meaning: 'The host does not have the address to publish at.',
    cure: 'Choose one that it has.',
  },
  NETWORK_PORT_DENIED: { classes: ['permission_denied'], meaning: 'The host does not let the port be used.', cure: 'Choose another.' },
  NETWORK_PORT_FAILED: { classes: ['internal'], meaning: 'A port could not be published.', cure: 'The message says why.' },
  NETWORK_PORT_TAKEN: { classes: ['conflict'], meaning: 'A port of the host is in use.', cure: 'Choose another, or end what uses it.' },
  NETWORK_PREDEFINED: {
    classes: ['permission_denied'],
    meaning: 'That cannot be done to a network that is always there.',
    cure: 'Make a network of your own.',
  },
  NETWORK_SINGLE_INSTANCE: {
    classes: ['permission_denied'],
    meaning: 'There is one network of that driver, and it exists.',
    cure: 'Use it.',
  },
  NETWORK_STORE_DAMAGED: {
    classes: ['internal'],
    meaning: 'The store of the network plugin has a record that is none of its own.',
    cure: 'Restore its state directory from a backup.',
  },
  NETWORK_STORE_UNKNOWN: {
    classes: ['internal'],
    meaning: 'The store of the network plugin was written by a newer version.',
    cure: 'Install that version again.',
  },
  NETWORK_SUBNET_INVALID: { classes: ['invalid_argument'], meaning: 'A subnet is not well formed.', cure: 'Write it as 172.20.0.0/16.' },
};
