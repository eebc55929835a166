package frames

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// bubble is a filtered connection in a bubble of time of its own, with a broker at its other end.
type bubble struct {
	net.Conn
	t      *testing.T
	f      *Filter
	hits   *hitList
	broker net.Conn
	began  time.Time

	mu    sync.Mutex
	got   []arrival // at the broker
	ended time.Duration
}

// arrival is what came, and when.
type arrival struct {
	At   time.Duration
	Text string
}

func inBubble(t *testing.T, protocol string, f func(*bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{t: t, began: time.Now()}
		var below net.Conn
		below, b.broker = net.Pipe()
		b.f, b.hits = newFilter(t, protocol)
		b.Conn = b.f.Wrap(below)
		var all sync.WaitGroup
		all.Go(func() {
			p := make([]byte, 64<<10)
			for {
				n, err := b.broker.Read(p)
				b.mu.Lock()
				if n > 0 {
					b.got = append(b.got, arrival{time.Since(b.began), string(p[:n])})
				}
				b.ended = time.Since(b.began)
				b.mu.Unlock()
				if err != nil {
					return
				}
			}
		})
		f(b)
		b.f.Set(nil) //nolint:errcheck // no rules are never wrong
		b.Close()
		time.Sleep(time.Minute) // of the bubble: whatever lingers ends
		b.broker.Close()
		all.Wait()
		if len(b.f.all()) != 0 {
			t.Error("the filter remembers a connection that is over")
		}
	})
}

func (b *bubble) write(frames ...[]byte) {
	b.t.Helper()
	if n, err := b.Write(joined(frames...)); err != nil || n != len(joined(frames...)) {
		b.t.Fatalf("wrote %d: %v", n, err)
	}
	synctest.Wait()
}

// say lets the broker send. It may be called from any goroutine.
func (b *bubble) say(frames ...[]byte) {
	b.t.Helper()
	if _, err := b.broker.Write(joined(frames...)); err != nil {
		b.t.Error(err)
	}
}

func (b *bubble) arrived(want ...arrival) {
	b.t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := cmp.Diff(want, b.got); d != "" {
		b.t.Errorf("at the broker: %s", d)
	}
}

// hears reads once, and says when.
func (b *bubble) hears() (a arrival, err error) {
	p := make([]byte, 64<<10)
	n, err := b.Read(p)
	return arrival{time.Since(b.began), string(p[:n])}, err
}

func (b *bubble) expect(want ...arrival) {
	b.t.Helper()
	for _, w := range want {
		got, err := b.hears()
		if d := cmp.Diff(w, got); d != "" || err != nil {
			b.t.Errorf("at the client: %v: %s", err, d)
		}
	}
}

const s = time.Second

func TestADelayedFrameOfNATSComesLaterAndTheRestDoesNotWait(t *testing.T) {
	inBubble(t, "nats", func(b *bubble) {
		ack, pub := natsPub("$JS.ACK.s", "", ""), natsPub("s", "_INBOX.a", "1")
		set(t, b.f, Rule{Kind: Ack, Act: Delay, Share: 1, Count: 1, For: 5 * s}, Rule{Kind: Confirm, Act: Delay, Share: 1, For: 10 * s})
		b.write(ack, pub)
		b.arrived(arrival{0, string(pub)})
		time.Sleep(6 * s)
		b.arrived(arrival{0, string(pub)}, arrival{5 * s, string(ack)})
		confirm, other := natsMsg("_INBOX.a", "ok"), natsMsg("s", "2")
		go b.say(confirm, other)
		b.expect(arrival{6 * s, string(other)}, arrival{16 * s, string(confirm)})
	})
}

