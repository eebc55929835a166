package targets

import (
	"testing"
	"time"
)

func TestALoadThatNoToolCanCarryOutIsRefused(t *testing.T) {
	good := ToolLoad{Nodes: []Node{{Name: "n1", Addr: "10.0.0.1:1"}}, Queue: Queue{Name: "q"}, Messages: 2, Size: 1, Window: 1, Producers: 2}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for claim, spoil := range map[string]func(*ToolLoad){
		"without nodes":              func(l *ToolLoad) { l.Nodes = nil },
		"without a queue":            func(l *ToolLoad) { l.Queue.Name = "" },
		"of empty messages":          func(l *ToolLoad) { l.Size = 0 },
		"without a window":           func(l *ToolLoad) { l.Window = 0 },
		"without producers":          func(l *ToolLoad) { l.Producers = 0 },
		"of fewer than one of each":  func(l *ToolLoad) { l.Messages = 1 },
		"of neither number nor time": func(l *ToolLoad) { l.Messages, l.Length = 0, -time.Second },
	} {
		bad := good
		spoil(&bad)
		if bad.Check() == nil {
			t.Errorf("a load %s is accepted", claim)
		}
	}
	timed := good
	timed.Messages, timed.Length = 0, time.Second
	if err := timed.Check(); err != nil {
		t.Error(err)
	}
}
