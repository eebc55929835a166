package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// volumes are disks of one server, without a kernel between.
func volumes(t *testing.T, n int, model string) (*server, []*volume) {
	t.Helper()
	s := newServer()
	dir := memoryDir(t)
	var all []*volume
	for i := range n {
		name := fmt.Sprint("disk", i)
		backing := filepath.Join(dir, name)
		must(t, os.Mkdir(backing, 0o755))
		v, err := s.volume(serveRequest{Name: name, Backing: backing, Model: model})
		must(t, err)
		t.Cleanup(v.close)
		all = append(all, v)
	}
	return s, all
}

func newFile(t *testing.T, v *volume, name string) *node {
	t.Helper()
	n, err := v.create(nil, v.root, name, 0, 0o644, owner{uint32(os.Geteuid()), uint32(os.Getegid())})
	must(t, err)
	return n
}

func TestThePlugIsOneInstantForAllDisks(t *testing.T) {
	s, v := volumes(t, 2, "lazy")
	for round := range 200 {
		files := []*node{newFile(t, v[0], "f"), newFile(t, v[1], "f")}
		stop := make(chan struct{})
		var acked [2]atomic.Uint64
		var writers sync.WaitGroup
		// Each number goes to the first disk, is synced, and then to the second: it never has what the first has not.
		writers.Go(func() {
			for n := uint64(1); ; n++ {
				number := binary.BigEndian.AppendUint64(nil, n)
				for i, f := range files {
					err := v[i].write(stop, f, number, 0, false)
					if err == nil {
						err = v[i].fsync(stop, f)
					}
					if err != nil {
						if !errors.Is(err, unix.EINTR) {
							t.Errorf("behind the plug: %v", err)
						}
						return
					}
					acked[i].Store(n)
				}
			}
		})
		// Beside it long syncs are always under way: what of them is not done at the instant must never be.
		big := newFile(t, v[1], "big")
		writers.Go(func() {
			for at := int64(0); v[1].write(stop, big, make([]byte, 1<<18), at, true) == nil; at += 1 << 18 {
			}
		})
		for acked[1].Load() < uint64(round%7+1) {
			if t.Failed() {
				t.FailNow()
			}
			runtime.Gosched()
		}
		must(t, s.plug([]string{"disk0", "disk1"}))
		durable := written(t, v[1], "big")
		close(stop)
		writers.Wait()
		if later := written(t, v[1], "big"); later != durable {
			t.Fatalf("round %d: a sync went on from %v to %v after the plug was pulled", round, durable, later)
		}
		v[1].release(big, 1)
		must(t, os.Remove(filepath.Join(v[1].backing, "big")))
		var have [2]uint64
		for i := range files {
			v[i].release(files[i], 1)
			_, err := v[i].forget()
			must(t, err)
			text, err := os.ReadFile(filepath.Join(v[i].backing, "f"))
			must(t, err)
			have[i] = binary.BigEndian.Uint64(text)
			if have[i] != acked[i].Load() {
				t.Fatalf("round %d, disk %d: %d is durable, %d was acknowledged", round, i, have[i], acked[i].Load())
			}
		}
		if have[0] != have[1] && have[0] != have[1]+1 {
			t.Fatalf("round %d: the first disk has %d, the second %d", round, have[0], have[1])
		}
	}
}

// written says when, and how far, the backing file was last written to.
func written(t *testing.T, v *volume, name string) [2]int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(v.backing, name))
	must(t, err)
	return [2]int64{info.Size(), info.ModTime().UnixNano()}
}

func TestWhoStillRefersToAFileSeesWhatIsDurable(t *testing.T) {
	_, v := volumes(t, 1, "lazy")
	f := newFile(t, v[0], "f")
	must(t, v[0].write(nil, f, []byte("synced"), 0, true))
	must(t, v[0].truncate(nil, f, 3))
	must(t, v[0].write(nil, f, []byte("and more"), 3, false))
	_, err := v[0].forget()
	must(t, err)
	out := make([]byte, 100)
	if n, err := v[0].read(f, out, 0); string(out[:n]) != "synced" || err != nil {
		t.Errorf("got %q, %v", out[:n], err)
	}
	v[0].release(f, 1)
}

func TestAWriteUnderOSyncIsDurableWhetherOrNotTheKernelSyncsAfterIt(t *testing.T) {
	for flags, want := range map[uint32]string{unix.O_SYNC: "text", unix.O_DSYNC: "text", unix.O_APPEND: ""} {
		_, v := volumes(t, 1, "lazy")
		f := newFile(t, v[0], "f")
		m := &mount{volume: v[0], nodes: map[uint64]*handed{7: {f, 1}}}
		in := &fuse.WriteIn{InHeader: fuse.InHeader{NodeId: 7}, Flags: flags | unix.O_WRONLY}
		if n, status := m.Write(nil, in, []byte("text")); n != 4 || status != fuse.OK {
			t.Errorf("flags %o: %d bytes, %v", flags, n, status)
		}
		if got := contentOf(v[0].backing, "f"); got != want {
			t.Errorf("flags %o: %q is durable, want %q", flags, got, want)
		}
		v[0].release(f, 1)
	}
}

