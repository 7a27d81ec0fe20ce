/**
 * Options of the claims that Cleat's own clients make, one type a kind. They are the vocabulary between who makes a container and who
 * provides the kind; the schema that binds is the one that the kind's provider publishes in its manifest. All of it is JSON.
 */

/** Kind `root`: the root file system, made from an image. */
export interface RootOptions {
  /** Id of the image (sha256:...), so that a tag that moves changes nothing. */
  readonly image: string;
  /** The reference that the user wrote, for messages. */
  readonly reference?: string;
  /** Options of the storage driver (`--storage-opt size=1G`). */
  readonly storage?: Readonly<Record<string, string>>;
}

/** Kind `volume`: one volume at one place. */
export interface VolumeOptions {
  /** Absent: an anonymous volume is made, and removed with the container when that is asked for. */
  readonly name?: string;
  /** Absolute path in the container. */
  readonly target: string;
  readonly readonly?: boolean;
  /** Do not fill an empty volume from the image. */
  readonly nocopy?: boolean;
  /** A directory in the volume to mount instead of all of it. */
  readonly subpath?: string;
  /** Used when the volume has to be made. */
  readonly driver?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** The volume was made for this container alone; also set on claims copied by `--volumes-from`, which name it. */
  readonly anonymous?: boolean;
  /** rprivate, rslave, ... : propagation of mounts below it. */
  readonly propagation?: string;
}

/** A port of the container reachable at ports of the host. */
export interface PublishedPort {
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** Address of the host; absent: all, of both families. */
  readonly hostIp?: string;
  /** Absent: the provider picks one. */
  readonly hostPort?: number;
  /** With hostPort: any free one from hostPort to this. */
  readonly hostPortEnd?: number;
}

export interface ExposedPort {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
}

/** Another container that this one knows by a name of its own. */
export interface NetworkLink {
  /** Id of the other container. */
  readonly container: string;
  readonly alias: string;
}

/** Kind `network`: one endpoint. */
export interface NetworkOptions {
  /** Name or id; the provider pins the id at reserve. */
  readonly network: string;
  readonly aliases?: readonly string[];
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly linkLocal?: readonly string[];
  readonly mac?: string;
  readonly publish?: readonly PublishedPort[];
  readonly expose?: readonly ExposedPort[];
  /** Publish every exposed port at a port that the provider picks. */
  readonly publishAll?: boolean;
  readonly links?: readonly NetworkLink[];
  /** Name servers that the user gave: the embedded server asks these. */
  readonly dns?: { readonly servers?: readonly string[]; readonly search?: readonly string[]; readonly options?: readonly string[] };
  /** The network whose gateway becomes the default route; the highest wins. */
  readonly gatewayPriority?: number;
  readonly driverOptions?: Readonly<Record<string, string>>;
}

/** What a provider of the kind `network` answers as status, as far as clients show it. */
export interface NetworkStatus {
  readonly networkId: string;
  readonly networkName: string;
  readonly driver?: string;
  /** Empty until attached. */
  readonly endpointId?: string;
  readonly ipv4?: string;
  readonly ipv4PrefixLength?: number;
  readonly gateway?: string;
  readonly ipv6?: string;
  readonly ipv6PrefixLength?: number;
  readonly ipv6Gateway?: string;
  readonly mac?: string;
  readonly dnsNames?: readonly string[];
  readonly ports?: readonly BoundPort[];
}

/** A published port as it was bound. */
export interface BoundPort {
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly hostIp: string;
  readonly hostPort: number;
}

/** Status of the kind `volume`, as far as clients show it. */
export interface VolumeStatus {
  readonly name: string;
  readonly driver: string;
  /** Path on the host. */
  readonly mountpoint: string;
  readonly anonymous?: boolean;
}

/** Status of the kind `root`, as far as clients show it. */
export interface RootStatus {
  readonly image: string;
  readonly driver: string;
  /** Paths and names that docker inspect shows below GraphDriver. */
  readonly data?: Readonly<Record<string, string>>;
}

/** Kind `log`: where the output goes. */
export interface LogOptions {
  /** Absent: the provider's default. */
  readonly driver?: string;
  readonly options?: Readonly<Record<string, string>>;
}

/** Status of the kind `log`, as far as clients show it. */
export interface LogStatus {
  readonly driver: string;
  /** File in Docker's json-file format, when the driver keeps one. */
  readonly path?: string;
}

/** Kind `health`: a check that an observer runs again and again. */
export interface HealthOptions {
  /** ["CMD", ...], ["CMD-SHELL", line] or ["NONE"]. */
  readonly test: readonly string[];
  readonly intervalNs?: number;
  readonly timeoutNs?: number;
  readonly startPeriodNs?: number;
  readonly startIntervalNs?: number;
  readonly retries?: number;
}
