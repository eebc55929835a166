// Package pgtest says how to start a real PostgreSQL for tests: its programs, their arguments and its files.
//
// It starts nothing itself, since a test may want the server on a lab's host or on the machine, and it knows no ledger.
package pgtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Missing is what a machine lacks where Find finds nothing.
const Missing = "PostgreSQL (initdb and postgres, of Debian's package postgresql)"

// User is a uid that every Debian and Ubuntu has a name for. PostgreSQL refuses to run as uid 0, or as a uid without a name.
const User = 1

// Find is the folder of the newest server's programs on this machine.
func Find() (folder string, ok bool) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // Debian's place, outside of PATH
	if err != nil {
		return "", false
	}
	newest := 0
	for _, f := range found {
		dir := filepath.Dir(f)
		if version, err := strconv.Atoi(filepath.Base(filepath.Dir(dir))); err == nil && version > newest {
			folder, newest = dir, version
		}
	}
	if folder == "" {
		if path, err := exec.LookPath("postgres"); err == nil {
			folder = filepath.Dir(path)
		}
	}
	return folder, folder != ""
}

// Server is a PostgreSQL that has one database, postgres, and lets one user in, with a password, over TCP.
type Server struct {
	Programs string // as Find says
	Dir      string // its files are made here
	Port     int
	User     string
	Password string
}

// Init writes the files that the two commands need, and returns the one that makes the database.
func (s Server) Init() (path string, args []string, err error) {
	for name, text := range map[string]string{"password": s.Password + "\n", "hba": "host all all all scram-sha-256\n"} {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o600); err != nil {
			return "", nil, fmt.Errorf("pgtest: %w", err)
		}
	}
	return filepath.Join(s.Programs, "initdb"), []string{"--pgdata=" + s.data(), "--username=" + s.User, "--pwfile=" + filepath.Join(s.Dir, "password"),
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"}, nil
}

// Serve is the command that serves the database, on all addresses, until it is ended. It starts again after any end.
func (s Server) Serve() (path string, args []string) {
	return filepath.Join(s.Programs, "postgres"), []string{"-D", s.data(), "-c", "listen_addresses=*", "-c", "port=" + strconv.Itoa(s.Port),
		"-c", "unix_socket_directories=", "-c", "hba_file=" + filepath.Join(s.Dir, "hba"), "-c", "shared_buffers=16MB", "-c", "max_connections=40"}
}

// Forget removes the note of which process serves, after that process was killed together with its host: the number may
// be another process's on the restarted one, and the server would take that for a server.
func (s Server) Forget() error {
	if err := os.Remove(filepath.Join(s.data(), "postmaster.pid")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("pgtest: %w", err)
	}
	return nil
}

// URL is how clients reach it at host.
func (s Server) URL(host string) string {
	return fmt.Sprintf("postgres://%s:%s@%s:%d/postgres", s.User, s.Password, host, s.Port)
}

func (s Server) data() string { return filepath.Join(s.Dir, "data") }