func TestADelayedFrameNeverComesInTheMiddleOfAnother(t *testing.T) {
	inBubble(t, "nats", func(b *bubble) {
		set(t, b.f, Rule{Kind: Ack, Act: Delay, Share: 1, Count: 1, For: 5 * s}, Rule{Kind: Confirm, Act: Delay, Share: 1, For: 10 * s})
		ack, pub := natsPub("$JS.ACK.s", "", ""), natsPub("s", "_INBOX.a", "12345")
		b.write(ack, pub[:len(pub)-4])
		time.Sleep(7 * s)
		b.write(pub[len(pub)-4:])
		b.arrived(arrival{0, string(pub[:len(pub)-4])}, arrival{7 * s, string(pub[len(pub)-4:])}, arrival{7 * s, string(ack)})
		confirm, other := natsMsg("_INBOX.a", "ok"), natsMsg("s", "12345")
		go func() {
			b.say(confirm, other[:len(other)-4])
			time.Sleep(12 * s)
			b.say(other[len(other)-4:])
		}()
		b.expect(arrival{7 * s, string(other[:len(other)-4])}, arrival{19 * s, string(other[len(other)-4:])}, arrival{19 * s, string(confirm)})
	})
}

func TestWhereFramesAreCountedAllWaitsBehindADelayedOne(t *testing.T) {
	for name, f := range map[string]func(*bubble){
		"request": func(b *bubble) {
			commit, next := kafkaAsks(kafkaOffsetCommit, 2, 1, false), kafkaAsks(1, 4, 2, false)
			b.write(commit)
			time.Sleep(s)
			b.write(next)
			time.Sleep(5 * s)
			b.arrived(arrival{5 * s, string(joined(commit, next))})
			b.write(next)
			b.arrived(arrival{5 * s, string(joined(commit, next))}, arrival{6 * s, string(next)})
		},
		"answer": func(b *bubble) {
			fetch, produce := kafkaAsks(1, 4, 1, false), kafkaProduces(3, 2, 1)
			b.write(fetch, produce, kafkaAsks(1, 4, 3, false))
			one, two, three := kafkaAnswers(1, "a"), kafkaAnswers(2, "b"), kafkaAnswers(3, "c")
			go b.say(one, two, three)
			b.expect(arrival{0, string(one)}, arrival{5 * s, string(two)}, arrival{5 * s, string(three)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, "kafka", func(b *bubble) {
				set(t, b.f, Rule{Kind: Ack, Act: Delay, Share: 1, For: 5 * s}, Rule{Kind: Confirm, Act: Delay, Share: 1, For: 5 * s})
				f(b)
			})
		})
	}
}

func TestWhatIsDelayedGoesOutAtOnceWhenItsRuleIsLifted(t *testing.T) {
	for name, next := range map[string][]Rule{"no rules": nil, "others": {{Kind: Ack, Act: Delay, Share: 1, Count: 1, For: time.Hour}}} {
		t.Run(name, func(t *testing.T) {
			for _, protocol := range []string{"nats", "kafka"} {
				inBubble(t, protocol, func(b *bubble) {
					ack, publish, confirm := natsPub("$JS.ACK.s", "", ""), natsPub("s", "_INBOX.a", "1"), natsMsg("_INBOX.a", "ok")
					if protocol == "kafka" {
						ack, publish, confirm = kafkaAsks(kafkaOffsetCommit, 2, 2, false), kafkaProduces(3, 1, 1), kafkaAnswers(1, "x")
					}
					set(t, b.f, Rule{Kind: Ack, Act: Delay, Share: 1, For: time.Hour}, Rule{Kind: Confirm, Act: Delay, Share: 1, For: time.Hour})
					b.write(publish, ack)
					go b.say(confirm)
					go func() {
						time.Sleep(3 * s)
						set(t, b.f, next...)
					}()
					b.expect(arrival{3 * s, string(confirm)})
					b.arrived(arrival{0, string(publish)}, arrival{3 * s, string(ack)})
				})
			}
		})
	}
}

