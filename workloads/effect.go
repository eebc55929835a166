package workloads

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"waybill/harness/history"
)

// ErrEffectLost says that the place of the effects can take no more: the run cannot go on.
var ErrEffectLost = errors.New("workloads: effect store failed")

// Effect is what processing a message does to the world. Apply returns OK, DedupHit (it had been applied already), Failed (certainly not
// applied) or Unknown. It is called by one goroutine.
type Effect interface {
	Apply(ctx context.Context, token string) (history.Status, error)
	Close() error
}

// effectPattern names the files of plain effects below a lane's consumers' folders: one a life.
const effectPattern = "effects-*.log"

// FileEffect is a plain effect, like an e-mail sent: a line appended with one write(2). It cannot be undone, nor repeated unnoticed.
type FileEffect struct{ f *os.File }

// NewFileEffect makes the effects file of one life in dir.
func NewFileEffect(dir string, life history.Life) (*FileEffect, error) {
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("effects-%05d.log", life)), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("workloads: effects file: %w", err)
	}
	return &FileEffect{f}, nil
}

// Apply appends the token's line.
func (e *FileEffect) Apply(_ context.Context, token string) (history.Status, error) {
	if _, err := e.f.WriteString(token + "\n"); err != nil {
		return history.Unknown, fmt.Errorf("%w: %w", ErrEffectLost, err)
	}
	return history.OK, nil
}

// Close closes the file.
func (e *FileEffect) Close() error { return e.f.Close() }

// ReadFiles reads every plain effect below the folders back, in no particular order. A last line that was never completed is no effect.
func ReadFiles(dirs []string, each func(token string, count uint64) error) error {
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, effectPattern))
		if err != nil {
			return fmt.Errorf("workloads: read back: %w", err)
		}
		for _, path := range files {
			if err := readFile(path, each); err != nil {
				return fmt.Errorf("workloads: read back: %w", err)
			}
		}
	}
	return nil
}

func readFile(path string, each func(string, uint64) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil // a line without its end was never written whole
		}
		if err != nil {
			return err
		}
		if err := each(line[:len(line)-1], 1); err != nil {
			return err
		}
	}
}
