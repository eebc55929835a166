package disk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"waybill/harness/reexec"
)

// programServer is the file system's process. It is not the controller's, which must never wait for a disk that waits
// for the controller.
const programServer = "disk-server"

func init() { reexec.Register(programServer, runServer) }

// detachLimit is how long a killed host's mount may take to end; the kernel ends it soon after the last process.
const detachLimit = 30 * time.Second

// server holds the disks. Its methods may be called from any goroutine.
type server struct {
	gate     gate
	memory   *memory
	patience time.Duration // with a mount that should end

	mu      sync.Mutex
	volumes map[string]*volume
	mounts  map[string]*mount // the last one of each
}

func newServer() *server {
	return &server{memory: newMemory(memoryLimit), patience: detachLimit, volumes: map[string]*volume{}, mounts: map[string]*mount{}}
}

// runServer is the program: it answers until nobody can ask any more.
func runServer([]string) int {
	requests, replies := reexec.Inherited(fileRequests), reexec.Inherited(fileReplies)
	if requests == nil || replies == nil {
		fmt.Fprintln(os.Stderr, "disk: disk-server is started by disk.Start only")
		return 4
	}
	conn, err := net.FileConn(requests)
	if err != nil {
		fmt.Fprintf(os.Stderr, "disk: control socket: %v\n", err)
		return 4
	}
	requests.Close()
	unix.Umask(0) // the kernel has applied that of whoever creates
	s := newServer()
	var mu sync.Mutex
	say := json.NewEncoder(replies)
	for {
		r, fd, err := receiveRequest(conn.(*net.UnixConn))
		if err != nil {
			return 0 // whoever started this has ended; with this process the mounts end
		}
		go func() {
			answer := s.handle(r, fd)
			mu.Lock()
			defer mu.Unlock()
			_ = say.Encode(answer) // without a reader nobody needs it, and the loop above ends
		}()
	}
}

func (s *server) handle(r request, fd int) reply {
	answer := reply{ID: r.ID}
	var err error
	switch {
	case r.Serve != nil:
		err = s.serve(*r.Serve, fd)
	case r.Plug != nil:
		err = s.plug(r.Plug)
	case r.Forget != nil:
		answer.Losses, err = s.forget(r.Forget)
	case r.Sync != nil:
		err = s.sync(r.Sync)
	}
	if err != nil {
		answer.Error = err.Error()
	}
	return answer
}

func (s *server) serve(r serveRequest, dev int) error {
	if dev < 0 {
		return fmt.Errorf("disk: %s: expected a mounted /dev/fuse with the request", r.Name)
	}
	v, err := s.volume(r)
	if err == nil {
		err = s.detached(r.Name)
	}
	if err != nil {
		unix.Close(dev)
		return err
	}
	m, err := serve(v, dev)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.mounts[r.Name] = m
	s.mu.Unlock()
	return nil
}

// volume is the disk of that name, made at the first request for it.
func (s *server) volume(r serveRequest) (*volume, error) {
	model, err := ParseModel(r.Model)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.volumes[r.Name]
	if v == nil {
		if v, err = newVolume(r.Name, r.Backing, model, r.Seed, &s.gate, s.memory); err != nil {
			return nil, err
		}
		s.volumes[r.Name] = v
		if model.kind == writeback {
			go v.writeBackForever()
		}
	}
	if v.backing != r.Backing || v.model != model {
		return nil, fmt.Errorf("disk: %s: it is %s with model %v: it cannot become %s with model %v", r.Name, v.backing, v.model, r.Backing, model)
	}
	return v, nil
}

// detached waits until a disk is not mounted any more.
func (s *server) detached(name string) error {
	s.mu.Lock()
	m := s.mounts[name]
	s.mu.Unlock()
	if m == nil {
		return nil
	}
	limit := time.NewTimer(s.patience)
	defer limit.Stop()
	select {
	case <-m.ended:
		return nil
	case <-limit.C:
		return fmt.Errorf("disk: %s: it is still mounted after %v: kill its host first", name, s.patience)
	}
}

func (s *server) named(names []string) ([]*volume, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make([]*volume, len(names))
	for i, name := range names {
		if found[i] = s.volumes[name]; found[i] == nil {
			return nil, fmt.Errorf("disk: no disk %q: Serve it first", name)
		}
	}
	return found, nil
}

func (s *server) plug(names []string) error {
	volumes, err := s.named(names)
	if err != nil {
		return err
	}
	s.gate.Lock()
	defer s.gate.Unlock()
	now := time.Now()
	for _, v := range volumes {
		v.supply.unplug(now)
	}
	return nil
}

func (s *server) forget(names []string) (losses []Loss, err error) {
	volumes, err := s.named(names)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, v := range volumes {
		if err := s.detached(v.name); err != nil {
			errs = append(errs, err)
			continue
		}
		loss, err := v.forget()
		losses, errs = append(losses, loss), append(errs, err)
	}
	return losses, errors.Join(errs...)
}

func (s *server) sync(names []string) error {
	volumes, err := s.named(names)
	if err != nil {
		return err
	}
	var errs []error
	for _, v := range volumes {
		errs = append(errs, v.sync())
	}
	return errors.Join(errs...)
}
