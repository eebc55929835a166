package provision

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAChildsOutputAndEndAreTold(t *testing.T) {
	dir := t.TempDir()
	var lines []string
	c, err := Start(t.Context(), dir, "/bin/sh", []string{"-c", "pwd; echo $SAID >&2; exit 3"}, []string{"SAID=so"}, func(line string) { lines = append(lines, line) })
	if err != nil {
		t.Fatal(err)
	}
	if why := c.Why(); !strings.HasPrefix(why, "exit status 3, last words:") || !slices.Equal(lines, []string{dir, "so"}) || c.Words() != dir+"\nso" {
		t.Errorf("ended %q, told %q", why, lines)
	}
	if _, err := Start(t.Context(), "", dir+"/none", nil, nil, nil); err == nil {
		t.Error("a program that is not was started")
	}
}

func TestAChildEndsWithItsContextOrWhenItIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	for claim, end := range map[string]func(*Child){
		"with its context":             func(*Child) { cancel() },
		"when asked":                   func(c *Child) { c.End(time.Minute) },
		"when it does not as it asked": func(c *Child) { c.End(10 * time.Millisecond) },
	} {
		over := ctx
		if claim != "with its context" {
			over = t.Context()
		}
		ready := make(chan bool, 1)
		c, err := Start(over, "", "/bin/sh", []string{"-c", "test '" + claim + "' = 'when asked' || trap '' TERM; echo; sleep 60 & wait; wait"}, nil, func(string) { ready <- true })
		if err != nil {
			t.Fatal(err)
		}
		<-ready
		end(c)
		select {
		case <-c.Done():
		case <-time.After(20 * time.Second):
			t.Errorf("%s: it goes on", claim)
		}
		if c.Err() == nil {
			t.Errorf("%s: it ended of itself", claim)
		}
	}
}
