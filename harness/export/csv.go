package export

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"waybill/harness/experiment"
	"waybill/harness/history"
)

// Columns are those of CSV, in order. Times are microseconds of the machine's monotonic clock, but broker_time_us, which counts from 1970
// on the broker's. lane is the name of the lane that an event is about, empty for what concerns the run, and token what grep finds of a
// message. Numbers that an event does not have are empty; partition has one where offset does. Offsets are as recorded: 0 is no position,
// so brokers that count from 0 are shifted by one.
var Columns = []string{
	"time_us", "segment", "life", "lane", "kind", "status", "reason", "origin", "flags", "token", "attempt", "key", "session", "txn", "intended_us",
	"incarnation", "partition", "offset", "epoch", "call", "tag", "count", "broker_time_us", "from", "to", "ref", "other", "name", "text",
}

// CSV writes every event of src in order of time, a row each, under a header. With a lane of 0 or above it writes those of that lane and
// those of the run as a whole; -1 stands for all lanes.
func CSV(w io.Writer, src history.Source, x experiment.Experiment, lane int) error {
	out := csv.NewWriter(w)
	if err := out.Write(Columns); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	known := newLanes()
	row := make([]string, 0, len(Columns))
	for e, err := range src.Events() {
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		of := known.of(e)
		if lane >= 0 && of >= 0 && of != lane {
			continue
		}
		name := ""
		if of >= 0 && of < len(x.Lanes) {
			name = x.Lanes[of].Name
		}
		row = appendRow(row[:0], e, x.Run, name)
		if err := out.Write(row); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	if out.Flush(); out.Error() != nil {
		return fmt.Errorf("export: %w", out.Error())
	}
	return nil
}

func appendRow(row []string, e *history.Event, run, lane string) []string {
	known := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	token, partition := "", ""
	if e.Msg != (history.Msg{}) {
		token = e.Msg.Prefix(run)
	}
	if e.Pos.Offset != 0 {
		partition = strconv.FormatUint(uint64(e.Pos.Partition), 10)
	}
	return append(row, strconv.FormatInt(e.Time, 10), strconv.Itoa(e.Segment), known(int64(e.Life)), lane, e.Kind.String(), e.Status.String(), e.Reason.String(),
		e.Origin.String(), e.Flags.String(), token, known(int64(e.Attempt)), known(int64(e.Key)), known(int64(e.Session)), known(int64(e.Txn)),
		known(e.Intended), known(int64(e.Pos.Incarnation)), partition, known(e.Pos.Offset), known(int64(e.Pos.Epoch)), known(int64(e.Call)),
		known(int64(e.Tag)), known(int64(e.Count)), known(e.BrokerTime), known(e.From), known(e.To), known(int64(e.Ref)), known(int64(e.Other)),
		e.Name, e.Text)
}

// lanes says which lane an event is about. What a scan finds is its scan's.
type lanes struct {
	lives lives
	scans map[scanID]uint32
}

func newLanes() lanes { return lanes{lives{}, map[scanID]uint32{}} }

// of is the lane's index; -1: the event is about the run, its processes, brokers or faults.
func (l lanes) of(e *history.Event) int {
	l.lives.see(e)
	if !ofOneLane(e.Kind) {
		return -1
	}
	lane := l.lives.lane(e)
	switch scan := (scanID{e.Life, e.Tag}); e.Kind {
	case history.ScanBegin:
		l.scans[scan] = lane
	case history.Copy, history.CommitMarker, history.AbortMarker:
		if of, open := l.scans[scan]; open {
			lane = of
		}
	case history.ScanEnd:
		delete(l.scans, scan)
	}
	return int(lane)
}
