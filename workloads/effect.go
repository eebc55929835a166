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

// BatchEffect is an Effect that takes many messages at once for less than one after another. ApplyBatch has the effects of all of them,
// in order, and returns OK, or an error that wraps ErrEffectLost. It does not keep the list.
type BatchEffect interface {
	Effect
	ApplyBatch(ctx context.Context, tokens []string) (history.Status, error)
}

// effectPattern names the files of plain effects below a lane's consumers' folders: one a life.
const effectPattern = "effects-*.log"

// FileEffect is a plain effect, like an e-mail sent: a line appended with one write(2). It cannot be undone, nor repeated unnoticed.
type FileEffect struct {
	f     *os.File
	lines []byte // of a batch
}

// NewFileEffect makes the effects file of one life in dir.
func NewFileEffect(dir string, life history.Life) (*FileEffect, error) {
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("effects-%05d.log", life)), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("workloads: effects file: %w", err)
	}
	return &FileEffect{f: f}, nil
}

// Apply appends the token's line.
func (e *FileEffect) Apply(_ context.Context, token string) (history.Status, error) {
	if _, err := e.f.WriteString(token + "\n"); err != nil {
		return history.Unknown, fmt.Errorf("%w: %w", ErrEffectLost, err)
	}
	return history.OK, nil
}

// ApplyBatch appends the tokens' lines with one write(2). It is sound for the same reason as a line with one is: the kernel appends what
// it is given in order and at once, so that a life which is killed meanwhile leaves a beginning of it, of which the last line may
// lack its end, and that counts as none.
func (e *FileEffect) ApplyBatch(_ context.Context, tokens []string) (history.Status, error) {
	e.lines = e.lines[:0]
	for _, t := range tokens {
		e.lines = append(append(e.lines, t...), '\n')
	}
	if _, err := e.f.Write(e.lines); err != nil {
		return history.Unknown, fmt.Errorf("%w: %w", ErrEffectLost, err)
	}
	return history.OK, nil
}

// nothing is the effect of messages without tokens: there is nothing to tell them by.
type nothing struct{}

func (nothing) Apply(context.Context, string) (history.Status, error)        { return history.OK, nil }
func (nothing) ApplyBatch(context.Context, []string) (history.Status, error) { return history.OK, nil }
func (nothing) Close() error                                                 { return nil }

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
