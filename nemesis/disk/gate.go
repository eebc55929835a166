package disk

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// gate makes the loss of power one instant for all disks of a server: whatever changes a disk holds it shared while it
// does so, and pulling the plug takes it alone. So each change is either complete before the instant or never happens.
type gate struct{ sync.RWMutex }

// supply is the power of one disk.
type supply struct {
	gate    *gate
	evicted atomic.Int64 // bytes made durable only since memory was full, since the last loss of power

	// Guarded by gate.
	plugged bool // the plug has been pulled
	at      time.Time
	over    chan struct{} // closed when what waits behind the plug is to give up
}

// begin is called before a change, and end after it unless begin failed. While the power is off it waits: nobody may
// be told anything, neither that it was done nor that it was not, until the caller has been signalled (cancel), as it is
// when it is killed.
func (s *supply) begin(cancel <-chan struct{}) syscall.Errno {
	s.gate.RLock()
	if !s.plugged {
		return 0
	}
	over := s.over
	s.gate.RUnlock()
	select {
	case <-cancel:
		return syscall.EINTR
	case <-over:
		return syscall.EIO
	}
}

// tryBegin is begin for those who must not wait.
func (s *supply) tryBegin() bool {
	s.gate.RLock()
	if s.plugged {
		s.gate.RUnlock()
		return false
	}
	return true
}

func (s *supply) end() { s.gate.RUnlock() }

// unplug pulls the plug; a second time changes nothing. The caller holds the gate alone.
func (s *supply) unplug(now time.Time) {
	if !s.plugged {
		s.plugged, s.at, s.over = true, now, make(chan struct{})
	}
}

// restore gives the power back and sends away who waits. The caller holds the gate alone.
func (s *supply) restore() {
	if s.plugged {
		close(s.over)
		s.plugged = false
	}
}
