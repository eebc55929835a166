package rabbitmq

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestAnswersAreToldApart(t *testing.T) {
	const output = `{"id":1,"ok":{"role":"leader","term":3,"last":9,"applied":9}}
{"error":"not_found","id":2}
{"id":3,"error":"nodedown"}
{"id":4,"error":"timeout"}
{"id":5,"error":"{badrpc,\"x\"}"}
{"id":6,"ok":[]}
`
	want := []error{nil, errNotFound, errNodeDown, errTimeout, errAnswer, nil}
	var got []member
	must(t, eachAnswer(iotest.OneByteReader(strings.NewReader(output)), func(a answer) {
		var m member
		err := a.decode("node", "question", &m)
		if a.ID == 6 {
			if err == nil {
				t.Error("a list was taken for a member")
			}
			return
		}
		if !errors.Is(err, want[a.ID-1]) {
			t.Errorf("%d: %v, want %v", a.ID, err, want[a.ID-1])
		}
		got = append(got, m)
	}))
	if d := cmp.Diff([]member{{"leader", 3, 9, 9}, {}, {}, {}, {}}, got); d != "" {
		t.Error(d)
	}
}

func TestLinesThatAreNoAnswerArePassedOver(t *testing.T) {
	const output = "=WARNING REPORT==== 21-Nov-2026 ===\n{\"id\":0,\"ok\":1}\n{\"id\":7}\n{\"id\":8,\"ok\":1,\"error\":\"both\"}\n\n{\"id\":9,\"ok\":true}\n{\"id\":10,\"ok\":tr"
	var ids []uint64
	must(t, eachAnswer(strings.NewReader(output), func(a answer) { ids = append(ids, a.ID) }))
	if d := cmp.Diff([]uint64{9}, ids); d != "" {
		t.Error(d)
	}
}

func FuzzEachAnswer(f *testing.F) {
	f.Add([]byte("{\"id\":1,\"ok\":{\"ready\":1}}\n{\"id\":2,\"error\":\"nodedown\"}\n"))
	f.Add([]byte("\xff\n{}\n"))
	f.Fuzz(func(t *testing.T, output []byte) {
		lines := 0
		if err := eachAnswer(strings.NewReader(string(output)), func(a answer) {
			lines++
			var d queueDepth
			if err := a.decode("n", "q", &d); a.Error != nil && err == nil {
				t.Errorf("an error was taken for an answer: %q", *a.Error)
			}
		}); err != nil {
			t.Errorf("%q: %v", output, err)
		}
		if most := strings.Count(string(output), "\n"); lines > most {
			t.Errorf("%d answers in %d lines", lines, most)
		}
	})
}

func TestANameCannotBecomeAnotherQuestion(t *testing.T) {
	a := &asker{in: nopCloser{io.Discard}, ended: make(chan struct{}), pending: map[uint64]chan answer{}}
	for _, name := range []string{"a\nb", "a\tb", "a\r"} {
		if err := a.ask(t.Context(), "10.0.0.1", nil, "queue", name); err == nil || !strings.Contains(err.Error(), "more than one field") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestThoseWhoAskLearnThatTheAskerHasEnded(t *testing.T) {
	out, in := io.Pipe()
	a := &asker{in: nopCloser{io.Discard}, ended: make(chan struct{}), stderr: &tail{}, pending: map[uint64]chan answer{},
		wait: func() error { return errors.New("exit status 1") }}
	go a.read(out)
	_, err := a.stderr.Write([]byte("crashed"))
	must(t, err)
	asked := make(chan error)
	go func() { asked <- a.ask(t.Context(), "10.0.0.1", nil, "health") }()
	must(t, in.Close())
	for _, err := range []error{<-asked, a.ask(t.Context(), "10.0.0.1", nil, "health")} {
		if !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "crashed") {
			t.Errorf("got %v, want the end and its last words", err)
		}
	}
}
