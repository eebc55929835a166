package workloads

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
)

// sent is an attempt as the scripted client got it.
type sent struct {
	targets.Message
	at time.Time
}

// scriptedProducer answers each attempt as a test says. It stands in for a client library, not for a broker.
type scriptedProducer struct {
	send func(m targets.Message, done func(targets.Outcome)) // nil: confirms at once

	mu   sync.Mutex
	sent []sent
}

var (
	acked    = targets.Outcome{Status: history.Acked, Origin: history.FromBroker, Pos: history.Position{Offset: 1}}
	unknown  = targets.Outcome{Status: history.Unknown, Reason: history.Timeout, Origin: history.FromTimeout}
	rejected = targets.Outcome{Status: history.Rejected, Reason: history.NotConnected, Origin: history.FromClient}
)

func (s *scriptedProducer) Send(_ context.Context, m targets.Message, done func(targets.Outcome)) {
	s.mu.Lock()
	s.sent = append(s.sent, sent{m, time.Now()})
	s.mu.Unlock()
	if s.send == nil {
		done(acked)
		return
	}
	s.send(m, done)
}

func (s *scriptedProducer) Flush(context.Context) error { return nil }
func (s *scriptedProducer) Close() error                { return nil }

func (s *scriptedProducer) all() []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sent(nil), s.sent...)
}

// byToken are the attempts of each message in order.
func (s *scriptedProducer) byToken() map[string][]sent {
	out := map[string][]sent{}
	for _, x := range s.all() {
		out[x.Token] = append(out[x.Token], x)
	}
	return out
}

// bench runs one producer against a scripted client, in the fake time of a synctest bubble.
type bench struct {
	*Producer
	t        *testing.T
	dir      string
	client   *scriptedProducer
	recs     []*history.Recorder
	cancel   context.CancelFunc
	finished chan error
}

func config() ProducerConfig {
	return ProducerConfig{Life: 3, Lane: 1, Stamp: stamp, Rate: 100, Retry: true, Seed: 5, Load: experiment.Load{Burst: 1, Confirm: 2 * time.Second}}
}

func startProducer(t *testing.T, cfg ProducerConfig, client *scriptedProducer) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), client: client, finished: make(chan error, 1)}
	b.recs = []*history.Recorder{segmentOf(t, b.dir, cfg.Life, "sends"), segmentOf(t, b.dir, cfg.Life, "outcomes")}
	b.Producer = NewProducer(cfg, client, b.recs[0], b.recs[1])
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	go func() { b.finished <- b.Run(ctx) }()
	return b
}

func segmentOf(t *testing.T, dir string, life history.Life, goroutine string) *history.Recorder {
	t.Helper()
	r, err := history.Create(filepath.Join(dir, goroutine+history.Extension), history.Header{Run: stamp.Run, Life: life, Role: "test", Slot: "test", Host: "test", Goroutine: goroutine})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// end stops the producer and returns what it recorded.
func (b *bench) end() []history.Event {
	b.t.Helper()
	b.cancel()
	if err := <-b.finished; err != nil {
		b.t.Errorf("the producer ended with %v", err)
	}
	for _, r := range b.recs {
		if err := r.Close(); err != nil {
			b.t.Error(err)
		}
	}
	return recorded(b.t, b.dir)
}

// recorded is what the segments below dir hold now, also while they are written.
func recorded(t *testing.T, dir string) []history.Event {
	t.Helper()
	h, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []history.Event
	for e, err := range h.Events() {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, *e)
	}
	return out
}

func ofKind(events []history.Event, kinds ...history.Kind) (out []history.Event) {
	for _, e := range events {
		for _, k := range kinds {
			if e.Kind == k {
				out = append(out, e)
			}
		}
	}
	return out
}

