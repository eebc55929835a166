package workloads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/harness/reexec"
)

// ledgerProgram is this test binary as a ledger: its arguments are the folder and the address.
const ledgerProgram = "test-ledger"

func init() {
	reexec.Register(ledgerProgram, func(args []string) int {
		if err := serve(context.Background(), args[0], args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 4
		}
		return 0
	})
}

// serve serves the SQLite ledger in dir at addr until ctx ends.
func serve(ctx context.Context, dir, addr string) error {
	at, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	l, err := OpenSQLite(dir)
	if err != nil {
		return errors.Join(err, at.Close())
	}
	return errors.Join(ServeLedger(ctx, l, at), l.Close())
}

func TestMain(m *testing.M) {
	reexec.Dispatch()
	os.Exit(m.Run())
}

func openLedger(t *testing.T, dir string) *Ledger {
	t.Helper()
	l, err := OpenSQLite(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// effects reads a lane straight from the database.
func effects(t *testing.T, l *Ledger, lane string) map[string]int {
	t.Helper()
	rows, err := l.db.Query(`SELECT token FROM effects WHERE lane = ?`, lane)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[string]int{}
	for rows.Next() {
		var token string
		if err := rows.Scan(&token); err != nil {
			t.Fatal(err)
		}
		got[token]++
	}
	return got
}

func TestALedgerAppliesOnce(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir)
	ctx := context.Background()
	for _, c := range []struct {
		claim, lane, token string
		want               history.Status
	}{
		{"the first time", "a", "one", history.OK},
		{"the second time", "a", "one", history.DedupHit},
		{"another token", "a", "two", history.OK},
		{"the same token of another lane", "b", "one", history.OK},
	} {
		if got, err := l.Apply(ctx, c.lane, c.token); got != c.want || err != nil {
			t.Errorf("%s: %v, %v, want %v", c.claim, got, err, c.want)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := openLedger(t, dir)
	if got, err := again.Apply(ctx, "a", "one"); got != history.DedupHit || err != nil {
		t.Errorf("after it was opened again: %v, %v, want a dedup hit", got, err)
	}
	if got := effects(t, again, "a"); len(got) != 2 || got["one"] != 1 || got["two"] != 1 {
		t.Errorf("effects of lane a: %v", got)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := again.Apply(ctx, "a", "three"); got != history.Failed || err == nil {
		t.Errorf("a closed ledger answers %v, %v: want Failed, for certain", got, err)
	}
}

func TestApplyingATokenSideBySideHasOneEffect(t *testing.T) {
	l := openLedger(t, t.TempDir())
	const tokens, each = 10, 8
	var mu sync.Mutex
	got := map[string]map[history.Status]int{}
	var all sync.WaitGroup
	for i := range tokens * each {
		all.Go(func() {
			token := fmt.Sprint("token", i%tokens)
			s, err := l.Apply(context.Background(), "a", token)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if got[token] == nil {
				got[token] = map[history.Status]int{}
			}
			got[token][s]++
		})
	}
	all.Wait()
	held := effects(t, l, "a")
	for token, answers := range got {
		if answers[history.OK] != 1 || answers[history.DedupHit] != each-1 || held[token] != 1 {
			t.Errorf("%s: answers %v, effects %d: want one of each and %d dedup hits", token, answers, held[token], each-1)
		}
	}
	if len(held) != tokens {
		t.Errorf("%d tokens have effects, want %d", len(held), tokens)
	}
}

func TestAnEffectAndItsTokenAreOneTransaction(t *testing.T) {
	l := openLedger(t, t.TempDir())
	ctx := context.Background()
	if _, err := l.db.Exec(`ALTER TABLE effects RENAME TO away`); err != nil {
		t.Fatal(err)
	}
	if s, err := l.Apply(ctx, "a", "one"); s != history.Failed || err == nil {
		t.Fatalf("an effect that cannot be had: %v, %v", s, err)
	}
	if _, err := l.db.Exec(`ALTER TABLE away RENAME TO effects`); err != nil {
		t.Fatal(err)
	}
	if s, err := l.Apply(ctx, "a", "one"); s != history.OK || err != nil {
		t.Errorf("the token stayed behind without its effect: %v, %v, want OK", s, err)
	}
}

// freeAddr is an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startLedger starts a ledger process and waits until it answers.
func startLedger(t *testing.T, dir, addr string) *exec.Cmd {
	t.Helper()
	c := reexec.Command(ledgerProgram, dir, addr)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for {
		err := ReadLedger(ctx, addr, "nobody", func(string, uint64) error { return nil })
		if err == nil {
			return c
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the ledger does not answer: %v", err)
		case <-poll.C:
		}
	}
}

// A consumer asks again until it is told; the ledger is killed again and again at any instant.
func TestALedgerSurvivesSIGKILLWithOneEffectForEachToken(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	rng := rand.New(rand.NewPCG(1, 2))
	ctx := context.Background()
	const kills = 5
	unknown, next := 0, 0
	told := map[string]history.Status{}
	for range kills {
		c := startLedger(t, dir, addr)
		e := NewLedgerEffect(addr, "a")
		after := time.AfterFunc(time.Duration(5+rng.IntN(60))*time.Millisecond, func() { c.Process.Kill() })
		for {
			token := fmt.Sprintf("token%d", next)
			s, err := e.Apply(ctx, token)
			if s == history.Unknown {
				if err == nil {
					t.Error("an unknown outcome without a reason")
				}
				unknown++
				break // asked again below, of the next life
			}
			told[token] = s
			next++
		}
		after.Stop()
		c.Wait()
		e.Close()
	}
	startLedger(t, dir, addr)
	e := NewLedgerEffect(addr, "a")
	defer e.Close()
	for i := range next {
		token := fmt.Sprint("token", i)
		if s, err := e.Apply(ctx, token); s != history.DedupHit || err != nil {
			t.Fatalf("%s was answered %v, and is gone after a kill: %v %v", token, told[token], s, err)
		}
	}
	got := map[string]uint64{}
	if err := ReadLedger(ctx, addr, "a", func(token string, n uint64) error { got[token] += n; return nil }); err != nil {
		t.Fatal(err)
	}
	for i := range next {
		if n := got[fmt.Sprint("token", i)]; n != 1 {
			t.Errorf("token%d has %d effects, want 1", i, n)
		}
	}
	if len(got) > next+1 {
		t.Errorf("%d tokens have effects, but only %d were asked for", len(got), next+1)
	}
	if unknown != kills || next < kills {
		t.Errorf("%d unknown outcomes and %d answers in %d lives: the kills hit nothing", unknown, next, kills)
	}
}

func TestALedgerEffectCallsWhatItCannotKnowUnknown(t *testing.T) {
	for claim, handler := range map[string]http.HandlerFunc{
		"an error of the ledger":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "disk I/O error", 500) },
		"an answer cut off":       func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
		"an answer of nothing":    func(w http.ResponseWriter, _ *http.Request) {},
		"an answer that is no OK": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "yes") },
	} {
		s := httptest.NewServer(handler)
		e := NewLedgerEffect(strings.TrimPrefix(s.URL, "http://"), "a")
		if got, err := e.Apply(context.Background(), "one"); got != history.Unknown || err == nil {
			t.Errorf("%s: %v, %v, want Unknown and why", claim, got, err)
		}
		e.Close()
		s.Close()
	}
	e := NewLedgerEffect(freeAddr(t), "a")
	if got, err := e.Apply(context.Background(), "one"); got != history.Unknown || err == nil {
		t.Errorf("nobody there: %v, %v, want Unknown and why", got, err)
	}
}

