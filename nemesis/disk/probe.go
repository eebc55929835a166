package disk

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"

	"waybill/harness/reexec"
)

// ProgramProbe is the program that shows whether a mounted disk really forgets: a file system that let writes past
// (as FUSE's passthrough can) would look as if no broker ever lost anything. It is started twice on a host, on a disk
// that is in use by nobody else:
//
//	disk-probe write DIR   writes one file of DIR without syncing it and another with, then prints "written" and a
//	                       newline to standard output and waits to be killed
//	...                    Plug, kill of the host, Forget, restart, mount and Serve anew
//	disk-probe check DIR   expects the first file to be empty or gone and the second to be whole, removes both; exit
//	                       code 0 if so, else 1 with the reason on standard error
const ProgramProbe = "disk-probe"

func init() { reexec.Register(ProgramProbe, probe) }

// Names of the probe's files.
const (
	probeUnsynced = "waybill-probe-unsynced"
	probeSynced   = "waybill-probe-synced"
)

func probe(args []string) int {
	if len(args) != 2 || args[0] != "write" && args[0] != "check" {
		fmt.Fprintf(os.Stderr, "disk: disk-probe: expected write or check, and a folder, got %q\n", args)
		return 3
	}
	do := probeWrite
	if args[0] == "check" {
		do = probeCheck
	}
	if err := do(args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "disk: disk-probe: %v\n", err)
		return 1
	}
	return 0
}

// probeData is more pages than a torn disk keeps by chance.
func probeData() []byte { return bytes.Repeat([]byte("waybill "), 32<<10) }

func probeWrite(dir string) error {
	for _, name := range []string{probeUnsynced, probeSynced} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.Write(probeData()); err != nil {
			return err
		}
		if name == probeSynced {
			if err := f.Sync(); err != nil {
				return err
			}
		}
	}
	// strict disks forget even a synced file whose name is not.
	if err := syncFolder(dir); err != nil {
		return err
	}
	if _, err := fmt.Println("written"); err != nil {
		return err
	}
	killed := make(chan os.Signal, 1)
	signal.Notify(killed, unix.SIGTERM)
	<-killed
	return nil
}

func probeCheck(dir string) error {
	synced, err := os.ReadFile(filepath.Join(dir, probeSynced))
	if err != nil {
		return err
	}
	if !bytes.Equal(synced, probeData()) {
		return fmt.Errorf("a synced file lost something: %d bytes of %d are there", len(synced), len(probeData()))
	}
	unsynced, err := os.ReadFile(filepath.Join(dir, probeUnsynced))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if bytes.Equal(unsynced, probeData()) {
		return fmt.Errorf("a file that was never synced survived the loss of power: this disk forgets nothing")
	}
	for _, name := range []string{probeSynced, probeUnsynced} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return syncFolder(dir)
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