func TestIntendedInstantsAreKeptWhileTheClientIsSlow(t *testing.T) {
	for _, burst := range []int{1, 10} {
		synctest.Test(t, func(t *testing.T) {
			cfg := config()
			cfg.Load.Burst = burst
			n := 0
			b := startProducer(t, cfg, &scriptedProducer{send: func(_ targets.Message, done func(targets.Outcome)) {
				if n++; n == 5 {
					time.Sleep(700 * time.Millisecond) // the library blocks
				}
				done(acked)
			}})
			b.Resume()
			time.Sleep(3 * time.Second)
			sends := ofKind(b.end(), history.Send)
			if len(sends) < 280 || len(sends) > 300 {
				t.Errorf("%d messages in 3 s at 100 a second: the load was not open", len(sends))
			}
			late := int64(0)
			for i, e := range sends {
				if e.Intended > e.Time {
					t.Errorf("message %d was sent %d µs before it was meant to", e.Msg.Seq, e.Intended-e.Time)
				}
				late = max(late, e.Time-e.Intended)
				if i == 0 {
					continue
				}
				if gap := e.Intended - sends[i-1].Intended; gap < 9_998 || gap > 10_002 {
					t.Errorf("messages %d and %d were meant %d µs apart, want 10000", i, i+1, gap)
				}
				if e.Msg.Seq != sends[i-1].Msg.Seq+1 {
					t.Errorf("message %d follows %d", e.Msg.Seq, sends[i-1].Msg.Seq)
				}
			}
			if late < 600_000 || late > 800_000 {
				t.Errorf("bursts of %d: the latest send was %d µs behind its instant: the client blocked for 700 ms", burst, late)
			}
		})
	}
}

func TestABurstGoesOutBackToBackWhenItsLastMessageIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Load.Burst = 20
		b := startProducer(t, cfg, &scriptedProducer{})
		b.Resume()
		time.Sleep(2 * time.Second)
		b.end()
		groups := map[time.Time]int{}
		for _, x := range b.client.all() {
			groups[x.at]++
		}
		if len(groups) < 8 {
			t.Errorf("%d bursts in 2 s, want 8 or 9", len(groups))
		}
		for at, n := range groups {
			if n != cfg.Load.Burst {
				t.Errorf("at %s %d messages went out together, want %d", at, n, cfg.Load.Burst)
			}
		}
	})
}

func TestProducersBurstInStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Load.Burst = 10
		a, b := &scriptedProducer{}, &scriptedProducer{}
		first := startProducer(t, cfg, a)
		first.Resume()
		time.Sleep(1_234_567 * time.Microsecond)
		second := startProducer(t, cfg, b)
		second.Resume()
		time.Sleep(time.Second)
		first.end()
		second.end()
		bursts := map[time.Duration]bool{}
		period := 100 * time.Millisecond
		for _, x := range append(a.all(), b.all()...) {
			phase := x.at.Sub(time.Unix(0, 0)) % period
			bursts[phase.Round(10*time.Microsecond)] = true
		}
		if len(bursts) != 1 {
			t.Errorf("bursts at phases %v of %s: want one, so that a strike finds every lane with something in flight", bursts, period)
		}
	})
}

