package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"waybill/harness/reexec"
)

// ErrOutside is returned by Open in a process that is not the program of a lab.
var ErrOutside = errors.New("lab: not inside a lab: Open is for the program that Enter started, once")

// Control is the file given as Spec.Control to the program of a lab, or one end of the socketpair given to a
// process by Proc.Control. It is nil if none was, and the same file at every call.
func Control() *os.File { return reexec.Inherited(fileControl) }

// Lab is the data centre seen from inside. Its methods may be called from any goroutine.
type Lab struct {
	dir         string
	hosts       string // the file that every host sees as /etc/hosts
	fastHeal    bool
	hostNetwork bool

	mu     sync.Mutex // guards what follows, and is held over every change of the network
	byName map[string]*Host
	byRank []*Host // in the order of AddHost
	cuts   map[pair]int
	closed bool
}

// Open sets the lab up (loopback, bridge). Called once, by the program that Enter started.
func Open() (*Lab, error) {
	spec := reexec.Inherited(fileSpec)
	if spec == nil {
		return nil, ErrOutside
	}
	var in inside
	if err := json.NewDecoder(spec).Decode(&in); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrOutside, err)
	}
	if !in.HostNetwork {
		if err := setUpNetwork(in.FastHeal); err != nil {
			return nil, err
		}
	}
	l := &Lab{
		dir: in.Dir, hosts: filepath.Join(in.Dir, "etc-hosts"), fastHeal: in.FastHeal, hostNetwork: in.HostNetwork,
		byName: map[string]*Host{}, cuts: map[pair]int{},
	}
	lines := fmt.Appendf(nil, "127.0.0.1\tlocalhost\n%s\t%s\n", bridgeAddr, bridgeName)
	if in.HostNetwork {
		lines = machineHosts()
	}
	if err := os.WriteFile(l.hosts, lines, 0o644); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	return l, nil
}

// setUpNetwork makes the network namespace that the lab was born with one that hosts can be plugged into.
func setUpNetwork(fastHeal bool) error {
	if err := apply(settings(fastHeal)); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("lab: loopback: %w", err)
	}
	return addBridge()
}

// machineHosts are the names that the machine knows by file, which hosts on its network know too.
func machineHosts() []byte {
	lines, err := os.ReadFile("/etc/hosts")
	if err != nil {
		return []byte("127.0.0.1\tlocalhost\n") // a machine without the file knows none
	}
	return append(lines, '\n')
}

// Dir is Spec.Dir, absolute.
func (l *Lab) Dir() string { return l.dir }

// hostname is what a name must look like to be a folder, a host name and a label of a domain name at once.
var hostname = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// AddHost makes a host and brings it up. All hosts, earlier ones too, resolve its name from then on. A host that does
// not come up keeps its name, and is found by Host, down.
func (l *Lab) AddHost(ctx context.Context, name string) (*Host, error) {
	if !hostname.MatchString(name) {
		return nil, fmt.Errorf("lab: %q is no name for a host: expected lower-case letters, digits and inner hyphens, at most 63", name)
	}
	h, err := l.register(name)
	if err != nil {
		return nil, err
	}
	if err := h.Restart(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

// register gives a new host its rank, and from that its address; neither is ever given to another host.
func (l *Lab) register(name string) (*Host, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errors.New("lab: closed")
	}
	if _, twice := l.byName[name]; twice {
		return nil, fmt.Errorf("lab: there is a host %q already", name)
	}
	rank := len(l.byRank) + 1
	if rank > maxHosts {
		return nil, fmt.Errorf("lab: more than %d hosts", maxHosts)
	}
	h := &Host{lab: l, name: name, rank: rank, addr: l.hostAddr(rank), dir: filepath.Join(l.dir, "hosts", name)}
	if err := os.MkdirAll(h.dir, 0o755); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	// Hosts hold this very file mounted, so it must keep its inode: a line is appended, in one write.
	f, err := os.OpenFile(l.hosts, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	_, err = fmt.Fprintf(f, "%s\t%s\n", h.addr, name)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	if !l.hostNetwork {
		if err := introduceToBridge(h); err != nil {
			return nil, err
		}
	}
	l.byRank = append(l.byRank, h)
	l.byName[name] = h
	return h, nil
}

// Host is the host called name.
func (l *Lab) Host(name string) (*Host, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, ok := l.byName[name]
	return h, ok
}

// lookup is Host with an error that says which hosts there are. The caller holds l.mu.
func (l *Lab) lookup(name string) (*Host, error) {
	if h, ok := l.byName[name]; ok {
		return h, nil
	}
	names := make([]string, 0, len(l.byRank))
	for _, h := range l.byRank {
		names = append(names, h.name)
	}
	return nil, fmt.Errorf("lab: no host %q: there are %q", name, names)
}

// Addr is the address of the program inside, which holds the bridge. It is on no host and never cut off. With
// Spec.HostNetwork it is 127.0.0.1.
func (l *Lab) Addr() netip.Addr {
	if l.hostNetwork {
		return loopback
	}
	return bridgeAddr
}

func (l *Lab) hostAddr(rank int) netip.Addr {
	if l.hostNetwork {
		return loopback
	}
	return hostAddr(rank)
}

// Close ends every host and everything on them. The lab itself ends with the program that opened it.
func (l *Lab) Close() error {
	l.mu.Lock()
	l.closed = true
	hosts := append([]*Host(nil), l.byRank...)
	l.mu.Unlock()
	var errs []error
	for _, h := range hosts {
		errs = append(errs, h.Kill(context.Background()))
	}
	return errors.Join(errs...)
}
