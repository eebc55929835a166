// Package disk is a disk that forgets: a file system (FUSE) that serves back at once what was written, and keeps it
// apart from what is durable until it is synced, so that a loss of power can be played.
//
// One process serves all disks of a run (Start). The caller mounts /dev/fuse for a host and hands the descriptor to
// Serve; what is durable lies in the disk's backing folder as plain files. A loss of power is, in this order: Plug, one
// instant for all named disks, after which nothing is done or answered as done; kill of their hosts, which ends the
// mounts and what the kernel had cached; Forget; hosts and mounts anew, and Serve. Without Plug and Forget the state
// outlives the mount, as the page cache outlives a killed process.
//
// What is durable, of a file's content and length: what an fsync, fdatasync, msync with MS_SYNC, or a write under O_SYNC
// or O_DSYNC has covered. All of them cover the whole file. Closing covers nothing, and neither do sync(2) and
// syncfs(2). The model says what becomes of the rest:
//
//	lazy           it is gone: each file goes back to its synced content and length, and so does one that was truncated
//	               or allocated (ftruncate, O_TRUNC, fallocate) and not synced since. Entries of folders (create,
//	               rename, unlink, link, mkdir, rmdir, symlink), modes, owners and times are durable at once: a new file
//	               that was never synced is there and empty. This is what LazyFS does
//	               (https://github.com/dsrhaslab/lazyfs), which keeps data and lengths apart and passes the rest on.
//	strict         as lazy, and each folder goes back to the entries that it had when it was last synced itself. That
//	               is all that POSIX gives, and fsync(2) says so; ext4 and XFS keep a new file's name when the file is
//	               synced, this does not.
//	torn           as lazy, but of the pages (4 KiB) with unsynced bytes a random half survives, chosen by the seed. A
//	               file that was made shorter is so if one of its pages survived, else by chance. One that was made
//	               longer ends behind the last page that did; holes are zeros.
//	writeback=30s  as lazy, but a file is durable once its oldest unsynced change has that age, as Linux writes files
//	               back (vm.dirty_expire_centisecs). Ages are looked at ten times within that span.
//
// Where this is harsher than a disk: without writeback nothing becomes durable by age, and a file is never saved by
// the commit of another. Where it is milder: what is synced never disappears, and without torn no page is damaged.
// What is unsynced takes memory, at most 1 GiB for all disks; at that limit files become durable as a whole, those
// longest unsynced first, and Loss counts it (Evicted).
//
// Shared mappings work; a page reaches this file system when the kernel writes it back: at msync, munmap, fsync of the
// file, or when its own memory is short. Locks are the kernel's. There are no extended attributes, no O_TMPFILE, no
// holes to punch (EOPNOTSUPP) and no devices.
//
// The package does not know hosts or brokers, mounts nothing, kills nobody and judges nothing. It never opens a path
// below a mount of its own, and never lets the kernel pass I/O through to the backing file.
package disk
