package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/nemesis"
	"waybill/nemesis/disk"
)

// disks are what the brokers keep their data on when a fault of the schedule takes the power from them: for each broker's host a file
// system that forgets, mounted over its data folder and seen by that host alone. nil: brokers are on plain disks, and nothing is in their
// way. Hosts of the profile's extra are on plain disks always.
type disks struct {
	c      *controller
	server *disk.Disks
	model  disk.Model
	hosts  []*lab.Host
}

// startDisks puts the data of hosts on disks that forget, if the schedule needs such, and shows that they do. Nothing runs on the hosts yet.
func (c *controller) startDisks(ctx context.Context, hosts []*lab.Host) error {
	name, err := nemesis.DiskModel(c.job.Schedule)
	if err != nil || name == "" {
		return err
	}
	model, err := disk.ParseModel(name)
	if err != nil {
		return err
	}
	if c.product.Data == "" {
		return fmt.Errorf("run: %s: target %s does not say in which folder its data is", name, c.exp.Target)
	}
	server, err := disk.Start(ctx)
	if err != nil {
		return err
	}
	c.disks = &disks{c: c, server: server, model: model, hosts: hosts}
	for _, h := range hosts {
		if err := os.MkdirAll(c.disks.folder(h), 0o755); err != nil {
			return fmt.Errorf("run: folder of %s: %w", h.Name(), err)
		}
		if err := c.disks.mount(ctx, h); err != nil {
			return err
		}
	}
	if err := c.disks.probe(ctx); err != nil {
		return err
	}
	return c.disks.measure(ctx, hosts[0])
}

func (d *disks) folder(h *lab.Host) string { return filepath.Join(h.Dir(), d.c.product.Data) }

func (d *disks) names() (names []string) {
	for _, h := range d.hosts {
		names = append(names, h.Name())
	}
	return names
}

// mount puts the disk of a host that was just started in its place again; what it holds outlives its host.
func (d *disks) mount(ctx context.Context, h *lab.Host) error {
	if d == nil || !slices.Contains(d.hosts, h) {
		return nil
	}
	dev, err := h.MountFUSE(ctx, d.folder(h))
	if err != nil {
		return err
	}
	return d.server.Serve(ctx, h.Name(), d.folder(h), dev, d.model, d.c.exp.Seed+uint64(slices.Index(d.hosts, h)))
}

// settle makes everything durable once, as a quiet half minute would: what the brokers wrote while they started and made the queues is
// not what a strike on a cluster under load is about.
func (d *disks) settle(ctx context.Context) error {
	if d == nil {
		return nil
	}
	return d.server.Sync(ctx, d.names()...)
}

// Plug implements nemesis.Disks.
func (d *disks) Plug(ctx context.Context, hosts ...string) error { return d.server.Plug(ctx, hosts...) }

// Forget implements nemesis.Disks: it records for each lane what the disks forgot of its queue.
func (d *disks) Forget(ctx context.Context, hosts ...string) (bytes int64, err error) {
	losses, err := d.server.Forget(ctx, hosts...)
	if err != nil {
		return 0, err
	}
	var queues []string
	for _, l := range d.c.lanes {
		queues = append(queues, l.spec.Queue)
	}
	for _, l := range losses {
		own, all := share(l.Files, queues)
		bytes += all
		if l.Evicted > 0 {
			d.c.tell(Progress{Warning: fmt.Sprintf("the disk of %s had no room for what was not synced: %d bytes were kept that would have been forgotten", l.Disk, l.Evicted)})
		}
		for i, f := range own {
			d.c.journal.put(history.Event{Kind: history.DiskForgot, Ref: uint64(d.c.episode.Load()), Lane: uint32(i), Name: l.Disk,
				Count: uint64(f.Forgotten), From: f.Recent, Text: d.model.String()})
		}
	}
	return bytes, nil
}

func (d *disks) close() error {
	if d == nil {
		return nil
	}
	return d.server.Close()
}

// share adds up what was forgotten in files that concern each queue: those whose path names it, and those whose path names none of the
// queues, which all share. Where one queue's name is part of another's, a path is of the longer one's. all is every file once.
func share(files []disk.FileLoss, queues []string) (own []disk.FileLoss, all int64) {
	own = make([]disk.FileLoss, len(queues))
	for _, f := range files {
		all += f.Forgotten
		of := -1
		for i, q := range queues {
			if strings.Contains(f.Path, q) && (of < 0 || len(q) > len(queues[of])) {
				of = i
			}
		}
		for i := range own {
			if of < 0 || of == i {
				own[i].Forgotten += f.Forgotten
				own[i].Recent += f.Recent
			}
		}
	}
	return own, all
}

// DisksHere says why brokers cannot be put on disks that forget on this machine, and what would permit it; "" if they can. Where there can
// be no lab at all it says nothing: that is for others to say.
func DisksHere(ctx context.Context) string {
	for _, s := range lab.Probe(ctx) {
		if !s.Can && slices.Contains(s.Faults, "power-failure") && !slices.Contains(s.Faults, "kill-all") {
			return fmt.Sprintf("%s is not permitted here: %s: %s", s.Name, s.Why, s.Remedy)
		}
	}
	return ""
}
