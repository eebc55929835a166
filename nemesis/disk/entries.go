package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// limboSuffix makes the name of the folder, beside the backing folder, where a strict disk keeps what has lost its name
// but would get it back if the power failed now.
const limboSuffix = ".unsynced"

// entries are the changes of folders that are not durable: for each changed folder, what each changed name stood for
// when the folder was last synced. A nil *entries is a disk whose folders are durable at once. The caller of its methods
// holds volume.names.
type entries struct {
	v       *volume
	path    string // of the limbo
	limbo   int
	folders map[*node]map[string]*node // nil: there was nothing of that name
	pins    map[*node]int              // how many durable names of a node are in folders
}

func newEntries(v *volume) (*entries, error) {
	e := &entries{v: v, path: v.backing + limboSuffix, folders: map[*node]map[string]*node{}, pins: map[*node]int{}}
	// What an earlier server left there had lost its name when that server ended, as it does when a machine halts.
	err := os.RemoveAll(e.path)
	if err == nil {
		err = os.Mkdir(e.path, 0o700)
	}
	if err == nil {
		e.limbo, err = unix.Open(e.path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("disk: %s: folder for what is to get its name back: %w", v.name, err)
	}
	return e, nil
}

func limboName(n *node) string { return strconv.FormatUint(n.id.ino, 10) }

// before remembers what a name stands for, before it is changed for the first time since its folder was synced.
func (e *entries) before(dir *node, name string) error {
	if e == nil {
		return nil
	}
	if _, known := e.folders[dir][name]; known {
		return nil
	}
	n, err := e.v.lookup(dir, name)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	if n != nil {
		if err := e.pin(n); err != nil {
			e.v.release(n, 1)
			return err
		}
	}
	if e.folders[dir] == nil {
		e.v.hold(dir)
		e.folders[dir] = map[string]*node{}
	}
	e.folders[dir][name] = n
	return nil
}

// pin keeps an object from vanishing with its last visible name, and takes the caller's reference over. A folder is
// moved into the limbo only when it loses its name, since it can have but one.
func (e *entries) pin(n *node) error {
	if e.pins[n] == 0 && n.kind != unix.S_IFDIR {
		if err := unix.Linkat(unix.AT_FDCWD, n.path(), e.limbo, limboName(n), unix.AT_SYMLINK_FOLLOW); err != nil {
			return err
		}
		n.spare.Store(true)
	}
	e.pins[n]++
	return nil
}

func (e *entries) unpin(n *node) {
	defer e.v.release(n, 1)
	if e.pins[n]--; e.pins[n] > 0 {
		return
	}
	delete(e.pins, n)
	if n.kind != unix.S_IFDIR {
		n.spare.Store(false)
		_ = unix.Unlinkat(e.limbo, limboName(n), 0) // what stays is removed with the limbo
		return
	}
	if unix.Unlinkat(e.limbo, limboName(n), unix.AT_REMOVEDIR) == nil {
		e.keep(n) // it was removed, and now for good
	}
}

// keep makes the entries of a folder durable.
func (e *entries) keep(dir *node) {
	changed, known := e.folders[dir]
	if !known {
		return
	}
	delete(e.folders, dir)
	for _, n := range changed {
		if n != nil {
			e.unpin(n)
		}
	}
	e.v.release(dir, 1)
}

func (e *entries) keepAll() {
	for len(e.folders) > 0 {
		for dir := range e.folders {
			e.keep(dir)
		}
	}
}

// rmdir is rmdir(2); a folder that may have to come back goes to the limbo.
func (e *entries) rmdir(dir *node, name string) error {
	n, err := e.v.lookup(dir, name)
	if err != nil {
		return err
	}
	defer e.v.release(n, 1)
	if err := e.before(dir, name); err != nil {
		return err
	}
	if e.pins[n] == 0 {
		err := unix.Unlinkat(dir.fd, name, unix.AT_REMOVEDIR)
		if err == nil {
			e.keep(n)
		}
		return err
	}
	return e.retire(dir, name, n)
}

// retire moves an empty folder to the limbo.
func (e *entries) retire(dir *node, name string, n *node) error {
	if n.kind != unix.S_IFDIR {
		return unix.ENOTDIR
	}
	inside, err := list(n)
	if err != nil {
		return err
	}
	if len(inside) > len([]string{".", ".."}) {
		return unix.ENOTEMPTY
	}
	return unix.Renameat(dir.fd, name, e.limbo, limboName(n))
}

// rename is renameat2(2); what it replaces may have to come back.
func (e *entries) rename(from *node, name string, to *node, target string, flags uint32) error {
	if err := errors.Join(e.before(from, name), e.before(to, target)); err != nil {
		return err
	}
	replaced, err := e.v.lookup(to, target)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	if replaced == nil || replaced.kind != unix.S_IFDIR || flags != 0 {
		if replaced != nil {
			e.v.release(replaced, 1)
		}
		return unix.Renameat2(from.fd, name, to.fd, target, uint(flags))
	}
	defer e.v.release(replaced, 1)
	moved, err := e.v.lookup(from, name)
	if err != nil {
		return err
	}
	e.v.release(moved, 1)
	if moved.kind != unix.S_IFDIR {
		return unix.EISDIR
	}
	if moved == replaced || e.pins[replaced] == 0 {
		err := unix.Renameat(from.fd, name, to.fd, target)
		if err == nil && moved != replaced {
			e.keep(replaced)
		}
		return err
	}
	if err := e.retire(to, target, replaced); err != nil {
		return err
	}
	err = unix.Renameat(from.fd, name, to.fd, target)
	if err != nil {
		return errors.Join(err, unix.Renameat(e.limbo, limboName(replaced), to.fd, target))
	}
	return nil
}

// forget gives every folder the entries back that it had when it was last synced.
func (e *entries) forget() error {
	type entry struct {
		dir  *node
		name string
		want *node
	}
	var wrong []entry
	var errs []error
	// First everything that should not be where it is gets out of the way, for it may be what is wanted elsewhere.
	for dir, changed := range e.folders {
		for name, want := range changed {
			now, err := e.v.lookup(dir, name)
			if err != nil && !errors.Is(err, unix.ENOENT) {
				errs = append(errs, err)
				continue
			}
			if now == want {
				if now != nil {
					e.v.release(now, 1)
				}
				continue
			}
			wrong = append(wrong, entry{dir, name, want})
			if now == nil {
				continue
			}
			if now.kind == unix.S_IFDIR {
				errs = append(errs, unix.Renameat(dir.fd, name, e.limbo, limboName(now)))
			} else {
				errs = append(errs, unix.Unlinkat(dir.fd, name, 0))
			}
			e.v.release(now, 1)
		}
	}
	for _, w := range wrong {
		if w.want == nil {
			continue
		}
		if w.want.kind != unix.S_IFDIR {
			errs = append(errs, unix.Linkat(e.limbo, limboName(w.want), w.dir.fd, w.name, 0))
			continue
		}
		err := unix.Renameat(e.limbo, limboName(w.want), w.dir.fd, w.name)
		if !errors.Is(err, unix.ENOENT) { // it is under another name, which was made durable; it cannot have two
			errs = append(errs, err)
		}
	}
	e.keepAll()
	return errors.Join(append(errs, e.empty())...)
}

// empty removes what nothing will bring back.
func (e *entries) empty() error {
	left, err := os.ReadDir(e.path)
	if err != nil {
		return err
	}
	for _, one := range left {
		if err := os.RemoveAll(filepath.Join(e.path, one.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (e *entries) close() {
	unix.Close(e.limbo)
	_ = os.RemoveAll(e.path) // the next disk of that folder begins by removing it
}
