package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, err)
		}
		stop()
		os.Exit(1)
	}
}

// options are the command's flags.
type options struct {
	sizes    []uint64
	profile  profile
	seed     uint64
	repeat   int
	naive    uint64
	temp     string
	out      string
	child    string // audit this folder and report
	simply   bool   // with the naive audit
	generate bool   // in that folder, and do not audit
	sampled  string // file for what the processor did meanwhile
}

func parse(args []string, to io.Writer) (o options, err error) {
	set := flag.NewFlagSet("growth", flag.ContinueOnError)
	set.SetOutput(to)
	sizes := set.String("sizes", "1e5,1e6,1e7,1e8", "numbers of messages, rising")
	profile := set.String("profile", "short", "events of a message: short (4) or long (10)")
	set.Uint64Var(&o.seed, "seed", 1, "of the histories")
	set.IntVar(&o.repeat, "repeat", 3, "audits of each size below a hundred million messages, of which the median counts; larger ones are audited once")
	naive := set.String("naive", "1e6", "the most messages that the naive audit, which needs about a kilobyte for each, is given")
	set.StringVar(&o.temp, "temp", "", "folder for the histories, some ten bytes a message; they are removed (default: the system's)")
	set.StringVar(&o.out, "out", "docs", "folder for audit-growth.md, .svg and .png; none if empty")
	set.StringVar(&o.child, "dir", "", "audit the history in this folder, and report in JSON")
	set.BoolVar(&o.simply, "simply", false, "with -dir: by the naive audit")
	set.BoolVar(&o.generate, "generate", false, "with -dir: record a history there instead, of the first of the sizes")
	set.StringVar(&o.sampled, "cpuprofile", "", "with -dir: write a profile of the processor's time to this file")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if set.NArg() > 0 {
		return o, fmt.Errorf("growth: unexpected argument %q", set.Arg(0))
	}
	if o.profile, err = profileOf(*profile); err != nil {
		return o, err
	}
	for text := range strings.SplitSeq(*sizes, ",") {
		n, err := number(text)
		if err != nil {
			return o, err
		}
		o.sizes = append(o.sizes, n)
	}
	o.naive, err = number(*naive)
	return o, err
}

// sampling profiles what f does, where a file is named.
func sampling(file string, f func() error) error {
	if file == "" {
		return f()
	}
	to, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("growth: -cpuprofile: %w", err)
	}
	if err := pprof.StartCPUProfile(to); err != nil {
		return errors.Join(fmt.Errorf("growth: -cpuprofile: %w", err), to.Close())
	}
	err = f()
	pprof.StopCPUProfile()
	return errors.Join(err, to.Close())
}

// number reads a whole number that may be written as 1e8.
func number(text string) (uint64, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || f < 0 || f > 1e12 || f != float64(uint64(f)) {
		return 0, fmt.Errorf("growth: %q is not a number of messages: write 100000 or 1e5", text)
	}
	return uint64(f), nil
}

func command(ctx context.Context, args []string, out, log io.Writer) error {
	o, err := parse(args, log)
	switch {
	case err != nil:
		return err
	case o.child != "" && o.generate:
		events, want, err := generate(o.child, o.profile, o.seed, o.sizes[0])
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(made{events, want})
	case o.child != "":
		return sampling(o.sampled, func() error { return report(ctx, out, o.child, o.profile, o.simply) })
	}
	var rows []row
	for _, n := range o.sizes {
		r, err := o.measure(ctx, n, log)
		if err != nil {
			return err
		}
		rows = append(rows, r)
		fmt.Fprintln(log, r)
	}
	table := markdown(rows)
	fmt.Fprint(out, table)
	if o.out == "" {
		return nil
	}
	if err := draw(filepath.Join(o.out, "audit-growth"), rows); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.out, "audit-growth.md"), []byte(table), 0o644); err != nil {
		return fmt.Errorf("growth: %w", err)
	}
	return nil
}

// measure records one history, audits it in turn by both audits, and removes it.
func (o options) measure(ctx context.Context, messages uint64, log io.Writer) (r row, err error) {
	dir, err := os.MkdirTemp(o.temp, "waybill-growth-")
	if err != nil {
		return r, fmt.Errorf("growth: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := room(dir, messages, o.profile); err != nil {
		return r, err
	}
	r.messages = messages
	var m made
	started := time.Now()
	if err := o.apart(ctx, &m, "-generate", "-dir", dir, "-sizes", strconv.FormatUint(messages, 10), "-seed", strconv.FormatUint(o.seed, 10)); err != nil {
		return r, err
	}
	r.recorded, r.events = time.Since(started), m.Events
	if r.disk, err = sizeOf(dir); err != nil {
		return r, err
	}
	fmt.Fprintf(log, "%d messages, %d events recorded in %.1f s, %d MB\n", messages, m.Events, r.recorded.Seconds(), r.disk>>20)
	times := o.repeat
	if messages >= 1e8 {
		times = 1
	}
	for range max(1, times) {
		a := measurement{}
		if err := o.apart(ctx, &a, "-dir", dir); err != nil {
			return r, err
		}
		if err := m.check(a, true); err != nil {
			return r, err
		}
		r.audits = append(r.audits, a)
		if messages > o.naive {
			continue
		}
		b := measurement{}
		if err := o.apart(ctx, &b, "-dir", dir, "-simply"); err != nil {
			return r, err
		}
		if err := m.check(b, false); err != nil {
			return r, err
		}
		r.naive = append(r.naive, b)
	}
	return r, nil
}

// apart runs this program once more, with the profile and other arguments, and reads what it reports.
func (o options) apart(ctx context.Context, into any, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("growth: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"-profile", o.profile.name}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	b, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("growth: %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("growth: what a process of its own reported: %w", err)
	}
	return nil
}

// room refuses to fill the file system.
func room(dir string, messages uint64, p profile) error {
	each := uint64(16)
	if p.long {
		each = 40
	}
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return fmt.Errorf("growth: %w", err)
	}
	if free := s.Bavail * uint64(s.Bsize); free < 2*each*messages {
		return fmt.Errorf("growth: %d messages may need %d MB below %s, where %d are free: name another folder with -temp", messages, each*messages>>20, dir, free>>20)
	}
	return nil
}

func sizeOf(dir string) (sum int64, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		info, statErr := e.Info()
		if statErr != nil {
			return 0, fmt.Errorf("growth: %w", statErr)
		}
		sum += info.Size()
	}
	return sum, err
}

// markdown is the table of all sizes.
func markdown(rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| messages | events | audit (s) | events a second | and core | processors used | heap, bytes a message | most resident (MB) | naive: time | naive: memory |\n")
	fmt.Fprintf(&b, "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range rows {
		a := r.audit()
		times, memory := "", ""
		if len(r.naive) > 0 {
			n := middle(r.naive)
			times = fmt.Sprintf("%.0f×", float64(n.CPU)/float64(a.CPU))
			memory = fmt.Sprintf("%.0f×", float64(n.Resident)/float64(a.Resident))
		}
		fmt.Fprintf(&b, "| %d | %d | %.2f | %.1f M | %.1f M | %.2f | %.2f | %d | %s | %s |\n", r.messages, r.events, a.Wall.Seconds(),
			float64(r.events)/a.Wall.Seconds()/1e6, float64(r.events)/a.CPU.Seconds()/1e6, a.CPU.Seconds()/a.Wall.Seconds(),
			float64(a.Heap)/float64(r.messages), a.Resident>>20, times, memory)
	}
	return b.String()
}
