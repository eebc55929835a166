package linear_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"waybill/checkers/linear"
)

// busy is the shape of a long history: about five operations at once, every twentieth of unknown outcome.
func busy(n int) shape { return shape{n: n, spread: 10, pending: 0.05, empties: 0.5, clients: 8} }

func BenchmarkFast(b *testing.B) {
	for _, o := range objects() {
		for _, n := range []int{10_000, 100_000, 1_000_000} {
			ops := o.make(rand.New(rand.NewPCG(1, 1)), busy(n))
			b.Run(fmt.Sprintf("%s/%d", o.name, n), func(b *testing.B) {
				for b.Loop() {
					v, err := o.check(ops)
					if err != nil || !v.Linearizable() {
						b.Fatal(v, err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/operation")
			})
		}
	}
}

// plainQueue is the queue without unknown outcomes, which spares porcupine the sets of states.
var plainQueue = porcupine.Model{
	Init: func() any { return []uint64(nil) },
	Step: func(state, input, _ any) (bool, any) {
		values, o := state.([]uint64), input.(linear.Operation)
		switch {
		case o.Kind == linear.Enqueue:
			return true, append(slices.Clone(values), o.Value)
		case o.Kind == linear.Empty:
			return len(values) == 0, values
		default:
			return len(values) > 0 && values[0] == o.Value, values[min(1, len(values)):]
		}
	},
	Equal: func(a, b any) bool { return slices.Equal(a.([]uint64), b.([]uint64)) },
}

// BenchmarkPorcupine times porcupine on histories without unknown outcomes, of sizes that it can do, and the fast check on the same ones: "ratio" is how
// many times as long porcupine takes.
func BenchmarkPorcupine(b *testing.B) {
	for _, n := range []int{100, 300, 1_000} {
		s := busy(n)
		s.pending = 0
		ops := queueHistory(rand.New(rand.NewPCG(2, 1)), s)
		var theirs []porcupine.Operation
		for _, o := range ops {
			theirs = append(theirs, porcupine.Operation{ClientId: o.Client, Input: o, Call: o.Call, Return: o.Return})
		}
		b.Run(fmt.Sprint("queue/", n), func(b *testing.B) {
			var fast time.Duration
			for b.Loop() {
				if got := porcupine.CheckOperationsTimeout(plainQueue, theirs, time.Minute); got != porcupine.Ok {
					b.Skipf("porcupine says %v of %d operations in a minute", got, n)
				}
				begun := time.Now()
				if v, err := linear.CheckQueue(ops); err != nil || !v.Linearizable() {
					b.Fatal(v, err)
				}
				fast += time.Since(begun)
			}
			slow := b.Elapsed() - fast
			b.ReportMetric(float64(slow.Nanoseconds())/float64(b.N)/float64(n), "ns/operation")
			b.ReportMetric(float64(slow)/float64(fast), "ratio")
		})
	}
}
