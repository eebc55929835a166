package jepsen

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/checkers"
	"waybill/harness/edn"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

func TestOperationsAreReadInEveryShapeThatJepsenWrites(t *testing.T) {
	ops := []string{
		`{:type :invoke, :f :send, :value [[:send 3 17]], :process 0, :time 5, :index 0}`,
		`{:type :ok, :f :send, :value [[:send 3 [0 17]]], :process 0, :time 6, :index 1}`,
		`{:type :info, :f :start-partition, :value {"n1" #{"n2"}}, :process :nemesis, :time 6, :index 2, :error #error {:cause "x"}}`,
		`{:type :invoke, :f :poll, :value [[:poll]], :process 1, :time 7, :index 3, :poll-ms 1000}`,
		`{:type :ok, :f :poll, :value [[:poll {3 [[0 17]]}]], :process 1, :time 8, :index 4}`,
		`{:type :invoke, :f :debug-topic-partitions, :value [3], :process 1, :time 9, :index 5}`,
		`{:type :info, :f :crash, :value nil, :process 1, :time 10, :index 6}`,
	}
	lines := strings.Join(ops, "\n")
	var tagged []string
	for _, o := range ops {
		tagged = append(tagged, "#jepsen.history.Op"+o)
	}
	var want *History
	for name, text := range map[string]string{
		"an operation a line": lines, "a vector": "[" + lines + "]", "a list": "(" + lines + ")", "tagged": strings.Join(tagged, "\n"),
		"a vector of tagged ones, after a comment": "; history\n[" + strings.Join(tagged, " ") + "]\n",
	} {
		h, err := Read(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range h.ops {
			h.ops[i].line = 0
		}
		if len(h.ops) != len(ops) || h.Ignored["debug-topic-partitions"] != 1 {
			t.Errorf("%s: %d operations, ignored %v", name, len(h.ops), h.Ignored)
		}
		if want == nil {
			want = h
		}
		if diff := cmp.Diff(want.ops, h.ops, cmp.AllowUnexported(operation{}, copied{})); diff != "" {
			t.Errorf("%s differs:\n%s", name, diff)
		}
	}
}

func TestWhatIsNoHistoryIsNamedByItsPlace(t *testing.T) {
	const sent = "{:type :invoke :process 0 :f :send :value [[:send 3 1]]}\n"
	for _, c := range []struct{ name, text, says string }{
		{"nothing", "", "no operation sends or polls"},
		{"a nemesis alone", "{:type :info :process :nemesis :f :kill :value nil}", "no operation sends or polls"},
		{"no map", sent + " 17", "line 2, column 2: not a history that can be audited: an integer stands where an operation belongs"},
		{"a second vector", "[" + sent + "]\n[1]", "line 3, column 1"},
		{"no type", "{:process 0 :f :send}", "line 1, column 1: not a history that can be audited: an operation without a :type"},
		{"an unknown type", "{:type :okay :process 0 :f :send}", "the :type :okay"},
		{"no f", "{:type :ok :process 0}", "without a :f"},
		{"no process", "{:type :ok :f :send}", "without a :process"},
		{"a process that does two things", sent + sent, "line 2, column 1: not a history that can be audited: process 0 invokes :send while its operation of line 1"},
		{"a value sent twice", sent + strings.Replace(sent, ":process 0", ":process 1", 1), "value 1 is sent to key 3 a second time"},
		{"a value that is no vector", "{:type :ok :process 0 :f :poll :value 3}", "line 1, column 39: not a history that can be audited: an integer as the :value of :poll"},
		{"an unknown micro-operation", "{:type :ok :process 0 :f :txn :value [[:append 3 1]]}", "micro-operation :append"},
		{"a send without a value", "{:type :ok :process 0 :f :txn :value [[:send 3]]}", "want [:send k v]"},
		{"a poll of no map", "{:type :ok :process 0 :f :poll :value [[:poll 3]]}", "want [:poll"},
		{"a pair of one", "{:type :ok :process 0 :f :poll :value [[:poll {3 [[1]]}]]}", "line 1, column 51: not a history that can be audited: [1]: want [offset value]"},
		{"a negative offset", "{:type :ok :process 0 :f :poll :value [[:poll {3 [[-1 1]]}]]}", "the offset -1"},
		{"a negative time", "{:type :ok :time -1 :process 0 :f :poll :value [[:poll {3 [[1 1]]}]]}", "the :time -1"},
		{"an enqueue of nothing", "{:type :ok :process 0 :f :enqueue :value nil}", "an :enqueue without a value"},
		{"malformed EDN", sent + "{:type :ok", "edn: line 2, column 1"},
	} {
		_, err := Read(strings.NewReader(c.text))
		var syntax *edn.SyntaxError
		if err == nil || !strings.Contains(err.Error(), c.says) || !errors.Is(err, ErrHistory) && !errors.As(err, &syntax) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

func TestWhatAHistoryOfJepsensCannotTellIsRefused(t *testing.T) {
	for _, p := range []semantics.Promise{
		{Stage: semantics.Applied, Guarantee: semantics.AtLeastOnce},
		{Stage: semantics.Sent, Guarantee: semantics.AtLeastOnce},
		{Stage: semantics.Delivered, Guarantee: semantics.ExactlyOnce},
		{Stage: semantics.Delivered, Guarantee: semantics.AtMostOnce},
		{Stage: semantics.Delivered, Guarantee: semantics.AtLeastOnce, Linearizable: true},
	} {
		if err := (Options{Promises: []semantics.Promise{p}}).Check(); err == nil {
			t.Errorf("%s %s is not refused", p.Stage, p.Guarantee)
		}
	}
}

func TestKeysAndValuesAreKeptVisible(t *testing.T) {
	h, err := Read(strings.NewReader(asEDN([]string{
		"0 ok send [[:send 3 [0 42]]]", "0 ok send [[:send :x [0 :a]]]", "0 ok send [[:send :x [1 7]]]", "0 ok send [[:send -1 [1 9]]]", "0 ok send [[:send 79999 [0 9999999999]]]",
		"0 ok send [[:send 80000 [0 10000000000]]]",
	})))
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Run(Options{Promises: asJepsen})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range r.Events {
		if e.Kind != history.Send {
			continue
		}
		token := history.Token(r.Experiment.Run, e.Msg, 0)
		if run, m, _, err := history.ParseToken(token); err != nil || run != r.Experiment.Run || m != e.Msg {
			t.Errorf("%s is no token: %v", token, err)
		}
		got = append(got, e.Msg.Prefix(r.Experiment.Run)+" "+e.Text)
	}
	if diff := cmp.Diff([]string{
		"wb1-imported-10003-0000000042 key 3, value 42, operation 0",
		"wb1-imported-90000-0000000001 key :x, value :a, operation 1",
		"wb1-imported-90000-0000000002 key :x, value 7, operation 2",
		"wb1-imported-90001-0000000009 key -1, value 9, operation 3",
		"wb1-imported-89999-9999999999 key 79999, value 9999999999, operation 4",
		"wb1-imported-90002-0000000001 key 80000, value 10000000000, operation 5",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is recorded as segments is what was made, and gives the same verdict.
func TestARunThatIsRecordedIsTheSameRun(t *testing.T) {
	h, err := Read(strings.NewReader(asEDN(append(three("3 [[0 1] [2 3]]"), finals("[[0 1] [2 3]]", "2", "4")...))))
	if err != nil {
		t.Fatal(err)
	}
	want := audited(t, h, Options{})
	r, err := h.Run(Options{Promises: asJepsen})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := r.Record(dir); err != nil {
		t.Fatal(err)
	}
	opened, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	in := checkers.Input{Source: opened, Experiment: r.Experiment, Schedule: r.Schedule}
	for _, s := range opened.Segments() {
		n++
		in.Segments = append(in.Segments, checkers.Segment{Name: filepath.Base(s.Path), Life: s.Header.Life, Cut: s.Cut, Sealed: s.Sealed != history.Unsealed})
	}
	got, err := checkers.Audit(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(found(want), found(got)); diff != "" || got.ExitCode != want.ExitCode || n != 6 {
		t.Errorf("%d segments, exit code %d, findings (-made +recorded):\n%s", n, got.ExitCode, diff)
	}
	if err := r.Record(dir); err == nil {
		t.Error("a second recording into the same folder is no error")
	}
}

// FuzzRead holds that whatever is read can be made a run of, and audited, and that what is not says why.
func FuzzRead(f *testing.F) {
	f.Add(asEDN(three(whole)))
	f.Add(asEDN(append(three("3 [[0 1] [2 3] [3 1]]"), finals("[[0 1]]", "2", "4")...)))
	f.Add("[" + asEDN([]string{"0 invoke enqueue 1", "0 ok enqueue 1", "1 invoke drain nil", "1 ok drain [1 2]"}) + "]")
	f.Add(`{:type :info :process :waybill :f :export :value {:run "testtest" :output-keys [1]}}` + "\n" + asEDN(three("3 [[0 170000000042]]")))
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Read(strings.NewReader(text))
		var syntax *edn.SyntaxError
		if err != nil {
			if !errors.Is(err, ErrHistory) && !errors.As(err, &syntax) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		r, err := h.Run(Options{Promises: asJepsen})
		if err != nil {
			if !errors.Is(err, ErrHistory) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for i := range r.Events {
			if i > 0 && r.Events[i].Time < r.Events[i-1].Time {
				t.Fatalf("%q: event %d is earlier than the one before", text, i)
			}
		}
		if _, err := checkers.Audit(context.Background(), checkers.Input{Source: r.Events, Experiment: r.Experiment, Schedule: r.Schedule}); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
