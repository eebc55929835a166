package disk

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
)

func init() {
	reexec.Register("t-commit", func(args []string) int { return told(commit(args[0], args[1])) })
	reexec.Register("t-committed", func(args []string) int { return told(committed(args[0])) })
}

func told(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// openLedger opens a database in WAL mode. SQLite shares its index of the log by a mapping, which the disk serves.
func openLedger(dir, synchronous string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "ledger.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous("+synchronous+")&_pragma=wal_autocheckpoint(20)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// commit commits one number after the other, going on from what is there, and reports each once it is committed.
func commit(dir, synchronous string) error {
	db, err := openLedger(dir, synchronous)
	if err != nil {
		return err
	}
	if _, err := db.Exec("create table if not exists numbers (n integer primary key, padding text)"); err != nil {
		return err
	}
	var n uint64
	if err := db.QueryRow("select coalesce(max(n), 0) from numbers").Scan(&n); err != nil {
		return err
	}
	for {
		n++
		if _, err := db.Exec("insert into numbers values (?, ?)", n, strings.Repeat("x", 300)); err != nil {
			return err
		}
		if _, err := lab.Control().Write(binary.BigEndian.AppendUint64(nil, n)); err != nil {
			return err
		}
	}
}

// committed reports how many numbers there are, after a look at the database's integrity.
func committed(dir string) error {
	db, err := openLedger(dir, "FULL")
	if err != nil {
		return err
	}
	var integrity string
	var n, last uint64
	if err := db.QueryRow("pragma integrity_check").Scan(&integrity); err != nil {
		return err
	}
	if integrity != "ok" {
		return fmt.Errorf("integrity: %s", integrity)
	}
	if err := db.QueryRow("select count(*), coalesce(max(n), 0) from numbers").Scan(&n, &last); err != nil {
		return err
	}
	if n != last {
		return fmt.Errorf("%d numbers up to %d", n, last)
	}
	_, err = lab.Control().Write(binary.BigEndian.AppendUint64(nil, last))
	return err
}

func TestSQLiteLosesNoCommittedTransactionWhenItSyncsAndOthersWhenItDoesNot(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		d := start(t)
		for _, c := range []struct {
			synchronous, model string
			rounds             int
			loses              bool
		}{{"FULL", "lazy", 8, false}, {"FULL", "torn", 8, false}, {"OFF", "lazy", 3, true}} {
			m := boot(t, l, d, strings.ToLower(c.synchronous)+"-"+c.model, c.model)
			lost := 0
			for round := range c.rounds {
				p := m.start("t-commit", m.dir, c.synchronous)
				acked := uint64(0)
				number := make([]byte, 8)
				for enough := 10 + 17*round; ; enough-- {
					limit := patience
					if enough == 0 {
						must(t, d.Plug(t.Context(), m.host.Name()))
					}
					if enough <= 0 {
						limit = 30 * time.Millisecond
					}
					must(t, p.Control().SetReadDeadline(time.Now().Add(limit)))
					if _, err := io.ReadFull(p.Control(), number); err != nil {
						if enough > 0 {
							t.Fatalf("%s %s, round %d: %v (%s)", c.synchronous, c.model, round, err, exitOf(p))
						}
						break
					}
					acked = binary.BigEndian.Uint64(number)
				}
				m.again(func() { m.forget() })
				if c.loses {
					// What is left may be no database at all; that it lost is told by the numbers alone.
					p := m.start("t-committed", m.dir)
					_, err := io.ReadFull(p.Control(), number)
					if err != nil || binary.BigEndian.Uint64(number) < acked {
						lost++
					}
					for _, name := range []string{"", "-wal", "-shm"} {
						m.run("t-remove", m.dir, "ledger.db"+name)
					}
					continue
				}
				p = m.start("t-committed", m.dir)
				must(t, p.Control().SetReadDeadline(time.Now().Add(patience)))
				if _, err := io.ReadFull(p.Control(), number); err != nil {
					t.Fatalf("%s %s, round %d: %v (%s)", c.synchronous, c.model, round, err, exitOf(p))
				}
				if have := binary.BigEndian.Uint64(number); have < acked || have > acked+1 {
					t.Errorf("%s %s, round %d: %s are there, %s were committed", c.synchronous, c.model, round, strconv.FormatUint(have, 10), strconv.FormatUint(acked, 10))
				}
				<-p.Done()
			}
			if c.loses && lost != c.rounds {
				t.Errorf("synchronous=%s lost committed transactions in %d of %d power failures: the disk forgets too little", c.synchronous, lost, c.rounds)
			}
		}
	})
}
