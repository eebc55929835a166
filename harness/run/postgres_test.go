package run

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
	"waybill/workloads"
	"waybill/workloads/pgtest"
)

// postgresLedger is this test binary as a ledger on a host: it is told of the database over its control socket.
const postgresLedger = "test-postgres-ledger"

func init() { reexec.Register(postgresLedger, servePostgresLedger) }

func servePostgresLedger([]string) int {
	err := func() error {
		var p workloads.Postgres
		if err := json.NewDecoder(lab.Control()).Decode(&p); err != nil {
			return err
		}
		l, err := workloads.OpenPostgres(context.Background(), p)
		if err != nil {
			return err
		}
		at, err := net.Listen("tcp4", ":"+workloads.LedgerPort)
		if err != nil {
			return err
		}
		fmt.Fprintln(lab.Control(), "ready")
		return workloads.ServeLedger(context.Background(), l, at)
	}()
	fmt.Fprintln(os.Stderr, err)
	return 4
}

const secret = "s3cret-of-the-ledger"

// database is a PostgreSQL on a lab's host.
type database struct {
	host   *lab.Host
	server pgtest.Server
	lives  int
}

func newDatabase(t *testing.T, l *lab.Lab) *database {
	t.Helper()
	programs, ok := pgtest.Find()
	labtest.Need(t, pgtest.Missing, ok)
	h, err := l.AddHost(t.Context(), "db")
	if err != nil {
		t.Fatal(err)
	}
	d := &database{host: h, server: pgtest.Server{Programs: programs, Dir: h.Dir(), Port: 5432, User: "waybill", Password: secret}}
	path, args, err := d.server.Init()
	if err != nil {
		t.Fatal(err)
	}
	made, err := h.Start(t.Context(), lab.Proc{Name: "initdb", Path: path, Args: args, User: pgtest.User})
	if err != nil {
		t.Fatal(err)
	}
	if <-made.Done(); made.Exit().Code != 0 {
		t.Fatalf("initdb: %+v", made.Exit())
	}
	d.start(t)
	return d
}

func (d *database) start(t *testing.T) {
	t.Helper()
	d.lives++
	if err := d.server.Forget(); err != nil {
		t.Fatal(err)
	}
	path, args := d.server.Serve()
	if _, err := d.host.Start(t.Context(), lab.Proc{Name: fmt.Sprint("postgres", d.lives), Path: path, Args: args, User: pgtest.User}); err != nil {
		t.Fatal(err)
	}
}

