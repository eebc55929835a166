package export

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"strconv"
	"testing"

	"waybill/checkers/checkertest"
	"waybill/harness/history"
)

func TestCSVHasARowAnEventUnderFixedColumns(t *testing.T) {
	g := checkertest.Generate(1, checkertest.Options{})
	rows := csvRows(t, g.Events, g, -1)
	if len(rows) != len(g.Events) {
		t.Fatalf("%d rows of %d events", len(rows), len(g.Events))
	}
	column := func(row []string, name string) string { return row[slices.Index(Columns, name)] }
	for i, row := range rows {
		e := g.Events[i]
		if column(row, "kind") != e.Kind.String() || column(row, "time_us") != strconv.FormatInt(e.Time, 10) {
			t.Fatalf("row %v is not event %+v", row, e)
		}
		token := ""
		if e.Msg != (history.Msg{}) {
			token = e.Msg.Prefix(g.Experiment.Run)
		}
		if column(row, "token") != token || (column(row, "offset") == "") != (column(row, "partition") == "") {
			t.Fatalf("row %v is not event %+v", row, e)
		}
	}
	lane, copies := g.Experiment.Lanes[1].Name, 0
	one := csvRows(t, g.Events, g, 1)
	for _, row := range one {
		if of := column(row, "lane"); of != "" && of != lane {
			t.Fatalf("%v is of lane %q, want %q alone", row, of, lane)
		}
		if column(row, "kind") == "copy" {
			copies++
		}
	}
	if len(one) >= len(rows) || copies == 0 {
		t.Errorf("%d of %d rows are of one lane, %d of them copies that its scans found", len(one), len(rows), copies)
	}
}

func TestACSVThatCannotBeWrittenIsAnError(t *testing.T) {
	if err := CSV(&small{10}, aLog().Memory, oneLane, -1); !errors.Is(err, errSmall) {
		t.Errorf("into 10 bytes: %v", err)
	}
	broken := errors.New("broken")
	if err := CSV(new(bytes.Buffer), failing{aLog().Memory, broken}, oneLane, -1); !errors.Is(err, broken) {
		t.Errorf("of a history that cannot be read: %v", err)
	}
	if err := Porcupine(&small{10}, aLog().Memory, "testtest", 0); !errors.Is(err, errSmall) {
		t.Errorf("operations into 10 bytes: %v", err)
	}
	if err := Porcupine(new(bytes.Buffer), failing{aLog().Memory, broken}, "testtest", 0); !errors.Is(err, broken) {
		t.Errorf("operations of a history that cannot be read: %v", err)
	}
}

func csvRows(t *testing.T, src history.Source, g checkertest.History, lane int) [][]string {
	t.Helper()
	var b bytes.Buffer
	if err := CSV(&b, src, g.Experiment, lane); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || !slices.Equal(rows[0], Columns) {
		t.Fatalf("%v, columns %v", err, rows[:1])
	}
	return rows[1:]
}