func TestDeadlinesHoldWhileAFrameIsDelayed(t *testing.T) {
	for _, protocol := range []string{"nats", "kafka"} {
		t.Run(protocol, func(t *testing.T) {
			inBubble(t, protocol, func(b *bubble) {
				publish, confirm := natsPub("s", "_INBOX.a", "1"), natsMsg("_INBOX.a", "ok")
				if protocol == "kafka" {
					publish, confirm = kafkaProduces(3, 1, 1), kafkaAnswers(1, "x")
				}
				set(t, b.f, Rule{Kind: Confirm, Act: Delay, Share: 1, For: 10 * s})
				b.write(publish)
				go b.say(confirm)
				times := func(deadline, at time.Duration) {
					t.Helper()
					if err := b.SetReadDeadline(b.began.Add(deadline)); err != nil {
						t.Fatal(err)
					}
					if a, err := b.hears(); !errors.Is(err, os.ErrDeadlineExceeded) || a.At != at {
						t.Errorf("%v after %s, want to be out of time after %s", err, a.At, at)
					}
				}
				times(2*s, 2*s)
				times(s, 2*s) // is over already
				go func() {   // set while it reads
					time.Sleep(s)
					b.SetDeadline(b.began.Add(4 * s)) //nolint:errcheck // the read says what is wrong
				}()
				times(time.Hour, 4*s)
				if err := b.SetDeadline(time.Time{}); err != nil {
					t.Fatal(err)
				}
				b.expect(arrival{10 * s, string(confirm)})
				times(12*s, 12*s)
			})
		})
	}
}

func TestAnOldDeadlineForWritingDoesNotStopWhatIsDelayed(t *testing.T) {
	inBubble(t, "kafka", func(b *bubble) {
		set(t, b.f, Rule{Kind: Ack, Act: Delay, Share: 1, For: 5 * s})
		if err := b.SetWriteDeadline(b.began.Add(2 * s)); err != nil {
			t.Fatal(err)
		}
		commit := kafkaAsks(kafkaOffsetCommit, 2, 1, false)
		b.write(commit)
		time.Sleep(3 * s)
		if n, err := b.Write(commit); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d past the deadline: %v", n, err)
		}
		time.Sleep(3 * s)
		b.arrived(arrival{5 * s, string(commit)})
		if n, err := b.Write(commit); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d past the deadline: %v", n, err)
		}
	})
}

func TestAConnectionThatWasMutedIsSilentUntilItsRuleIsLifted(t *testing.T) {
	inBubble(t, "kafka", func(b *bubble) {
		set(t, b.f, Rule{Kind: Ack, Act: Mute, Share: 1})
		fetch, commit := kafkaAsks(1, 4, 1, false), kafkaAsks(kafkaOffsetCommit, 2, 2, false)
		read := make(chan error, 1)
		go func() {
			time.Sleep(2 * s)
			_, err := b.hears()
			read <- err
		}()
		b.write(fetch, commit)
		b.write(commit)
		b.arrived(arrival{0, string(fetch)})
		if err := b.SetReadDeadline(b.began.Add(4 * s)); err != nil {
			t.Fatal(err)
		}
		if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(b.began) != 4*s {
			t.Errorf("%v after %s", err, time.Since(b.began))
		}
		if err := b.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		below, broker := net.Pipe() // a later connection
		later := b.f.Wrap(below)
		go func() {
			if _, err := later.Write(commit); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if n := b.hits.count(); n != 2 {
			t.Errorf("told of %d, want one on each connection", n)
		}
		go func() {
			time.Sleep(s)
			set(t, b.f)
		}()
		if a, err := b.hears(); !errors.Is(err, syscall.ECONNRESET) || a.At != 5*s {
			t.Errorf("%v after %s, want a reset when the rule is lifted", err, a.At)
		}
		if n, err := broker.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("the later connection's broker read %d: %v", n, err)
		}
	})
}

func TestMutedFramesVanishAloneWhereNobodyWaitsForAnAnswer(t *testing.T) {
	inBubble(t, "amqp", func(b *bubble) {
		set(t, b.f, Rule{Kind: Ack, Act: Mute, Share: 1, Count: 1})
		ack, publish := amqpTagged(1, basicAck, 1, 0), amqpPublishes(1, 0, "x")
		b.write(amqpGreeting, ack, publish, ack)
		b.arrived(arrival{0, string(amqpGreeting)}, arrival{0, string(publish)})
		if n := b.hits.count(); n != 2 {
			t.Errorf("told of %d, want 2", n)
		}
	})
}