// startPostgresLedger starts a ledger on a host and waits until it serves: its database may still be starting.
func startPostgresLedger(t *testing.T, h *lab.Host, p workloads.Postgres) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for {
		proc, err := h.Start(ctx, lab.Proc{Name: "ledger", Program: postgresLedger, Control: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewEncoder(proc.Control()).Encode(p); err != nil {
			t.Fatal(err)
		}
		var ready string
		if n, _ := fmt.Fscanln(proc.Control(), &ready); n == 1 {
			return
		}
		<-proc.Done()
		select {
		case <-ctx.Done():
			t.Fatalf("the ledger does not start: %s", proc.Exit().Stderr)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// told is what the ledger answered for each token, and how often it left the outcome open.
type told struct {
	mu      sync.Mutex
	of      map[string]history.Status
	unknown map[string]int
}

// apply asks for new tokens until ctx ends, each again until its outcome is known.
func (a *told) apply(ctx context.Context, worker int, next *atomic.Int64, e *workloads.LedgerEffect) {
	for ctx.Err() == nil {
		token := fmt.Sprintf("token-%d-%d", worker, next.Add(1))
		for {
			s, err := e.Apply(context.Background(), token)
			a.mu.Lock()
			if err == nil {
				a.of[token] = s
				a.mu.Unlock()
				break
			}
			a.unknown[token]++
			a.mu.Unlock()
			select {
			case <-ctx.Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

func TestALedgerOnPostgreSQLAppliesOnceThroughKillsOfTheDatabaseAndOfItself(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		db := newDatabase(t, l)
		ledger, err := l.AddHost(t.Context(), "ledger")
		if err != nil {
			t.Fatal(err)
		}
		r, err := newRelay("tcp", fmt.Sprintf("%s:%d", db.host.Addr(), db.server.Port))
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		// The ledger's host does not know the database's name: only the relay leads there.
		p := workloads.Postgres{URL: db.server.URL("database.example"), Socket: r.socket, Run: "0123abcd"}
		startPostgresLedger(t, ledger, p)
		noSecretInProcesses(t)

		addr := net.JoinHostPort(ledger.Addr().String(), workloads.LedgerPort)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		answers := &told{of: map[string]history.Status{}, unknown: map[string]int{}}
		var next atomic.Int64
		var workers sync.WaitGroup
		for i := range 4 {
			workers.Go(func() {
				e := workloads.NewLedgerEffect(addr, "lane")
				defer e.Close()
				answers.apply(ctx, i, &next, e)
			})
		}
		known := func() int {
			answers.mu.Lock()
			defer answers.mu.Unlock()
			return len(answers.of)
		}
		until := func(what string, n int) {
			t.Helper()
			deadline := time.Now().Add(60 * time.Second)
			for known() < n {
				if time.Now().After(deadline) {
					t.Fatalf("%s: %d outcomes known after a minute, want %d", what, known(), n)
				}
				<-time.After(5 * time.Millisecond)
			}
		}
		until("at first", 200)
		for kill := range 3 {
			if err := db.host.Kill(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := db.host.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			db.start(t)
			until(fmt.Sprintf("after kill %d of the database", kill+1), known()+200)
		}
		if err := ledger.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := ledger.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		startPostgresLedger(t, ledger, p)
		until("after a kill of the ledger", known()+200)
		stop()
		workers.Wait()

		held := map[string]uint64{}
		if err := workloads.ReadLedger(t.Context(), addr, "lane", func(token string, n uint64) error { held[token] += n; return nil }); err != nil {
			t.Fatal(err)
		}
		asked, hits := 0, 0
		for token, s := range answers.of {
			asked++
			if s == history.DedupHit {
				hits++
			}
			if held[token] != 1 || s != history.OK && s != history.DedupHit {
				t.Errorf("%s was answered %v and has %d effects, want 1", token, s, held[token])
			}
		}
		for token, n := range held {
			if _, ok := answers.of[token]; !ok && (n != 1 || answers.unknown[token] == 0) {
				t.Errorf("%s has %d effects, and its outcome was left open %d times", token, n, answers.unknown[token])
			}
		}
		if len(answers.unknown) == 0 {
			t.Error("no outcome was ever unknown: the kills hit nothing")
		}
		t.Logf("%d tokens known, %d of them were once unknown, %d of those had been applied", asked, len(answers.unknown), hits)
	})
}

// noSecretInProcesses looks at what every process of the lab was started with.
func noSecretInProcesses(t *testing.T) {
	t.Helper()
	for _, what := range []string{"cmdline", "environ"} {
		files, err := filepath.Glob("/proc/[0-9]*/" + what)
		if err != nil || len(files) < 4 {
			t.Fatalf("%d processes, %v", len(files), err)
		}
		for _, f := range files {
			if text, err := os.ReadFile(f); err == nil && strings.Contains(string(text), secret) {
				t.Errorf("%s holds the password", f)
			}
		}
	}
}

func TestRunsInOneDatabaseDoNotMeetAndLeaveNothing(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		db := newDatabase(t, l)
		r, err := newRelay("tcp", fmt.Sprintf("%s:%d", db.host.Addr(), db.server.Port))
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		open := func(run string) *workloads.Ledger {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			for {
				l, err := workloads.OpenPostgres(ctx, workloads.Postgres{URL: db.server.URL("db"), Socket: r.socket, Run: run})
				if err == nil {
					t.Cleanup(func() { l.Close() })
					return l
				}
				if strings.Contains(err.Error(), secret) {
					t.Fatalf("the error holds the password: %v", err)
				}
				select {
				case <-ctx.Done():
					t.Fatal(err)
				case <-time.After(50 * time.Millisecond):
				}
			}
		}
		a, b := open("aaaaaaaa"), open("bbbbbbbb")
		for _, x := range []struct {
			claim string
			l     *workloads.Ledger
			want  history.Status
		}{
			{"the first time", a, history.OK}, {"again", a, history.DedupHit}, {"by another run", b, history.OK},
			{"by a ledger of the first run, started later", open("aaaaaaaa"), history.DedupHit},
		} {
			if got, err := x.l.Apply(t.Context(), "lane", "token"); got != x.want || err != nil {
				t.Errorf("%s: %v, %v, want %v", x.claim, got, err, x.want)
			}
		}
		if err := a.Drop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := a.Apply(t.Context(), "lane", "other"); got != history.Failed || err == nil {
			t.Errorf("without its tables the ledger answers %v, %v", got, err)
		}
		if got, err := b.Apply(t.Context(), "lane", "token"); got != history.DedupHit || err != nil {
			t.Errorf("another run's tables went with them: %v, %v", got, err)
		}
	})
}
