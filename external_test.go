package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"waybill/harness/experiment"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
	"waybill/results"
	"waybill/workloads/pgtest"
)

// Credentials of what somebody else runs, which must never be written down.
const (
	clusterUser    = "auditor"
	clusterSecret  = "s3cret-of-the-cluster"
	databaseSecret = "s3cret-of-the-database"
	oldSecret      = "s3cret-of-the-experiment-file" // which the environment's wins over
)

// background starts a process that ends with the test.
func background(t *testing.T, c *exec.Cmd) {
	t.Helper()
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		if t.Failed() {
			t.Logf("%s: %s", c.Args, tailOf(stderr.String()))
		}
	})
}

func tailOf(s string) string { return s[max(0, len(s)-2000):] }

// freePorts are ports of this machine that nobody listens on.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// eventually tries until it works, for half a minute.
func eventually(t *testing.T, what string, try func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for {
		once, done := context.WithTimeout(ctx, 2*time.Second) // a question asked too early may never be answered
		err := try(once)
		done()
		if err == nil {
			return
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// startNATS starts three servers on this machine's loopback, as a user of Waybill might have them, and returns their addresses.
func startNATS(t *testing.T) []string {
	t.Helper()
	ports := freePorts(t, 6)
	var routes, addrs []string
	for _, p := range ports[3:] {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", p))
	}
	for i := range 3 {
		dir := t.TempDir()
		config := filepath.Join(dir, "server.conf")
		text := fmt.Sprintf(`server_name: "theirs-%d"
listen: "127.0.0.1:%d"
authorization { user: %q, password: %q }
cluster { name: "theirs", listen: "127.0.0.1:%d", routes: [ %s ] }
jetstream { store_dir: %q, max_file_store: 1073741824 }
`, i+1, ports[i], clusterUser, clusterSecret, ports[3+i], strings.Join(routes, ", "), filepath.Join(dir, "store"))
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		background(t, reexec.Command("nats-server", config))
		addrs = append(addrs, fmt.Sprintf("127.0.0.1:%d", ports[i]))
	}
	return addrs
}

// streams are the names of the streams on the cluster, once it serves.
func streams(t *testing.T, addr string) []string {
	t.Helper()
	var names []string
	eventually(t, "the cluster does not serve", func(ctx context.Context) error {
		nc, err := natsgo.Connect(addr, natsgo.UserInfo(clusterUser, clusterSecret))
		if err != nil {
			return err
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			return err
		}
		if _, err := js.AccountInfo(ctx); err != nil {
			return err
		}
		names = nil
		l := js.StreamNames(ctx)
		for n := range l.Name() {
			names = append(names, n)
		}
		return l.Err()
	})
	return names
}

// startPostgres starts a database on this machine's loopback and returns its URL, with the password, and its server.
func startPostgres(t *testing.T) string {
	t.Helper()
	programs, ok := pgtest.Find()
	labtest.Need(t, pgtest.Missing, ok)
	s := pgtest.Server{Programs: programs, Dir: t.TempDir(), Port: freePorts(t, 1)[0], User: "waybill", Password: databaseSecret}
	path, args, err := s.Init()
	if err != nil {
		t.Fatal(err)
	}
	// PostgreSQL refuses uid 0: in a user namespace of its own it is another, and its files are still this user's.
	other := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: pgtest.User, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: pgtest.User, HostID: os.Getgid(), Size: 1}}}
	initdb := exec.Command(path, args...)
	initdb.SysProcAttr = other
	if b, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, b)
	}
	path, args = s.Serve()
	serve := exec.Command(path, args...)
	serve.SysProcAttr = other
	background(t, serve)
	url := s.URL("127.0.0.1")
	tables(t, url)
	return url
}

