package history

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// A rate makes the events of many messages' ordinary lives, as four goroutines record them: send, outcome, delivery,
// acknowledgement.
type rate struct {
	name      string
	perSecond int
	burst     int   // messages that the producer's timer lets go at once
	jitter    int64 // ticks: how late a timer fires
	limit     float64
}

var rates = []rate{
	{name: "1,000 a second", perSecond: 1_000, burst: 1, jitter: 120, limit: 12},
	{name: "100,000 a second", perSecond: 100_000, burst: 50, jitter: 60, limit: 8},
}

// write records n messages and returns the size of the segments together, in bytes.
func (r rate) write(t testing.TB, n int) int64 {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	sends, outcomes, consumer := create(t, dir, "send"), create(t, dir, "outcome"), create(t, dir, "consumer")
	step := int64(1_000_000 / r.perSecond)
	intended := FloorTicks(Clock())
	var sent, confirmed, received int64
	for i := 1; i <= n; i++ {
		intended += step
		if (i-1)%r.burst == 0 {
			due := intended + int64(r.burst-1)*step + rng.Int64N(r.jitter) // the burst leaves when its last is due
			sent = max(sent, due)
		} else {
			sent += rng.Int64N(3)
		}
		confirmed = max(confirmed+rng.Int64N(3), sent+400+rng.Int64N(2*r.jitter))
		received = max(received+1+rng.Int64N(3), sent+300+rng.Int64N(2*r.jitter))
		m := Msg{Life: 3, Seq: uint64(i)}
		pos := Position{Incarnation: 1, Offset: int64(i)}
		stored := 1_800_000_000_000_000 + sent + rng.Int64N(r.jitter)
		must(t, sends.Record(&Event{Kind: Send, Time: sent, Lane: 2, Msg: m, Attempt: 1, Key: uint32(i % 64), Session: 1, Intended: intended}))
		must(t, outcomes.Record(&Event{Kind: Outcome, Time: confirmed, Lane: 2, Msg: m, Attempt: 1, Status: Acked, Origin: FromBroker, Pos: pos}))
		must(t, consumer.Record(&Event{Kind: Delivery, Time: received, Lane: 2, Msg: m, Attempt: 1, Pos: pos, Tag: uint64(i), Call: uint64(i), Count: 1, BrokerTime: stored}))
		must(t, consumer.Record(&Event{Kind: AckCalled, Time: received + 1 + rng.Int64N(3), Lane: 2, Msg: m, Pos: pos, Tag: uint64(i)}))
	}
	var total int64
	for _, rec := range []*Recorder{sends, outcomes, consumer} {
		must(t, rec.Close())
	}
	h, err := Open(dir)
	must(t, err)
	for _, s := range h.Segments() {
		total += s.Bytes - pageSize
	}
	return total
}

func TestAMessagesLifeIsSmallOnDisk(t *testing.T) {
	const n = 100_000
	for _, r := range rates {
		t.Run(r.name, func(t *testing.T) {
			if got := float64(r.write(t, n)) / n; got > r.limit {
				t.Errorf("%.2f bytes a message, want at most %g", got, r.limit)
			} else {
				t.Logf("%.2f bytes a message", got)
			}
		})
	}
}

func create(t testing.TB, dir, name string) *Recorder {
	t.Helper()
	r, err := Create(filepath.Join(dir, name+Extension), Header{Run: "testrun1", Life: 3, Role: "tester", Goroutine: name})
	must(t, err)
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// life is the i-th message's events, filled into a buffer of four.
func life(b *[4]Event, i uint64) {
	m := Msg{Life: 3, Seq: i}
	pos := Position{Incarnation: 1, Offset: int64(i)}
	b[0] = Event{Kind: Send, Lane: 2, Msg: m, Attempt: 1, Key: uint32(i % 64), Session: 1, Intended: int64(i) * 10}
	b[1] = Event{Kind: Outcome, Lane: 2, Msg: m, Attempt: 1, Status: Acked, Origin: FromBroker, Pos: pos}
	b[2] = Event{Kind: Delivery, Lane: 2, Msg: m, Attempt: 1, Pos: pos, Tag: i, Call: i, Count: 1}
	b[3] = Event{Kind: AckCalled, Lane: 2, Msg: m, Pos: pos, Tag: i}
}

// scattered is the same, as a member of a consumer group sees it: sequences jump, keys are random, the broker's clock
// jitters. Little of it is as predicted.
func scattered(b *[4]Event, i uint64) {
	i = i*3 + i*i%3
	life(b, i)
	b[0].Key = uint32(i * 2654435761 % 64)
	b[2].BrokerTime = 1_800_000_000_000_000 + int64(i*10+i*2654435761%50)
}

// BenchmarkRecord takes turns, in batches, at reading the clock, appending to a plain []Event with the same clock, and
// recording; it reports the medians, which a busy machine disturbs less than sums.
func BenchmarkRecord(b *testing.B) {
	for _, kind := range []struct {
		name string
		make func(*[4]Event, uint64)
	}{{"ordinary", life}, {"scattered", scattered}} {
		b.Run(kind.name, func(b *testing.B) {
			b.ReportAllocs()
			const batch = 128
			r := create(b, b.TempDir(), "bench")
			plain := make([]Event, 0, 1<<16)
			var lives [batch / 4][4]Event
			var message uint64
			var clocks, appends, records []int64
			for b.Loop() {
				for i := range lives {
					message++
					kind.make(&lives[i], message)
				}
				if len(plain)+batch > cap(plain) {
					plain = plain[:0]
				}
				started := Clock()
				var last int64
				for range batch {
					last = FloorTicks(Clock())
				}
				clocked := Clock()
				for i := range lives {
					for j := range lives[i] {
						plain = append(plain, lives[i][j])
						plain[len(plain)-1].Time = FloorTicks(Clock())
					}
				}
				appended := Clock()
				for i := range lives {
					for j := range lives[i] {
						if err := r.Record(&lives[i][j]); err != nil {
							b.Fatal(err)
						}
					}
				}
				recorded := Clock()
				if last > FloorTicks(recorded) {
					b.Fatal("the clock goes backwards")
				}
				if len(clocks) < 1<<16 {
					clocks, appends, records = append(clocks, clocked-started), append(appends, appended-clocked), append(records, recorded-appended)
				}
			}
			clock, plainly, recording := median(clocks)/batch, median(appends)/batch, median(records)/batch
			b.ReportMetric(clock, "clock-ns/event")
			b.ReportMetric(plainly, "append-ns/event")
			b.ReportMetric(recording, "record-ns/event")
			b.ReportMetric(recording-clock, "beyond-clock-ns/event")
			b.ReportMetric(recording/plainly, "x-append")
			b.ReportMetric(float64(r.pos-pageSize)/float64(message), "bytes/message")
			must(b, r.Close())
		})
	}
}

func median(of []int64) float64 {
	slices.Sort(of)
	return float64(of[len(of)/2])
}
