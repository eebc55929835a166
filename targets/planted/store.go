package planted

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/raft"
)

// logStore keeps a node's Raft log in one file, synced before anything is promised about it. It implements raft.LogStore. Entries keep the
// messages themselves: queues refer to them by the entry's index and an offset in it. A tail that was torn when power was lost fails its
// checksum and is cut off at the next start: nobody was told of it.
type logStore struct {
	mu     sync.RWMutex
	file   *os.File
	starts []int64 // of the entry with index i+1
	end    int64
	recent map[uint64]*raft.Log // the newest entries, for those who read behind the writer

	readers sync.Mutex
	old     map[uint64]*raft.Log // a few older ones that were read last
}

const (
	entryHead  = 4 + 4 + 8 + 8 + 1 // length of the data, checksum of all that follows it, index, term, kind
	recentMost = 512
	oldMost    = 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func openLog(path string) (*logStore, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("planted: log: %w", err)
	}
	s := &logStore{file: f, recent: map[uint64]*raft.Log{}, old: map[uint64]*raft.Log{}}
	if err := s.recover(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// recover finds the entries and cuts off what is torn.
func (s *logStore) recover() error {
	r := bufio.NewReaderSize(s.file, 1<<20)
	for {
		l, size, err := readEntry(r)
		if errors.Is(err, errTorn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("planted: log: %w", err)
		}
		if l.Index != uint64(len(s.starts))+1 {
			return fmt.Errorf("planted: log: entry %d at the place of %d", l.Index, len(s.starts)+1)
		}
		s.starts = append(s.starts, s.end)
		s.end += size
	}
	if err := s.file.Truncate(s.end); err != nil {
		return fmt.Errorf("planted: log: %w", err)
	}
	return s.file.Sync()
}

var errTorn = errors.New("planted: an entry's checksum is wrong")

func readEntry(r io.Reader) (*raft.Log, int64, error) {
	var head [entryHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > 2*frameMost {
		return nil, 0, errTorn
	}
	l := &raft.Log{Index: binary.BigEndian.Uint64(head[8:]), Term: binary.BigEndian.Uint64(head[16:]), Type: raft.LogType(head[24]), Data: make([]byte, n)}
	if _, err := io.ReadFull(r, l.Data); err != nil {
		return nil, 0, err
	}
	if crc32.Update(crc32.Checksum(head[8:], castagnoli), castagnoli, l.Data) != binary.BigEndian.Uint32(head[4:]) {
		return nil, 0, errTorn
	}
	return l, entryHead + int64(n), nil
}

func appendEntry(to []byte, l *raft.Log) []byte {
	at := len(to)
	to = binary.BigEndian.AppendUint32(to, uint32(len(l.Data)))
	to = append(to, 0, 0, 0, 0)
	to = binary.BigEndian.AppendUint64(to, l.Index)
	to = binary.BigEndian.AppendUint64(to, l.Term)
	to = append(append(to, byte(l.Type)), l.Data...)
	binary.BigEndian.PutUint32(to[at+4:], crc32.Checksum(to[at+8:], castagnoli))
	return to
}

// FirstIndex implements raft.LogStore.
func (s *logStore) FirstIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return min(1, uint64(len(s.starts))), nil
}

// LastIndex implements raft.LogStore.
func (s *logStore) LastIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return uint64(len(s.starts)), nil
}

// GetLog implements raft.LogStore.
func (s *logStore) GetLog(index uint64, into *raft.Log) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if l := s.recent[index]; l != nil {
		*into = *l
		return nil
	}
	if index == 0 || index > uint64(len(s.starts)) {
		return raft.ErrLogNotFound
	}
	s.readers.Lock()
	defer s.readers.Unlock()
	if l := s.old[index]; l != nil {
		*into = *l
		return nil
	}
	l, _, err := readEntry(io.NewSectionReader(s.file, s.starts[index-1], s.end-s.starts[index-1]))
	if err != nil {
		return fmt.Errorf("planted: log: entry %d: %w", index, err)
	}
	if len(s.old) >= oldMost {
		clear(s.old)
	}
	s.old[index] = l
	*into = *l
	return nil
}

// StoreLog implements raft.LogStore.
func (s *logStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore: one write and one sync for all of them. Readers are not held up meanwhile: Raft alone writes.
func (s *logStore) StoreLogs(ls []*raft.Log) error {
	var b []byte
	starts := s.starts
	for _, l := range ls {
		if l.Index != uint64(len(starts))+1 {
			return fmt.Errorf("planted: log: entry %d where %d is due", l.Index, len(starts)+1)
		}
		starts = append(starts, s.end+int64(len(b)))
		b = appendEntry(b, l)
	}
	if _, err := s.file.WriteAt(b, s.end); err != nil {
		return fmt.Errorf("planted: log: %w", err)
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("planted: log: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starts, s.end = starts, s.end+int64(len(b))
	for _, l := range ls {
		s.recent[l.Index] = l
		delete(s.recent, l.Index-recentMost)
	}
	return nil
}

// DeleteRange implements raft.LogStore: a follower drops a tail that was never committed. There are no snapshots, so no head is dropped.
func (s *logStore) DeleteRange(from, to uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from == 0 || to != uint64(len(s.starts)) || from > to {
		return fmt.Errorf("planted: log: entries %d to %d of %d: only a tail can be dropped", from, to, len(s.starts))
	}
	s.end = s.starts[from-1]
	s.starts = s.starts[:from-1]
	for i := from; i <= to; i++ {
		delete(s.recent, i)
	}
	clear(s.old)
	if err := s.file.Truncate(s.end); err != nil {
		return fmt.Errorf("planted: log: %w", err)
	}
	return s.file.Sync()
}

func (s *logStore) close() error { return s.file.Close() }

// voteStore keeps a node's term and vote in a small file, replaced as a whole. It implements raft.StableStore.
type voteStore struct {
	mu   sync.Mutex
	path string
	held map[string][]byte
}

func openVotes(path string) (*voteStore, error) {
	s := &voteStore{path: path, held: map[string][]byte{}}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &s.held)
	}
	if err != nil {
		return nil, fmt.Errorf("planted: votes: %w", err)
	}
	return s, nil
}

// Set implements raft.StableStore.
func (s *voteStore) Set(key, val []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[string(key)] = append([]byte(nil), val...)
	b, err := json.Marshal(s.held)
	if err != nil {
		return fmt.Errorf("planted: votes: %w", err)
	}
	if err := replace(s.path, b); err != nil {
		return fmt.Errorf("planted: votes: %w", err)
	}
	return nil
}

// replace puts a file in the place of another so that after a loss of power there is one or the other.
func replace(path string, b []byte) error {
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Get implements raft.StableStore.
func (s *voteStore) Get(key []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[string(key)], nil
}

// SetUint64 implements raft.StableStore.
func (s *voteStore) SetUint64(key []byte, v uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, v))
}

// GetUint64 implements raft.StableStore.
func (s *voteStore) GetUint64(key []byte) (uint64, error) {
	b, _ := s.Get(key)
	if len(b) != 8 {
		return 0, nil
	}
	return binary.BigEndian.Uint64(b), nil
}
