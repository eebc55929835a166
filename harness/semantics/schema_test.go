package semantics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	schemaFile = "../../docs/verdict.schema.json"
	docFile    = "../../docs/verdict.md"
)

// parts are the types that verdict.json is made of, by the heading under which the documentation tells of them.
var parts = map[string]reflect.Type{
	"The run": reflect.TypeFor[Verdict](), "Lane": reflect.TypeFor[Lane](), "Ledger": reflect.TypeFor[Ledger](), "Losses": reflect.TypeFor[Losses](),
	"Cell": reflect.TypeFor[Cell](), "Exposure": reflect.TypeFor[Exposure](), "Episode": reflect.TypeFor[Episode](), "Finding": reflect.TypeFor[Finding](),
	"Assumption": reflect.TypeFor[Assumption](),
}

// fields are a type's as JSON names them; true: always there.
func fields(t reflect.Type) map[string]bool {
	out := map[string]bool{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		out[name] = options != "omitempty"
	}
	return out
}

var row = regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\| (.*)$")

func TestEveryFieldOfAVerdictIsDocumented(t *testing.T) {
	b, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for heading, of := range parts {
		_, section, found := strings.Cut(doc, "\n## "+heading+"\n")
		if !found {
			t.Errorf("%s has no section %q", docFile, heading)
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		section, _, _ = strings.Cut(section, "\n# ")
		got := map[string]bool{}
		for _, m := range row.FindAllStringSubmatch(section, -1) {
			got[m[1]] = !strings.Contains(m[2], "Absent")
		}
		if diff := cmp.Diff(fields(of), got); diff != "" {
			t.Errorf("%s, section %q: fields, and whether they are always there (-code +documentation):\n%s", docFile, heading, diff)
		}
	}
}

// schema is a part of the JSON Schema, as far as it is compared with the code.
type schema struct {
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Defs       map[string]schema `json:"$defs"`
	Const      any               `json:"const"`
	Enum       []any             `json:"enum"`
}

func TestTheSchemaHasTheFieldsOfTheCode(t *testing.T) {
	b, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var root schema
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	for heading, of := range parts {
		s := root
		if heading != "The run" {
			s = root.Defs[strings.ToLower(heading)]
		}
		got := map[string]bool{}
		for name := range s.Properties {
			got[name] = slices.Contains(s.Required, name)
		}
		if diff := cmp.Diff(fields(of), got); diff != "" {
			t.Errorf("%s: fields, and whether they are required (-code +schema):\n%s", heading, diff)
		}
	}
	if got := root.Properties["schema"].Const; got != float64(VerdictSchema) {
		t.Errorf("the schema is of version %v, the code of %d", got, VerdictSchema)
	}
	for name, want := range map[string][]string{"stage": stageNames[1:], "guarantee": guaranteeNames,
		"result": {string(Kept), string(Broken), string(Inconclusive), string(NotAffected), string(Observed)}} {
		if got := fmt.Sprint(root.Defs[name].Enum...); got != fmt.Sprint(asAny(want)...) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func asAny(list []string) (out []any) {
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

// full is a verdict in which every field has a value.
func full() Verdict {
	return Verdict{
		Schema: VerdictSchema, Run: "testtest", Target: "nats", Profile: "default", Seed: 1<<64 - 1, Result: Broken, ExitCode: 1, CutShort: "interrupted",
		Lanes: []Lane{{Name: "core", Mode: "core", Ledger: Ledger{Sent: 3, Lost: Losses{Vanished: 1}}, Cells: []Cell{{Episode: 1, Fault: "kill-leader", Stage: Stored,
			Guarantee: ExactlyOnce, Ordered: true, Atomic: true, Result: Broken, Why: "lost", Exposure: []Exposure{{What: "sends", Seen: 1, Need: 1}},
			Counts: map[string]int64{"missing": 3}, Findings: []int{1}, N: 3, Bound: 0.63}}}},
		Episodes: []Episode{{Number: 1, Fault: "kill-leader", Victims: "n1", Begin: 1, Why: "did not heal", Liveness: map[string]Result{"core": Inconclusive},
			LiveWhy: map[string]string{"core": "no checkpoint"}}},
		Findings:    []Finding{{ID: 1, Lane: "core", Anomaly: "lost: vanished", Stage: Stored, Episode: 1, Count: 1, Tokens: []string{"wb1"}, Detail: "x", Jepsen: "lost-write"}},
		Assumptions: []Assumption{{Name: "clocks agree", Why: "not"}}, Cuts: []string{"a.seg"},
	}
}

func TestTheSchemaTellsAVerdictFromWhatIsNone(t *testing.T) {
	compiled, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	validate := func(v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		x, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		return compiled.Validate(x)
	}
	if err := validate(full()); err != nil {
		t.Errorf("a whole verdict: %v", err)
	}
	bare := Verdict{Schema: VerdictSchema, Run: "testtest", Result: Inconclusive, ExitCode: 2, Lanes: []Lane{{Name: "core"}}, Episodes: []Episode{}, Findings: []Finding{}, Assumptions: []Assumption{}}
	if err := validate(bare); err != nil {
		t.Errorf("a verdict of a run that ended before its first episode: %v", err)
	}
	for name, spoil := range map[string]func(*Verdict){
		"another version":    func(v *Verdict) { v.Schema++ },
		"an unknown result":  func(v *Verdict) { v.Lanes[0].Cells[0].Result = "fine" },
		"no lanes":           func(v *Verdict) { v.Lanes = nil },
		"an exit code":       func(v *Verdict) { v.ExitCode = 3 },
		"a finding without":  func(v *Verdict) { v.Findings[0].Count = 0 },
		"too many tokens":    func(v *Verdict) { v.Findings[0].Tokens = make([]string, 21) },
		"a bound above one":  func(v *Verdict) { v.Lanes[0].Cells[0].Bound = 1.5 },
		"a negative count":   func(v *Verdict) { v.Lanes[0].Ledger.Lost.InEffect = -1 },
		"liveness of a word": func(v *Verdict) { v.Episodes[0].Liveness["core"] = "alive" },
	} {
		v := full()
		if spoil(&v); validate(v) == nil {
			t.Errorf("%s is valid", name)
		}
	}
}