func TestWhoWaitsBehindThePlugIsSentAway(t *testing.T) {
	s, v := volumes(t, 1, "lazy")
	f := newFile(t, v[0], "f")
	must(t, s.plug([]string{"disk0"}))
	must(t, s.plug([]string{"disk0"})) // again: nothing changes
	if err := v[0].writeMapped(f, []byte("x"), 0); !errors.Is(err, unix.EIO) {
		t.Errorf("a mapped page is written back after the plug: %v", err)
	}
	if err := v[0].sync(); err == nil {
		t.Error("a disk without power was synced")
	}
	ended := make(chan error, 2)
	killed := make(chan struct{})
	go func() { ended <- v[0].fsync(nil, f) }()
	go func() { ended <- v[0].fsync(killed, f) }()
	select {
	case err := <-ended:
		t.Fatalf("fsync came back while the power was off: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(killed)
	if err := <-ended; !errors.Is(err, unix.EINTR) {
		t.Errorf("who was killed: %v", err)
	}
	v[0].release(f, 1)
	_, err := v[0].forget()
	must(t, err)
	if err := <-ended; !errors.Is(err, unix.EIO) {
		t.Errorf("who waited until the power came back: %v", err)
	}
	n := newFile(t, v[0], "g") // it has power again
	v[0].release(n, 1)
}

func TestWhenMemoryIsFullTheOldestBecomesDurableAndIsCounted(t *testing.T) {
	s, v := volumes(t, 2, "lazy")
	s.memory.limit = 10 * pageSize
	now := time.Unix(1e9, 0)
	for _, one := range v {
		one.now = func() time.Time { now = now.Add(time.Second); return now }
	}
	old, young := newFile(t, v[0], "old"), newFile(t, v[1], "young")
	data := make([]byte, 6*pageSize)
	must(t, v[0].write(nil, old, data, 0, false))
	must(t, v[1].write(nil, young, data, 0, false))
	must(t, v[1].write(nil, young, data[:pageSize], 0, false)) // makes room first
	must(t, s.plug([]string{"disk0", "disk1"}))
	v[0].release(old, 1)
	v[1].release(young, 1)
	losses, err := s.forget([]string{"disk0", "disk1"})
	must(t, err)
	if losses[0].Evicted != int64(len(data)) || len(losses[0].Files) != 0 {
		t.Errorf("the older file: %+v, want all of it durable and counted", losses[0])
	}
	if losses[1].Evicted != 0 || len(losses[1].Files) != 1 || losses[1].Files[0].Forgotten != int64(len(data)) {
		t.Errorf("the younger file: %+v, want all of it forgotten", losses[1])
	}
}

func TestADiskWithoutPowerIsNotWrittenBackForRoomOrAge(t *testing.T) {
	s, v := volumes(t, 2, "writeback=1s")
	now := time.Unix(1e9, 0)
	for _, one := range v {
		one.now = func() time.Time { return now }
	}
	f, g := newFile(t, v[0], "f"), newFile(t, v[1], "g")
	must(t, v[0].write(nil, f, make([]byte, pageSize), 0, false))
	must(t, s.plug([]string{"disk0"}))
	now = now.Add(time.Minute)
	v[0].writeBack()
	s.memory.limit = 1
	must(t, v[1].write(nil, g, []byte("x"), 0, false))
	v[0].release(f, 1)
	v[1].release(g, 1)
	loss, err := v[0].forget()
	must(t, err)
	if len(loss.Files) != 1 || loss.Files[0].Forgotten != pageSize || loss.Evicted != 0 {
		t.Errorf("got %+v, want the whole page forgotten", loss)
	}
}

func TestATornDiskKeepsSomePagesChosenByTheSeed(t *testing.T) {
	survivors := func(seed uint64) (kept string) {
		dir := memoryDir(t)
		v, err := newVolume("d", dir, Model{kind: torn}, seed, &gate{}, newMemory(memoryLimit))
		must(t, err)
		defer v.close()
		f := newFile(t, v, "f")
		data := make([]byte, 64*pageSize)
		for i := range data {
			data[i] = 'x'
		}
		must(t, v.write(nil, f, data, 0, false))
		v.release(f, 1)
		loss, err := v.forget()
		must(t, err)
		text := contentOf(dir, "f")
		for at := 0; at < len(text); at += pageSize {
			kept += text[at : at+1]
		}
		n := int64(strings.Count(kept, "x"))
		if n < 16 || n > 48 || loss.Files[0].Forgotten != (64-n)*pageSize {
			t.Errorf("seed %d: %d of 64 pages survived, %+v", seed, n, loss)
		}
		return kept
	}
	first, again, other := survivors(1), survivors(1), survivors(2)
	if first != again {
		t.Error("the same seed tore other pages")
	}
	if first == other {
		t.Error("another seed tore the same pages")
	}
}
