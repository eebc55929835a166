package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"waybill/harness/semantics"
)

// made is what the generator made.
type made struct {
	Events int64
	Want   semantics.Ledger
}

// check refuses a measurement of an audit that did not see what was made.
func (m made) check(a measurement, judged bool) error {
	switch {
	case a.Ledger != m.Want:
		return fmt.Errorf("growth: the audit counts %+v, and made was %+v", a.Ledger, m.Want)
	case a.Findings != 0 && judged:
		return fmt.Errorf("growth: the audit has %d findings in a history without anomalies", a.Findings)
	case judged && semantics.Result(a.Result) != semantics.Kept:
		return fmt.Errorf("growth: the verdict is %s, where every promise was kept", a.Result)
	}
	return nil
}

// A row is all measurements of one size.
type row struct {
	messages uint64
	events   int64
	disk     int64
	recorded time.Duration
	audits   []measurement
	naive    []measurement
}

// audit is the median measurement.
func (r row) audit() measurement { return middle(r.audits) }

func middle(list []measurement) measurement {
	list = slices.SortedFunc(slices.Values(list), func(a, b measurement) int { return cmp.Compare(a.CPU, b.CPU) })
	return list[len(list)/2]
}

// String is one line for the impatient.
func (r row) String() string {
	a := r.audit()
	return fmt.Sprintf("%d messages: %.2f s, %.1f M events a second, %.1f M a second and core, %.2f processors, heap %.1f MB, resident %d MB", r.messages,
		a.Wall.Seconds(), float64(r.events)/a.Wall.Seconds()/1e6, float64(r.events)/a.CPU.Seconds()/1e6, a.CPU.Seconds()/a.Wall.Seconds(),
		float64(a.Heap)/1e6, a.Resident>>20)
}
