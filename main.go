// Waybill audits what message brokers and their clients promise about delivery.
package main

import (
	"os"

	"waybill/harness/cli"
	"waybill/harness/reexec"
	_ "waybill/targets/all"
)

func main() {
	reexec.Dispatch()
	os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr))
}
