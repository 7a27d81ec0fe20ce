import { closeSync, openSync } from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { withNetworkNamespace } from '@cleat/sdk/namespaces';
import type { Link, NetlinkMessage } from '@cleat/sdk/netlink';
import {
  addAddress,
  addLink,
  addRoute,
  deleteRoute,
  isNetlinkErrno,
  Rtnetlink,
  replaceRoute,
  setBridgePort,
  setLink,
} from '@cleat/sdk/netlink';
import { setIpv6 } from '../host-settings.ts';
import type { AssignedAddress } from '../model.ts';

const LOOPBACK_INDEX = 1;
const NAME_ATTEMPTS = 64;
const LINK_LOCAL_PREFIX = { 4: 16, 6: 64 } as const;

export interface ContainerLinkPlan {
  readonly namespace: string;
  readonly bridge: Link;
  readonly hostLink: string;
  /** Interfaces are called <prefix>0, <prefix>1, ... */
  readonly interfacePrefix: string;
  /** The first number to try. */
  readonly interfaceNumber: number;
  readonly mac: string;
  readonly ipv4: AssignedAddress | undefined;
  readonly ipv6: AssignedAddress | undefined;
  readonly linkLocal: readonly string[];
  readonly isIsolated: boolean;
  readonly isHairpin: boolean;
}

/** Makes the veth pair between bridge and namespace and sets the container's end up; gives the name of that end. */
export function openContainerLink(routes: Rtnetlink, plan: ContainerLinkPlan): string {
  const interfaceName = makePair(routes, plan);
  if (plan.isIsolated || plan.isHairpin) {
    const port = routes.link(plan.hostLink);
    if (port !== undefined) routes.execute(setBridgePort(port.index, { isIsolated: plan.isIsolated, isHairpin: plan.isHairpin }));
  }
  configure(plan, interfaceName);
  return interfaceName;
}

/** The container itself may have made a link of the name that would be next: then it is the one after. */
function makePair(routes: Rtnetlink, plan: ContainerLinkPlan): string {
  const netnsFd = openSync(plan.namespace, 'r');
  try {
    for (let number = plan.interfaceNumber; ; number += 1) {
      const name = `${plan.interfacePrefix}${number}`;
      const { mtu } = plan.bridge;
      try {
        routes.execute(
          addLink({
            name: plan.hostLink,
            type: { kind: 'veth', peer: { name, mac: plan.mac, mtu, netnsFd } },
            mtu,
            masterIndex: plan.bridge.index,
            isUp: true,
          }),
        );
        return name;
      } catch (error) {
        const isLast = number === plan.interfaceNumber + NAME_ATTEMPTS;
        if (!isNetlinkErrno(error, 'EEXIST') || isLast || routes.link(plan.hostLink) !== undefined) throw error;
      }
    }
  } finally {
    closeSync(netnsFd);
  }
}

function configure(plan: ContainerLinkPlan, interfaceName: string): void {
  withRoutesOf(
    plan.namespace,
    (routes) => {
      const link = routes.link(interfaceName);
      if (link === undefined)
        throw new CleatError('internal', 'NETWORK_LINK_LOST', `the interface ${interfaceName} vanished while it was made`);
      const messages: NetlinkMessage[] = [setLink(LOOPBACK_INDEX, { isUp: true }), setLink(link.index, { isUp: true })];
      for (const assigned of [plan.ipv4, plan.ipv6]) {
        if (assigned !== undefined)
          messages.push(addAddress({ linkIndex: link.index, address: assigned.address, prefixLength: assigned.prefixLength }));
      }
      for (const address of plan.linkLocal) {
        messages.push(addAddress({ linkIndex: link.index, address, prefixLength: LINK_LOCAL_PREFIX[address.includes(':') ? 6 : 4] }));
      }
      routes.execute(...messages);
    },
    () => setIpv6(interfaceName, plan.ipv6 !== undefined || plan.linkLocal.some((address) => address.includes(':'))),
  );
}

/** Where packets to everywhere go from a namespace. */
export interface DefaultGateway {
  readonly interfaceName: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Sets the default routes of a namespace; an empty address takes that family's away. */
export function setDefaultGateway(namespace: string, gateway: DefaultGateway, isFirst: boolean): void {
  withRoutesOf(namespace, (routes) => {
    const linkIndex = routes.link(gateway.interfaceName)?.index;
    for (const family of [4, 6] as const) {
      const address = family === 4 ? gateway.ipv4 : gateway.ipv6;
      const route = { family, prefixLength: 0, gateway: address, linkIndex };
      if (address === '') {
        if (!isFirst) removeDefaultRoute(routes, family);
      } else {
        routes.execute(isFirst ? addRoute(route) : replaceRoute(route));
      }
    }
  });
}

export function clearDefaultGateway(namespace: string): void {
  withRoutesOf(namespace, (routes) => {
    for (const family of [4, 6] as const) removeDefaultRoute(routes, family);
  });
}

function removeDefaultRoute(routes: Rtnetlink, family: 4 | 6): void {
  try {
    routes.execute(deleteRoute({ family, prefixLength: 0 }));
  } catch (error) {
    if (!isNetlinkErrno(error, 'ESRCH')) throw error;
  }
}

/** The window is as short as can be: the socket stays in the namespace when the thread has left it. */
function withRoutesOf(namespace: string, use: (routes: Rtnetlink) => void, inside: () => void = () => undefined): void {
  const routes = withNetworkNamespace(namespace, () => {
    inside();
    return Rtnetlink.open();
  });
  try {
    use(routes);
  } finally {
    routes.close();
  }
}