// tables are the names of the tables in the database, once it serves.
func tables(t *testing.T, url string) []string {
	t.Helper()
	var names []string
	eventually(t, "the database does not serve", func(ctx context.Context) error {
		c, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer c.Close(ctx)
		rows, err := c.Query(ctx, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return names
}

// Somebody else's cluster and database: clients are killed and lose single confirmations, brokers are let alone, and neither secrets nor queues are left.
func TestAClusterThatSomebodyElseRunsIsAuditedAndLeftAsItWas(t *testing.T) {
	labtest.Hold(t)
	url, addrs, out := startPostgres(t), startNATS(t), t.TempDir()
	if s := streams(t, addrs[0]); len(s) != 0 {
		t.Fatalf("streams before: %v", s)
	}
	file := filepath.Join(t.TempDir(), "external.yaml")
	if err := os.WriteFile(file, []byte("access: {user: nobody, password: "+oldSecret+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := waybill("external", "test", file, "--cluster", "external", "--brokers", strings.Join(addrs, ","), "--ledger", url,
		"--mode", "jetstream-ledger", "--fault", "kill-consumer,drop-confirms", "--seed", "5", "--out", out)
	c.Env = append(c.Env, experiment.EnvUser+"="+clusterUser, experiment.EnvPassword+"="+clusterSecret)
	began := time.Now()
	b, err := c.CombinedOutput()
	t.Logf("the run took %v", time.Since(began).Round(time.Second))
	if err != nil {
		t.Fatalf("exit %s, want 0\n%s", exitCode(err), b)
	}
	for _, want := range []string{"kill-consumer", "drop-confirms", "jetstream-ledger", "kept", "exit code 0"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("the output lacks %q\n%s", want, b)
		}
	}
	if s := streams(t, addrs[0]); len(s) != 0 {
		t.Errorf("streams are left: %v", s)
	}
	if x := tables(t, url); len(x) != 0 {
		t.Errorf("tables are left: %v", x)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "waybill-*", "relay")); len(left) != 0 {
		t.Errorf("sockets are left: %v", left)
	}
	d := runDir(t, out)
	noSecretBelow(t, d, 8, b)
	e, err := os.ReadFile(filepath.Join(d, "experiment.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cluster: external", addrs[2], "postgres://waybill@127.0.0.1:", "version: " + server.VERSION} {
		if !bytes.Contains(e, []byte(want)) {
			t.Errorf("experiment.yaml lacks %q\n%s", want, e)
		}
	}
	m, err := results.Dir(d).LoadManifest()
	if err != nil || m.Version != server.VERSION || m.Facts["nats"] != server.VERSION {
		t.Errorf("the manifest says version %q, %v; %v: want what the servers report", m.Version, m.Facts, err)
	}
}

// noSecretBelow greps a whole run directory, and what was printed, for passwords.
func noSecretBelow(t *testing.T, dir string, least int, printed []byte) {
	t.Helper()
	files := 0
	look := func(where string, b []byte) {
		for _, secret := range []string{clusterSecret, databaseSecret, oldSecret} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds the password %s", where, secret)
			}
		}
	}
	look("the output", printed)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		look(path, b)
		return err
	})
	if err != nil || files < least {
		t.Errorf("%d files looked at, want at least %d; %v", files, least, err)
	}
}

// A run that cannot begin tells why, without the secrets, and no verdict is printed of what never was.
func TestWhatCannotBeReachedIsSaidWithoutPasswords(t *testing.T) {
	labtest.Hold(t)
	gone := fmt.Sprintf("127.0.0.1:%d", freePorts(t, 1)[0])
	for _, c := range []struct {
		claim string
		args  []string
		want  string
		files int // in the run directory; 0: there is none
	}{
		{"a cluster that is not there", []string{"--cluster", "external", "--brokers", gone}, "cannot reach " + gone + ": connection refused", 0},
		{"a database that is not there", []string{"--ledger", fmt.Sprintf("postgres://waybill:%s@%s/x", databaseSecret, gone)}, "ledger", 4},
	} {
		t.Run(c.claim, func(t *testing.T) {
			out := t.TempDir()
			cmd := waybill("unreachable", append([]string{"test", "--mode", "jetstream-ledger", "--fault", "none", "--out", out}, c.args...)...)
			cmd.Env = append(cmd.Env, experiment.EnvUser+"="+clusterUser, experiment.EnvPassword+"="+clusterSecret)
			began := time.Now()
			b, err := cmd.CombinedOutput()
			if err == nil || exitCode(err) != "4" || !bytes.Contains(b, []byte(c.want)) || bytes.Contains(b, []byte("exit code")) {
				t.Errorf("exit %v, want 4 and %q, and no verdict\n%s", err, c.want, b)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %v", took)
			}
			if c.files > 0 {
				noSecretBelow(t, runDir(t, out), c.files, b)
			} else if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
				t.Errorf("%v, %v: want no run directory", left, err)
			}
		})
	}
}