func TestAnAttemptThatDidNotEndWellIsSentAgainUnchanged(t *testing.T) {
	for claim, bad := range map[string]targets.Outcome{"unknown": unknown, "rejected": rejected} {
		synctest.Test(t, func(t *testing.T) {
			b := startProducer(t, config(), &scriptedProducer{send: func(m targets.Message, done func(targets.Outcome)) {
				if m.Attempt < 3 {
					done(bad)
					return
				}
				done(acked)
			}})
			b.Resume()
			time.Sleep(time.Second)
			b.Pause()
			time.Sleep(5 * time.Second)
			if n := b.Open(); n != 0 {
				t.Errorf("%s: %d messages are open after all their retries were acknowledged", claim, n)
			}
			events := b.end()
			messages := b.client.byToken()
			if len(messages) < 90 {
				t.Errorf("%s: %d messages in a second, want about 100", claim, len(messages))
			}
			for token, attempts := range messages {
				if len(attempts) != 3 {
					t.Fatalf("%s: %s had %d attempts, want 3: the third was acknowledged", claim, token, len(attempts))
				}
				for i, x := range attempts {
					if x.Attempt != uint32(i+1) || x.Key != attempts[0].Key || string(x.Payload) != string(attempts[0].Payload) {
						t.Errorf("%s: attempt %d of %s is numbered %d, key %d, %q", claim, i+1, token, x.Attempt, x.Key, x.Payload)
					}
					if m, flags, _ := stamp.Identify(x.Token, x.Key, x.Payload); flags != 0 || m.Life != 3 {
						t.Errorf("%s: %s is %v with flags %b", claim, x.Token, m, flags)
					}
				}
			}
			var good, ill int
			for _, e := range ofKind(events, history.Outcome) {
				switch {
				case e.Attempt < 3 && e.Status == bad.Status && e.Reason == bad.Reason && e.Origin == bad.Origin:
					ill++
				case e.Attempt == 3 && e.Status == history.Acked && e.Pos == acked.Pos && e.Lane == 1:
					good++
				default:
					t.Errorf("%s: recorded outcome %+v", claim, e)
				}
			}
			if good != len(messages) || ill != 2*len(messages) {
				t.Errorf("%s: %d good and %d bad outcomes are recorded for %d messages", claim, good, ill, len(messages))
			}
			c := b.recs[0].Counters()
			if c.Load(history.InFlight) != 0 || c.Load(history.Sent) != uint64(len(messages)) || c.Load(history.AckedSends) != uint64(good) ||
				c.Load(history.UnknownOutcomes)+c.Load(history.RejectedSends) != uint64(ill) {
				t.Errorf("%s: live figures: %d in flight, %d sent, %d acked, %d unknown, %d rejected", claim, c.Load(history.InFlight),
					c.Load(history.Sent), c.Load(history.AckedSends), c.Load(history.UnknownOutcomes), c.Load(history.RejectedSends))
			}
		})
	}
}

// What no queue takes is handed back, and would be again.
func TestAMessageThatWasReturnedIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		returned := rejected
		returned.Origin, returned.Flags = history.FromBroker, history.Returned
		b := startProducer(t, config(), &scriptedProducer{send: func(m targets.Message, done func(targets.Outcome)) { done(returned) }})
		b.Resume()
		time.Sleep(time.Second)
		b.Pause()
		time.Sleep(5 * time.Second)
		if n := b.Open(); n != 0 {
			t.Errorf("%d messages are open: they have been rejected", n)
		}
		events := ofKind(b.end(), history.Outcome)
		for token, attempts := range b.client.byToken() {
			if len(attempts) != 1 {
				t.Fatalf("%s was sent %d times", token, len(attempts))
			}
		}
		if len(events) < 90 || events[0].Flags != history.Returned || events[0].Status != history.Rejected {
			t.Errorf("%d outcomes are recorded, the first %+v", len(events), events[:min(1, len(events))])
		}
	})
}

func TestAModeWithoutConfirmationsNeverRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Retry = false
		b := startProducer(t, cfg, &scriptedProducer{send: func(m targets.Message, done func(targets.Outcome)) {
			if m.Key == 0 {
				done(rejected)
				return
			}
			done(unknown)
		}})
		b.Resume()
		time.Sleep(2 * time.Second)
		if n := b.Open(); n != 0 {
			t.Errorf("%d messages are open: their only attempts have ended", n)
		}
		time.Sleep(5 * time.Second)
		b.end()
		for token, attempts := range b.client.byToken() {
			if len(attempts) != 1 {
				t.Fatalf("%s was sent %d times", token, len(attempts))
			}
		}
	})
}

func TestEveryStepIsRecordedBeforeItIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *bench
		checked := 0
		b = startProducer(t, config(), &scriptedProducer{send: func(m targets.Message, done func(targets.Outcome)) {
			id, _, _ := stamp.Identify(m.Token, m.Key, m.Payload)
			var send, outcome bool
			for _, e := range recorded(t, b.dir) {
				send = send || e.Kind == history.Send && e.Msg == id && e.Attempt == m.Attempt
				outcome = outcome || e.Kind == history.Outcome && e.Msg == id && e.Attempt == m.Attempt-1
			}
			if !send {
				t.Errorf("attempt %d of %v reached the client before it was recorded", m.Attempt, id)
			}
			if m.Attempt > 1 && !outcome {
				t.Errorf("attempt %d of %v was made before the outcome of the one before was recorded", m.Attempt, id)
			}
			checked++
			if m.Attempt < 3 {
				done(unknown)
				return
			}
			done(acked)
		}})
		b.Resume()
		time.Sleep(500 * time.Millisecond)
		b.Pause()
		time.Sleep(5 * time.Second)
		b.end()
		if checked < 100 {
			t.Errorf("only %d attempts were looked at", checked)
		}
	})
}

func TestRetriesBackOffWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startProducer(t, config(), &scriptedProducer{send: func(_ targets.Message, done func(targets.Outcome)) { done(unknown) }})
		b.Resume()
		time.Sleep(time.Second)
		b.Pause()
		time.Sleep(40 * time.Second)
		b.end()
		mean := make([]time.Duration, 9)
		n := 0
		for token, attempts := range b.client.byToken() {
			if len(attempts) < 10 {
				t.Fatalf("%s had %d attempts in 40 s", token, len(attempts))
			}
			n++
			for i := range mean {
				gap := attempts[i+1].at.Sub(attempts[i].at)
				step := min(2*time.Second, 100*time.Millisecond<<i)
				if gap < step/2 || gap > step/2+step {
					t.Errorf("attempt %d of %s came %s after the one before, want %s to %s", i+2, token, gap, step/2, step/2+step)
				}
				mean[i] += gap
			}
		}
		for i := 1; i < 5; i++ {
			if mean[i] < mean[i-1]*3/2 {
				t.Errorf("the gap before attempt %d is %s on average, before the next %s: it should double", i+1, mean[i-1]/time.Duration(n), mean[i]/time.Duration(n))
			}
		}
		gaps := map[time.Duration]bool{}
		for _, attempts := range b.client.byToken() {
			gaps[attempts[1].at.Sub(attempts[0].at)] = true
		}
		if len(gaps) < n/2 {
			t.Errorf("%d messages waited only %d different times: retries would storm in step", n, len(gaps))
		}
	})
}

func TestADoubtSendsAnAcknowledgedMessageAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Doubt, cfg.Load.Doubts = true, 1
		b := startProducer(t, cfg, &scriptedProducer{send: func(m targets.Message, done func(targets.Outcome)) {
			if m.Attempt == 1 {
				done(acked)
				return
			}
			done(unknown) // nothing follows from that: the message was acknowledged
		}})
		b.Resume()
		time.Sleep(10 * time.Second)
		if n := b.Open(); n != 0 {
			t.Errorf("%d messages are open: all were acknowledged", n)
		}
		before := len(b.client.all())
		b.Pause()
		time.Sleep(10 * time.Second)
		if n := len(b.client.all()) - before; n != 0 {
			t.Errorf("%d attempts after Pause: pending doubts must be dropped", n)
		}
		events := b.end()
		doubted := 0
		for token, attempts := range b.client.byToken() {
			if len(attempts) > 2 || len(attempts) == 2 && attempts[1].Attempt != 2 {
				t.Fatalf("%s had attempts %v: a doubt is followed by nothing", token, attempts)
			}
			if len(attempts) == 2 {
				doubted++
				if gap := attempts[1].at.Sub(attempts[0].at); gap < 100*time.Millisecond || gap > 4200*time.Millisecond {
					t.Errorf("%s was doubted after %s", token, gap)
				}
			}
		}
		if doubted < 500 {
			t.Errorf("%d messages of about 1000 were doubted although the share is 1", doubted)
		}
		for _, e := range ofKind(events, history.Send) {
			if want := e.Attempt == 2; (e.Flags&history.Doubt != 0) != want {
				t.Fatalf("attempt %d of %v is recorded with flags %b", e.Attempt, e.Msg, e.Flags)
			}
		}
	})
}

