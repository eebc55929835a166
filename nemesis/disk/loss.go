package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Loss is what a disk forgot.
type Loss struct {
	Disk  string
	Files []FileLoss // in the order of their paths; those that lost nothing are left out
	// Evicted is how many bytes became durable without having been asked for, since the memory for unsynced data was
	// full: so much less was lost than the model says. Counted since the loss before.
	Evicted int64
}

// FileLoss is what one file lost.
type FileLoss struct {
	Path      string // relative to the disk
	Forgotten int64  // bytes written and never synced; of a file that lost its last name, all it had
	Recent    int64  // those of them in pages written to in the last second before the plug was pulled
}

// recently is how far back FileLoss.Recent looks.
const recently = time.Second

// forget goes back to what is durable and gives the power back. The caller has made sure that nobody uses the volume.
func (v *volume) forget() (Loss, error) {
	v.supply.gate.Lock()
	defer v.supply.gate.Unlock()
	v.names.Lock()
	defer v.names.Unlock()
	at := v.now()
	if v.supply.plugged {
		at = v.supply.at
	}
	v.losses++
	nodes := v.snapshot()
	defer func() {
		for _, n := range nodes {
			v.release(n, 1)
		}
	}()
	loss := Loss{Disk: v.name, Evicted: v.supply.evicted.Swap(0)}
	victims, err := v.victims(nodes)
	errs := []error{err}
	if v.entries != nil {
		errs = append(errs, v.entries.forget())
		paths, err := v.paths() // some have names again, or others
		errs = append(errs, err)
		for i, d := range victims {
			victims[i].path = cmp.Or(paths[d.node.id], d.path)
		}
	}
	survives := v.survivors()
	for _, d := range victims {
		lost, recent, err := d.content.forget(survives, at.Add(-recently))
		errs = append(errs, err)
		if !d.node.reachable() {
			lost = d.size // whatever of it was synced went with its name
		}
		if lost > 0 {
			loss.Files = append(loss.Files, FileLoss{Path: d.path, Forgotten: lost, Recent: recent})
		}
	}
	slices.SortFunc(loss.Files, func(a, b FileLoss) int { return cmp.Compare(a.Path, b.Path) })
	v.supply.restore()
	if err := errors.Join(errs...); err != nil {
		return loss, fmt.Errorf("disk: %s: going back to what is durable: %w", v.name, err)
	}
	return loss, nil
}

// victim is a file with something to lose, as it was before.
type victim struct {
	node    *node
	content *content
	path    string
	size    int64
}

// victims are in the order of their paths, so that the same seed tears the same pages. A file without a name is none:
// nobody will miss it.
func (v *volume) victims(nodes []*node) (found []victim, err error) {
	paths, err := v.paths()
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if c := n.opened(); c != nil && (c.dirty() || v.entries != nil) && n.reachable() {
			found = append(found, victim{node: n, content: c, path: paths[n.id], size: c.size})
		}
	}
	slices.SortFunc(found, func(a, b victim) int { return cmp.Compare(a.path, b.path) })
	return found, nil
}

// survivors chooses the unsynced pages that reached the disk nevertheless; nil: none does.
func (v *volume) survivors() func() bool {
	if v.model.kind != torn {
		return nil
	}
	random := rand.New(rand.NewPCG(v.seed, v.losses))
	return func() bool { return random.Uint64()&1 == 0 }
}

// paths are the names in the backing folder, relative to it; of several of one file the first in order.
func (v *volume) paths() (map[identity]string, error) {
	found := map[identity]string{}
	err := filepath.WalkDir(v.backing, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		id := identity{st.Dev, st.Ino}
		if _, known := found[id]; known {
			return nil
		}
		found[id], err = filepath.Rel(v.backing, path)
		return err
	})
	return found, err
}
