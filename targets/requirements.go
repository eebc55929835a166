package targets

import "context"

// Requirer is implemented by a Target that needs software of this machine which Provision does not fetch.
type Requirer interface {
	// Requirements says for each whether it is there. It starts nothing that lasts, and answers within seconds.
	Requirements(ctx context.Context) []Requirement
}

// Requirement is software that a target needs.
type Requirement struct {
	Name    string // "Java 17 or newer"
	Have    bool
	Version string // of what was found, or where; "" if that is not known
	Get     string // the command that would install it: "apt-get install default-jre-headless"
}
