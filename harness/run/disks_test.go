package run

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/nemesis/disk"
	"waybill/targets"
)

func TestWhatADiskForgotIsOfTheQueueThatItsPathNames(t *testing.T) {
	queues := []string{"ledger_run1", "jetstream_ledger_run1", "core_run1"}
	files := []disk.FileLoss{
		{Path: "streams/jetstream_ledger_run1/msgs/1.blk", Forgotten: 100, Recent: 10},
		{Path: "ledger_run1-0/00.log", Forgotten: 20, Recent: 2},
		{Path: "raft/S-R3F-abc/1.blk", Forgotten: 3, Recent: 1},
	}
	own, all := share(files, queues)
	want := []disk.FileLoss{{Forgotten: 23, Recent: 3}, {Forgotten: 103, Recent: 11}, {Forgotten: 3, Recent: 1}}
	if diff := cmp.Diff(want, own); diff != "" || all != 123 {
		t.Errorf("%d in all (-want +got):\n%s", all, diff)
	}
	slices.Reverse(queues)
	slices.Reverse(want)
	own, _ = share(files, queues)
	if diff := cmp.Diff(want, own); diff != "" {
		t.Errorf("the order of lanes matters (-want +got):\n%s", diff)
	}
	if own, all := share(nil, queues); all != 0 || len(own) != 3 {
		t.Errorf("of nothing forgotten: %v, %d: each queue is to hear of it", own, all)
	}
}

// nodes are those of a product of which nothing runs.
type nodes struct{ targets.Cluster }

func (nodes) StartNode(context.Context, string) error { return nil }

// onDisks is a controller with two brokers' hosts, and what it told.
func onDisks(t *testing.T, l *lab.Lab, faults ...string) (c *controller, hosts []*lab.Host, told *[]Progress) {
	t.Helper()
	told = &[]Progress{}
	dir := t.TempDir()
	j, err := newJournal(dir, "run45678")
	if err != nil {
		t.Fatal(err)
	}
	c = &controller{job: Job{Dir: dir}, lab: l, journal: j, product: targets.Description{Data: "store"}, tell: func(p Progress) { *told = append(*told, p) }, brokers: map[string]*broker{}, cluster: nodes{}}
	for i, f := range faults {
		c.job.Schedule.Episodes = append(c.job.Schedule.Episodes, experiment.Episode{Number: i + 1, Fault: f})
	}
	for _, q := range []string{"a_run1", "b_run1"} {
		c.lanes = append(c.lanes, &lane{index: len(c.lanes), spec: experiment.Lane{Queue: q}})
	}
	for _, name := range []string{"n1", "n2"} {
		h, err := l.AddHost(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, h)
		c.brokers[name] = &broker{host: h}
	}
	t.Cleanup(func() {
		if err := c.disks.close(); err != nil {
			t.Error(err)
		}
	})
	return c, hosts, told
}

func TestBrokersWithoutAFaultOfDisksAreOnPlainOnes(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		c, hosts, told := onDisks(t, l, "kill-all", "lose-acks")
		if err := c.startDisks(t.Context(), hosts); err != nil || c.disks != nil || len(*told) > 0 {
			t.Errorf("%v, disks %v, told %v", err, c.disks, *told)
		}
		if err := c.disks.mount(t.Context(), hosts[0]); err != nil {
			t.Error(err)
		}
		if err := c.disks.settle(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(hosts[0].Dir(), "store")); !os.IsNotExist(err) {
			t.Errorf("something was made in the broker's folder: %v", err)
		}
	})
}

func TestABrokersDiskForgetsWhatWasNotSyncedAndOutlivesItsHost(t *testing.T) {
	labtest.Need(t, "disks that forget", DisksHere(t.Context()) == "")
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		c, hosts, told := onDisks(t, l, "kill-all", "power-failure")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.startDisks(ctx, hosts); err != nil {
			t.Fatal(err)
		}
		d := c.disks
		if len(*told) != 1 || !strings.Contains((*told)[0].Facts["disks that forget"], "model lazy; writes of 1 MiB at ") {
			t.Errorf("told %+v", *told)
		}
		for _, h := range hosts {
			left, err := os.ReadDir(d.folder(h))
			outside, _ := filepath.Glob(filepath.Join(h.Dir(), "disk-*"))
			if err != nil || len(left)+len(outside) > 0 {
				t.Errorf("the trial left %v, %v, %v", left, outside, err)
			}
		}
		restart := func() {
			t.Helper()
			if err := (machines{c}).Restart(ctx, "n1", "n2"); err != nil {
				t.Fatal(err)
			}
		}
		kill := func() {
			t.Helper()
			for _, h := range hosts {
				if err := h.Kill(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}

		// On the first disk something is written and not synced, on the second it has settled since.
		if err := d.probeWrite(ctx, hosts[1]); err != nil {
			t.Fatal(err)
		}
		if err := d.settle(ctx); err != nil {
			t.Fatal(err)
		}
		if err := d.probeWrite(ctx, hosts[0]); err != nil {
			t.Fatal(err)
		}
		kill() // and nothing more: the page cache outlives it, and a disk that forgets nothing does not pass its trial
		restart()
		if err := d.probeCheck(ctx, hosts[0]); err == nil || !strings.Contains(err.Error(), "forgets nothing") {
			t.Errorf("what was never synced is there, and the disk passes: %v", err)
		}
		if err := d.Plug(ctx, "n1", "n2"); err != nil {
			t.Fatal(err)
		}
		kill()
		c.episode.Store(2)
		bytes, err := d.Forget(ctx, "n1", "n2")
		if err != nil || bytes == 0 {
			t.Errorf("forgot %d bytes, %v", bytes, err)
		}
		restart()
		if err := d.probeCheck(ctx, hosts[0]); err != nil {
			t.Error(err)
		}
		if err := d.probeCheck(ctx, hosts[1]); err == nil {
			t.Error("what had settled was forgotten")
		}
		checkForgotten(t, c, uint64(bytes))
	})
}

// checkForgotten reads the journal: of each disk every lane hears, since none is named by the path.
func checkForgotten(t *testing.T, c *controller, bytes uint64) {
	t.Helper()
	if err := c.journal.close(); err != nil {
		t.Fatal(err)
	}
	h, err := history.Open(c.job.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []history.Event
	for e, err := range h.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == history.DiskForgot {
			got = append(got, history.Event{Ref: e.Ref, Lane: e.Lane, Name: e.Name, Count: e.Count, Text: e.Text})
		}
	}
	want := []history.Event{
		{Ref: 2, Lane: 0, Name: "n1", Count: bytes, Text: "lazy"}, {Ref: 2, Lane: 1, Name: "n1", Count: bytes, Text: "lazy"},
		{Ref: 2, Lane: 0, Name: "n2", Text: "lazy"}, {Ref: 2, Lane: 1, Name: "n2", Text: "lazy"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

func TestDisksOfTwoModelsAreRefused(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		c, hosts, _ := onDisks(t, l, "power-failure", "power-failure:model=strict")
		if err := c.startDisks(t.Context(), hosts); err == nil || !strings.Contains(err.Error(), "two models") || c.disks != nil {
			t.Errorf("%v, disks %v", err, c.disks)
		}
	})
}
