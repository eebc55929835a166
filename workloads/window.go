package workloads

import "waybill/harness/experiment"

// windowMost bounds the memory of a producer that is answered nothing.
const windowMost = 20_000

// implied is the most messages that one producer leaves without an outcome where the load names no window; beyond it new ones wait,
// keeping their intended instants. It is what a broker that keeps up answers in the time an attempt has. With more open, a broker that
// comes back meets more retries than it can answer in that time, calls for each of them again, and never catches up.
func implied(rate float64, l experiment.Load) int {
	return min(windowMost, max(l.Burst, int(rate*l.Confirm.Seconds())))
}

// window counts the messages without a final outcome.
type window struct {
	size  int
	open  int
	burst int // that goes out whole where there is any room; 1: the size is never exceeded
	step  int // room that there must be again after the window was full
	full  bool
}

// fullStep is the part of a window that must be free before a producer goes on that had filled it: one wake-up for many messages
// instead of one for each.
const fullStep = 2

func newWindow(rate float64, l experiment.Load) window {
	switch {
	case l.Window > 0 && l.Whole:
		return window{size: l.Window, burst: 1, step: l.Window}
	case l.Window > 0:
		return window{size: l.Window, burst: 1, step: max(1, l.Window/fullStep)}
	}
	return window{size: implied(rate, l), burst: max(1, l.Burst), step: 1}
}

// grant lets out as many of n messages as there is room for, and counts them as open.
func (w *window) grant(n int) int {
	room := w.size - w.open
	if w.full && room < w.step {
		return 0
	}
	n = max(0, min(n, (room+w.burst-1)/w.burst*w.burst))
	w.open += n
	w.full = w.open >= w.size
	return n
}

// freed reports whether a producer that was stopped by the window may go on.
func (w *window) freed() bool { return w.full && w.size-w.open >= w.step }
