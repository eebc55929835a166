package rabbitmq

import (
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// answers are the confirmations that one channel's messages wait for, all in one goroutine: one for each message costs more than the
// message itself.
//
// They are looked at in the order of publishing, which is nearly always that of the confirmations: whenever the oldest is there, so are
// those behind it that came with it. While the oldest is late the others are looked at every few milliseconds, so that one which is lost
// does not hold up all later ones, as the library's listeners would.
type answers struct {
	mu    sync.Mutex
	added []awaited
	over  bool // nobody looks any more
	wake  chan struct{}
}

// awaited is one attempt and the library's confirmation of it, which ends with the channel at the latest.
type awaited struct {
	attempt      *attempt
	confirmation *amqp.DeferredConfirmation
}

// lookEvery is how often confirmations behind a late one are looked at.
const lookEvery = 5 * time.Millisecond

func newAnswers() *answers { return &answers{wake: make(chan struct{}, 1)} }

// add makes an attempt wait. It is false when the session has ended and nobody looks any more.
func (w *answers) add(a awaited) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return false
	}
	w.added = append(w.added, a)
	if len(w.added) == 1 {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// take appends what was added to list. It reports false, once and for good, when there is nothing and the session is over.
func (w *answers) take(list []awaited, s *session) ([]awaited, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list = append(list, w.added...)
	w.added = w.added[:0]
	w.over = len(list) == 0 && s.isOver()
	return list, !w.over
}

// collect tells the outcomes of a session's attempts until it is over and nothing waits.
func (w *answers) collect(s *session, tell func(awaited)) {
	t := time.NewTimer(lookEvery)
	defer t.Stop()
	var list []awaited
	for {
		var more bool
		if list, more = w.take(list, s); !more {
			return
		}
		if len(list) == 0 {
			select {
			case <-w.wake:
			case <-s.over:
			}
			continue
		}
		t.Reset(lookEvery)
		select {
		case <-list[0].confirmation.Done():
			n := 0
			for n < len(list) && isDone(list[n].confirmation) {
				tell(list[n])
				n++
			}
			list = list[n:]
		case <-t.C:
			left := list[:0]
			for _, a := range list {
				if isDone(a.confirmation) {
					tell(a)
				} else {
					left = append(left, a)
				}
			}
			list = left
		}
	}
}

func isDone(c *amqp.DeferredConfirmation) bool {
	select {
	case <-c.Done():
		return true
	default:
		return false
	}
}
