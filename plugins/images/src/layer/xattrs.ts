import { setXattr } from '@cleat/sdk/filesystem';
import { errnoOf } from './errno.ts';

/** How overlayfs marks a directory that hides the one below it. */
export const OPAQUE_XATTR = 'trusted.overlay.opaque';
const OVERLAY_PREFIX = 'trusted.overlay.';

/** Sets what an archive asks for. As with Docker, attributes that the file system or the kind of file cannot have are left out. */
export function applyXattrs(host: Buffer, xattrs: ReadonlyMap<string, Buffer>): void {
  for (const [name, value] of xattrs) {
    // These are overlayfs's own marks: from an archive they could show files that the image does not hold.
    if (name.startsWith(OVERLAY_PREFIX)) continue;
    try {
      setXattr(host, name, value);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== 'EOPNOTSUPP' && errno !== 'EPERM') throw error;
    }
  }
}
