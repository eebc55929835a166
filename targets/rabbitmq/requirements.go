package rabbitmq

import (
	"context"
	"os/exec"

	"waybill/targets"
)

// Requirements implements targets.Requirer: a server that is installed, and Erlang, or the programs with which the packages of both
// are fetched and unpacked. With --dist only Erlang counts.
func (target) Requirements(ctx context.Context) []targets.Requirement {
	if d, ok := found(); ok {
		return []targets.Requirement{{Name: "rabbitmq-server", Have: true, Version: d.Version + " in " + d.Dir}, erlangRequirement(ctx)}
	}
	if hasApt() {
		return []targets.Requirement{{Name: "apt-get and dpkg, to unpack RabbitMQ's and Erlang's packages", Have: true}}
	}
	return []targets.Requirement{
		{Name: "rabbitmq-server", Get: "this machine's package manager, or unpack the generic Unix build and name its folder with --dist"},
		erlangRequirement(ctx),
	}
}

func erlangRequirement(ctx context.Context) targets.Requirement {
	r := targets.Requirement{Name: "Erlang", Get: "this machine's package manager"}
	if hasApt() {
		r.Get = "apt-get install " + erlangPackage
	}
	program, err := erl()
	if err != nil {
		return r
	}
	release, err := erlangRelease(ctx, program)
	r.Have, r.Version = err == nil, release
	return r
}

// aptPrograms are what packages are fetched and unpacked with.
var aptPrograms = []string{"apt-get", "dpkg"}

func hasApt() bool {
	for _, program := range aptPrograms {
		if _, err := exec.LookPath(program); err != nil {
			return false
		}
	}
	return true
}
