package labtest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestWhatALabTestStartsGoesBeforeOthers(t *testing.T) {
	Need(t, "root, who alone may put anything first", os.Getuid() == 0)
	favour()
	out, err := exec.Command("nice").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(out)); got != "-5" {
		t.Errorf("a program was started with niceness %s, want -5", got)
	}
}