func TestReadLedgerTrustsOnlyAnAnswerWithItsEnd(t *testing.T) {
	stop := errors.New("enough")
	for _, c := range []struct {
		claim, answer string
		each          error
		want          map[string]uint64
		err           string
	}{
		{"a whole answer", "one 1\ntwo 2\nend\n", nil, map[string]uint64{"one": 1, "two": 2}, ""},
		{"nothing was applied", "end\n", nil, nil, ""},
		{"cut between lines", "one 1\n", nil, map[string]uint64{"one": 1}, "ended early"},
		{"cut within a line", "one 1\ntw", nil, map[string]uint64{"one": 1}, `"tw"`},
		{"no answer at all", "", nil, nil, "ended early"},
		{"not a count", "one two\nend\n", nil, nil, `"one two"`},
		{"a reader that can take no more", "one 1\nend\n", stop, map[string]uint64{"one": 1}, "enough"},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, c.answer) }))
		got := map[string]uint64{}
		err := ReadLedger(context.Background(), strings.TrimPrefix(s.URL, "http://"), "a", func(token string, n uint64) error { got[token] += n; return c.each })
		s.Close()
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want %q", c.claim, err, c.err)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: read %v, want %v", c.claim, got, c.want)
		}
	}
	if err := ReadLedger(context.Background(), freeAddr(t), "a", nil); err == nil {
		t.Error("a ledger that is not there has no effects, and that is no error")
	}
}

func TestServeLedgerEndsWithItsContext(t *testing.T) {
	addr := freeAddr(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, t.TempDir(), addr) }()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for range 5000 {
		if ReadLedger(ctx, addr, "a", nil) == nil {
			break
		}
		<-poll.C
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the end of its context is no error: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it goes on after the end of its context")
	}
}
