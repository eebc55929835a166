package cli

import (
	"fmt"
	"io"
	"strings"

	"waybill/targets"
)

// listPlants prints the bugs that a target's brokers can be started with: of the harness's own test piece, and of no product.
func listPlants(w io.Writer, target string) {
	t, _ := targets.Find(target) // oneTarget has seen that it exists
	p, ok := t.(targets.Planter)
	if !ok {
		return
	}
	for _, x := range p.Plants() {
		fmt.Fprintf(w, "  --plant %s=RATE\t%s; shown by --mode %s --fault %s\n", x.Name, x.Summary, strings.Join(x.Modes, ","), x.Fault)
	}
}
