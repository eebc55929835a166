package kafka

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"waybill/targets"
	"waybill/targets/maven"
	"waybill/targets/provision"
)

// train prepares what every start of this version needs, once: a storage folder formatted by the product's own tool, and
// an archive of the classes that a node loads. For the archive a single node is run on loopback for some seconds. Without
// an archive a start takes longer, and nothing else is different: so a failure to make one is told, and no error.
func (p prepared) train(ctx context.Context, j maven.Java, log func(string, ...any)) error {
	_, formatted := os.Stat(p.bootstrapRecords())
	_, archived := os.Stat(p.classes(j))
	if formatted == nil && archived == nil {
		return nil
	}
	work, err := os.MkdirTemp(p.Dir, ".train-")
	if err != nil {
		return fmt.Errorf("kafka: cache: %w", err)
	}
	defer os.RemoveAll(work)
	l, err := launchFrom(ctx, p)
	if err != nil {
		return err
	}
	if formatted != nil {
		if err := p.formatByTool(ctx, l, filepath.Join(work, "format")); err != nil {
			return err
		}
	}
	if archived == nil {
		return nil
	}
	log("kafka: running one node for some seconds, to shorten later starts (once for Java %s)", j.Version)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := p.archive(ctx, l, filepath.Join(work, "node")); err != nil {
		log("kafka: later starts take longer than they could: %v", err)
	}
	return nil
}

// formatByTool lets the version's own tool format a storage folder, and keeps what it wrote.
func (p prepared) formatByTool(ctx context.Context, l *launch, dir string) error {
	s := server{id: 1, roles: []string{roleBroker, roleController}, host: loopback, client: clientPort, dir: dir, copies: 1,
		voters: []voter{{id: 1, host: loopback, port: controllerPort}}}
	if err := s.write(); err != nil {
		return err
	}
	args := append(s.jvm(), "kafka.tools.StorageTool", "format", "--cluster-id", newID(), "--config", s.propertiesFile())
	c, err := provision.Start(ctx, "", l.java.Path, args, []string{"CLASSPATH=" + l.classPath}, nil)
	if err != nil {
		return fmt.Errorf("kafka: format storage: %w", err)
	}
	if c.Err() != nil {
		return fmt.Errorf("kafka: format storage: %s", c.Why())
	}
	for _, name := range []string{metaProperties, bootstrapRecords} {
		if _, err := os.Stat(filepath.Join(s.data(), name)); err != nil {
			return fmt.Errorf("kafka: format storage: the tool left no %s: %w; it said: %s", name, err, c.Words())
		}
	}
	if err := os.RemoveAll(p.format()); err != nil {
		return fmt.Errorf("kafka: cache: %w", err)
	}
	if err := os.Rename(s.data(), p.format()); err != nil {
		return fmt.Errorf("kafka: cache: %w", err)
	}
	return nil
}

const loopback = "127.0.0.1"

// archive runs one node, makes it load what a node loads, and lets the JVM archive that when it ends.
func (p prepared) archive(ctx context.Context, l *launch, dir string) error {
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	made := filepath.Join(p.Dir, ".classes.part")
	defer os.Remove(made)
	dump := *l
	dump.archive = []string{"-XX:ArchiveClassesAtExit=" + made, "-Xlog:cds=off", "-Xlog:cds+dynamic=off"}
	var run *provision.Child
	m := machine{name: "n1", host: loopback, client: ports[0], controller: ports[1], dir: dir,
		start: func(_ context.Context, path string, args, env []string) (process, error) {
			c, err := provision.Start(ctx, "", path, args, env, nil)
			if err != nil {
				return nil, err
			}
			run = c
			return c, nil
		}}
	c, err := start(ctx, p, &dump, plan{brokers: []machine{m}}, nil)
	if run != nil {
		defer run.End(30 * time.Second)
	}
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.CreateQueue(ctx, targets.Queue{Name: "training", Mode: modes()[0].Name}); err != nil {
		return err
	}
	run.End(30 * time.Second)
	if err := os.Rename(made, p.classes(l.java)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("kafka: the JVM wrote no archive of classes: %s", run.Why())
		}
		return fmt.Errorf("kafka: cache: %w", err)
	}
	return nil
}

// freePorts are ports that nobody listens on now.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", loopback+":0")
		if err != nil {
			return nil, fmt.Errorf("kafka: a free port: %w", err)
		}
		defer l.Close() // all are held until the last is found, so that no two are the same
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
