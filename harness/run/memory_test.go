package run

import (
	"os"
	"slices"
	"testing"
)

// The process that this test is finds itself, and no other program of the binary below it.
func TestMemoryIsMeasuredOfTheHarnessAlone(t *testing.T) {
	held := make([]byte, 32<<20)
	for i := range held {
		held[i] = 1
	}
	if n := resident("self"); n < int64(len(held)) {
		t.Errorf("%d bytes resident while %d are held", n, len(held))
	}
	if !slices.Contains(held, 1) {
		t.Error("held is needed until here")
	}
	if n := residentBelow(os.Getpid(), "worker"); n != 0 {
		t.Errorf("%d bytes in workers that nobody started", n)
	}
	if p := parentOf("/proc/self"); p != os.Getppid() {
		t.Errorf("parent %d, want %d", p, os.Getppid())
	}
	if n := resident("1234567890"); n != 0 {
		t.Errorf("a process that is not there holds %d", n)
	}
}
