package serve

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"waybill/harness/semantics"
	"waybill/results"
)

// livePage is what the live part of a page shows: its fragments are sent again as they change.
type livePage struct {
	Path string
	progress
	Silent string // for how long nothing was seen of the run; "": it lives
	Charts []spark
}

// page is what a page shows now.
func (l *live) page() *livePage {
	p, _ := l.now()
	return newLivePage(l.path, p)
}

// silentAfter is how long a run may say nothing before a page wonders.
const silentAfter = 15 * time.Second

func newLivePage(path string, p progress) *livePage {
	x := &livePage{Path: path, progress: p}
	if since := time.Since(p.Seen); !p.Seen.IsZero() && since > silentAfter {
		x.Silent = since.Round(time.Second).String()
	}
	for _, r := range p.Lanes {
		x.Charts = append(x.Charts, newSpark(r))
	}
	return x
}

// fragments are the parts of a live page that are sent again when they change, by the names of their templates and elements.
var fragments = []string{"now", "lanes", "found"}

const (
	// beatEvery is how often a comment is sent where nothing else is, so that either side notices when the other has gone.
	beatEvery = 10 * time.Second
	// sendWithin bounds how long a browser may take to read an event.
	sendWithin = 10 * time.Second
	// again is after how many milliseconds a browser whose connection was lost tries again.
	again = 2000
)

// events sends what is new of a run until its verdict is there, or whoever looks has gone. A browser that connects again is sent everything.
func (s *Server) events(w http.ResponseWriter, r *http.Request, one Run, d results.Dir) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return
	}
	out := http.NewResponseController(w)
	send := func(name, data string) bool {
		// Where the connection has no deadlines, as in a test's recorder, there is nothing to bound.
		_ = out.SetWriteDeadline(time.Now().Add(sendWithin))
		return writeEvent(w, name, data) == nil && out.Flush() == nil
	}
	if _, err := fmt.Fprintf(w, "retry: %d\n\n", again); err != nil {
		return
	}
	l := s.lives.join(one.Path, d)
	defer l.leave()
	sent := map[string]string{}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		now, ok := s.index.verdict(one.Path)
		p, changed := l.now()
		page := newLivePage(one.Path, p)
		for _, name := range fragments {
			if text := fragment(name, page); sent[name] != text {
				if !send(name, text) {
					return
				}
				sent[name] = text
			}
		}
		if ok {
			send("verdict", fragment("verdict", now))
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			if !send("", "") {
				return
			}
		case <-changed:
		}
	}
}

// verdict is the run at a path once it is judged, or gone.
func (x *index) verdict(at string) (Run, bool) {
	r, _, ok := x.run(at)
	return r, !ok || r.State == Judged || r.Trouble != ""
}

// writeEvent writes one event as browsers read them; without a name, a comment.
func writeEvent(w io.Writer, name, data string) error {
	if name == "" {
		_, err := io.WriteString(w, ":\n\n")
		return err
	}
	var b strings.Builder
	b.WriteString("event: " + name + "\n")
	for line := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data), "\n") {
		b.WriteString("data: " + line + "\n")
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// spark is a small chart of a lane's rates over the last minutes.
type spark struct {
	Lane           laneRate
	Width, Height  int
	Acked, Applied string // points of polylines; "": too few yet
	Most           float64
	Seconds        int
}

const sparkWidth, sparkHeight = 240, 44

func newSpark(r laneRate) spark {
	s := spark{Lane: r, Width: sparkWidth, Height: sparkHeight, Seconds: remembers}
	for _, past := range [][]float64{r.AckedPast, r.AppliedPast} {
		for _, v := range past {
			s.Most = max(s.Most, v)
		}
	}
	s.Applied = points(r.AppliedPast, s.Most)
	if r.Confirm {
		s.Acked = points(r.AckedPast, s.Most)
	}
	return s
}

// points ends at the right edge: the past grows to the left.
func points(past []float64, most float64) string {
	if len(past) < 2 || most == 0 {
		return ""
	}
	var b strings.Builder
	step := float64(sparkWidth) / (remembers - 1)
	for i, v := range past {
		x := sparkWidth - step*float64(len(past)-1-i)
		y := 2 + (sparkHeight-4)*(1-v/most)
		fmt.Fprintf(&b, "%.1f,%.1f ", x, y)
	}
	return strings.TrimSpace(b.String())
}

// Result is the result for which a finding is shown.
func (f Found) Result() semantics.Result {
	if f.Finding.Breaks {
		return semantics.Broken
	}
	return semantics.Observed
}
