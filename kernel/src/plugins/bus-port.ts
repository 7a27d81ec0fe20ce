import type { Grant } from '@cleat/core';

/** What a participant may do on the bus (core's own grant, under a name that does not clash with a plugin's). */
export type BusGrant = Grant;