func TestDoubtsAreAShareAndOnlyWhereTheStoreDeduplicates(t *testing.T) {
	for _, c := range []struct {
		claim    string
		doubt    bool
		share    float64
		from, to int
	}{
		{"no dedup, no doubts", false, 1, 0, 0},
		{"a share of none", true, 0, 0, 0},
		{"a fifth", true, 0.2, 120, 280},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := config()
			cfg.Doubt, cfg.Load.Doubts = c.doubt, c.share
			b := startProducer(t, cfg, &scriptedProducer{})
			b.Resume()
			time.Sleep(10 * time.Second)
			b.end()
			n := 0
			for _, x := range b.client.all() {
				if x.Attempt > 1 {
					n++
				}
			}
			if n < c.from || n > c.to {
				t.Errorf("%s: %d doubts of about 1000 messages, want %d to %d", c.claim, n, c.from, c.to)
			}
		})
	}
}

func TestPauseStopsNewMessagesAndResolvesOpenOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		mended := false
		b := startProducer(t, config(), &scriptedProducer{send: func(_ targets.Message, done func(targets.Outcome)) {
			mu.Lock()
			defer mu.Unlock()
			if mended {
				done(acked)
				return
			}
			done(unknown)
		}})
		time.Sleep(time.Second)
		if n := len(b.client.all()); n != 0 {
			t.Errorf("%d attempts before the first Resume", n)
		}
		b.Resume()
		time.Sleep(time.Second)
		b.Pause()
		known := len(b.client.byToken())
		time.Sleep(3 * time.Second)
		if n := b.Open(); n != known {
			t.Errorf("%d of %d messages are open: nothing was acknowledged", n, known)
		}
		mu.Lock()
		mended = true
		mu.Unlock()
		time.Sleep(4 * time.Second)
		if n := b.Open(); n != 0 {
			t.Errorf("%d messages are open although a retry was acknowledged", n)
		}
		if n := len(b.client.byToken()); n != known {
			t.Errorf("%d new messages after Pause", n-known)
		}
		b.Resume()
		time.Sleep(time.Second)
		events := b.end()
		if n := len(b.client.byToken()) - known; n < 90 {
			t.Errorf("%d new messages in a second after Resume, want about 100", n)
		}
		for _, e := range ofKind(events, history.Send) {
			if e.Attempt == 1 && e.Time-e.Intended > 20_000 {
				t.Errorf("message %d was meant %d µs before it was sent: what was not sent while paused is not owed", e.Msg.Seq, e.Time-e.Intended)
			}
		}
	})
}

// An order to pause comes from another goroutine, at any point of a burst.
func TestNothingNewIsSentOncePauseHasReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Load.Burst, cfg.Doubt, cfg.Load.Doubts = 10, true, 1
		var b *bench
		var paused atomic.Bool
		afterPause, pauses := 0, 0
		b = startProducer(t, cfg, &scriptedProducer{send: func(m targets.Message, done func(targets.Outcome)) {
			if paused.Load() {
				afterPause++
			}
			if id, _, _ := stamp.Identify(m.Token, m.Key, m.Payload); id.Seq%25 == 3 && m.Attempt == 1 || m.Attempt == 2 && id.Seq%25 == 4 {
				b.Pause()
				paused.Store(true)
				pauses++
				time.AfterFunc(50*time.Millisecond, func() { paused.Store(false); b.Resume() })
			}
			done(acked)
		}})
		b.Resume()
		time.Sleep(20 * time.Second)
		events := b.end()
		if afterPause != 0 || pauses < 20 {
			t.Errorf("%d attempts after %d pauses had returned: a checkpoint would miss them", afterPause, pauses)
		}
		seq := uint64(0)
		for _, e := range ofKind(events, history.Send) {
			if e.Attempt == 1 {
				if e.Msg.Seq != seq+1 {
					t.Errorf("message %d follows %d", e.Msg.Seq, seq)
				}
				seq = e.Msg.Seq
			}
		}
	})
}

func TestGivingUpEndsRetriesAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Doubt, cfg.Load.Doubts = true, 1
		var held []func(targets.Outcome) // attempts without an outcome when the producer gives up
		var mu sync.Mutex
		b := startProducer(t, cfg, &scriptedProducer{send: func(m targets.Message, done func(targets.Outcome)) {
			id, _, _ := stamp.Identify(m.Token, m.Key, m.Payload)
			switch {
			case id.Seq%3 == 0:
				done(acked) // and doubted
			case id.Seq%3 == 1:
				mu.Lock()
				held = append(held, done)
				mu.Unlock()
			default:
				done(unknown)
			}
		}})
		b.Resume()
		time.Sleep(3 * time.Second)
		b.Pause()
		open := b.Open()
		b.GiveUp()
		if n := b.Open(); n != len(held) {
			t.Errorf("%d messages are open, want the %d whose attempts have no outcome yet", n, len(held))
		}
		before := len(b.client.all())
		for _, done := range held {
			done(unknown)
		}
		time.Sleep(10 * time.Second)
		if n := len(b.client.all()) - before; n != 0 || b.Open() != 0 {
			t.Errorf("%d attempts after giving up, %d messages open", n, b.Open())
		}
		b.Resume() // the next episode: new messages, and retries again
		time.Sleep(time.Second)
		if len(b.client.all()) == before {
			t.Error("nothing is sent after Resume")
		}
		events := b.end()
		given := map[history.Msg]int{}
		for _, e := range ofKind(events, history.GiveUp) {
			given[e.Msg]++
			if e.Msg.Seq%3 == 0 || e.Reason != history.LimitReached || e.Lane != 1 {
				t.Errorf("gave up %+v", e)
			}
		}
		if len(given) != open {
			t.Errorf("%d messages were given up, want the %d that were open", len(given), open)
		}
		for m, n := range given {
			if n != 1 {
				t.Errorf("%v was given up %d times", m, n)
			}
		}
	})
}

func TestAFullWindowHoldsNewMessagesBackAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Rate, cfg.Load.Burst, cfg.Stamp.Size = 100_000, 1000, 1
		var mu sync.Mutex
		var held []func(targets.Outcome)
		b := startProducer(t, cfg, &scriptedProducer{send: func(_ targets.Message, done func(targets.Outcome)) {
			mu.Lock()
			held = append(held, done)
			mu.Unlock()
		}})
		b.Resume()
		time.Sleep(1234 * time.Millisecond)
		if n := b.Open(); n != windowMost {
			t.Fatalf("%d messages are open, want the window of %d", n, windowMost)
		}
		for _, done := range held {
			done(acked)
		}
		time.Sleep(50 * time.Millisecond)
		if n := b.Open(); n != windowMost {
			t.Errorf("50 ms after the window opened %d messages are open, want %d again: the load is 100 a millisecond and a second behind", n, windowMost)
		}
		b.end()
	})
}

func TestAProducerEndsWhenItCannotRecord(t *testing.T) {
	for i, claim := range []string{"sends", "outcomes"} {
		synctest.Test(t, func(t *testing.T) {
			var b *bench
			n := 0
			b = startProducer(t, config(), &scriptedProducer{send: func(_ targets.Message, done func(targets.Outcome)) {
				if n++; n == 50 { // on the goroutine that owns the recorder
					if err := b.recs[i].Close(); err != nil {
						t.Error(err)
					}
				}
				done(acked)
			}})
			b.Resume()
			time.Sleep(3 * time.Second)
			select {
			case err := <-b.finished:
				if !errors.Is(err, history.ErrClosed) {
					t.Errorf("%s: ended with %v", claim, err)
				}
			default:
				t.Errorf("%s: goes on although nothing is recorded", claim)
			}
			if got := len(b.client.all()); got != 50 {
				t.Errorf("%s: %d attempts, want none after the 50th: nobody will know of them", claim, got)
			}
			b.cancel()
			if err := b.recs[1-i].Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheWindowIsWhatABrokerThatKeepsUpAnswersInTime(t *testing.T) {
	for _, c := range []struct {
		claim string
		rate  float64
		burst int
		want  int
	}{
		{"two seconds of load", 100, 10, 200},
		{"at least a burst", 1, 10, 10},
		{"no more than memory allows", 1e6, 100_000, windowMost},
	} {
		if got := implied(c.rate, experiment.Load{Burst: c.burst, Confirm: 2 * time.Second}); got != c.want {
			t.Errorf("%s: got %d, want %d", c.claim, got, c.want)
		}
	}
}
