package disk

import (
	"slices"
	"sync"
	"time"
)

// pageSize is what a disk keeps or loses as one, in bytes: the page of Linux's cache on common machines.
const pageSize = 4096

// span is a range of bytes in a page: from lo up to, not including, hi.
type span struct{ lo, hi int }

// page holds the unsynced bytes of one page of a file; those outside spans are whatever the disk has.
type page struct {
	data  *[pageSize]byte
	spans []span    // in order, neither touching nor empty
	last  time.Time // when one of them was written
}

// buffers are the pages' memory: a disk that is written to and synced takes and returns it many times a second.
var buffers = sync.Pool{New: func() any { return new([pageSize]byte) }}

// write puts data at offset lo of the page.
func (p *page) write(lo int, data []byte, now time.Time) {
	copy(p.data[lo:], data)
	p.last = now
	add := span{lo, lo + len(data)}
	// Spans that touch the new one are swallowed by it.
	first := 0
	for first < len(p.spans) && p.spans[first].hi < add.lo {
		first++
	}
	end := first
	for end < len(p.spans) && p.spans[end].lo <= add.hi {
		add.lo, add.hi = min(add.lo, p.spans[end].lo), max(add.hi, p.spans[end].hi)
		end++
	}
	p.spans = slices.Replace(p.spans, first, end, add)
}

// cut forgets what lies at or behind offset hi.
func (p *page) cut(hi int) {
	for i, s := range p.spans {
		if s.hi <= hi {
			continue
		}
		if s.lo < hi {
			p.spans[i].hi = hi
			i++
		}
		p.spans = p.spans[:i]
		return
	}
}

// overlay copies the unsynced bytes between lo and lo+len(out) over out.
func (p *page) overlay(out []byte, lo int) {
	for _, s := range p.spans {
		from, to := max(s.lo, lo), min(s.hi, lo+len(out))
		if from < to {
			copy(out[from-lo:], p.data[from:to])
		}
	}
}

// unsynced counts the bytes.
func (p *page) unsynced() (n int64) {
	for _, s := range p.spans {
		n += int64(s.hi - s.lo)
	}
	return n
}