func TestWhatIsHeldArrivesAfterItsSenderWasCut(t *testing.T) {
	ping, pong := []byte("PING\r\n"), "PONG\r\n"
	pub := natsPub("s", "_INBOX.a", "1")
	publish, ack := amqpPublishes(1, 0, "x", "y"), amqpTagged(1, basicAck, 1, 0)
	beat := string(amqpFrame(amqpHeartbeat, 0, nil))
	end, next := kafkaAsks(kafkaEndTxn, 1, 2, false), kafkaAsks(1, 4, 3, false)
	for name, c := range map[string]struct {
		protocol string
		kind     Kind
		writes   [][]byte
		says     []byte // the broker, after a second
		got      []arrival
	}{
		"kafka": {"kafka", End, [][]byte{joined(kafkaAsks(1, 4, 1, false), end, next)}, nil, []arrival{
			{0, string(kafkaAsks(1, 4, 1, false))}, {4500 * time.Millisecond, string(joined(end, next))},
		}},
		"nats, whose server asks whether it lives": {"nats", Publish, [][]byte{joined(ping, pub, ping)}, ping, []arrival{
			{0, string(ping)}, {s, pong}, {4500 * time.Millisecond, string(joined(pub, ping))},
		}},
		"amqp, written in parts": {"amqp", Publish, [][]byte{amqpGreeting, publish[:20], publish[20:40], joined(publish[40:], ack)}, nil, []arrival{
			{0, string(amqpGreeting)}, {s, beat}, {2 * s, beat}, {3 * s, beat}, {4 * s, beat}, {4500 * time.Millisecond, string(joined(publish, ack))},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, c.protocol, func(b *bubble) {
				set(t, b.f, Rule{Kind: c.kind, Act: Hold, Share: 1, For: 4500 * time.Millisecond})
				reading := make(chan error, 1)
				go func() {
					_, err := b.hears()
					reading <- err
				}()
				for _, w := range c.writes {
					b.write(w)
				}
				if err := <-reading; !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("reading ended with %v", err)
				}
				if n, err := b.Write(next); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("wrote %d: %v", n, err)
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
				if c.says != nil {
					time.Sleep(s)
					b.say(c.says)
				}
				time.Sleep(20 * s)
				b.arrived(c.got...)
				b.mu.Lock()
				defer b.mu.Unlock()
				if b.ended != 5500*time.Millisecond {
					t.Errorf("the broker's end of it ended after %s, want a second after what was held", b.ended)
				}
			})
		})
	}
}

func TestWhatIsDelayedOutlivesItsConnection(t *testing.T) {
	for _, protocol := range []string{"nats", "kafka"} {
		t.Run(protocol, func(t *testing.T) {
			inBubble(t, protocol, func(b *bubble) {
				ack := natsPub("$JS.ACK.s", "", "")
				if protocol == "kafka" {
					ack = kafkaAsks(kafkaOffsetCommit, 2, 2, false)
				}
				set(t, b.f, Rule{Kind: Ack, Act: Delay, Share: 1, For: 5 * s})
				b.write(ack)
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				if _, err := b.hears(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("reading from what is closed: %v", err)
				}
				time.Sleep(3 * s)
				set(t, b.f)
				b.arrived(arrival{3 * s, string(ack)})
			})
		})
	}
}

func TestCloseEndsWhateverWaits(t *testing.T) {
	inBubble(t, "kafka", func(b *bubble) {
		set(t, b.f, Rule{Kind: Confirm, Act: Delay, Share: 1, For: time.Hour})
		b.write(kafkaProduces(3, 1, 1))
		go b.say(kafkaAnswers(1, "x"))
		go func() {
			time.Sleep(s)
			b.Close()
		}()
		if a, err := b.hears(); !errors.Is(err, net.ErrClosed) || a.At != s {
			t.Errorf("%v after %s", err, a.At)
		}
	})
}
