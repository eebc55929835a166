package targets

import (
	"fmt"
	"sort"
)

var registered = map[string]Target{}

// Register adds a target. It panics on a name registered twice. Call it from init.
func Register(t Target) {
	n := t.Describe("").Name
	if _, twice := registered[n]; twice {
		panic(fmt.Sprintf("targets: %q is registered twice", n))
	}
	registered[n] = t
}

// Find returns the target called name.
func Find(name string) (Target, bool) { t, ok := registered[name]; return t, ok }

// Names lists the targets of this binary in order.
func Names() []string {
	var names []string
	for n := range registered {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
