package results

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ManifestSchema is the version of manifest.json. It grows when a field changes its meaning.
const ManifestSchema = 1

// Manifest says under which circumstances a run was made: what a reader needs to repeat it or to doubt it.
type Manifest struct {
	Schema   int               `json:"schema"`
	Waybill  string            `json:"waybill"` // version of the module
	Go       string            `json:"go"`
	Revision string            `json:"revision,omitempty"` // of git, when built from a checkout
	Modified bool              `json:"modified,omitempty"` // the checkout had uncommitted changes
	Modules  map[string]string `json:"modules,omitempty"`  // linked libraries, brokers and clients among them
	Target   string            `json:"target"`
	Version  string            `json:"version,omitempty"` // of the target
	Facts    map[string]string `json:"facts,omitempty"`   // what the target runs on: "java": "17.0.15"
	Seed     uint64            `json:"seed"`
	Command  []string          `json:"command"` // as given but for passwords, program first
	Host     Host              `json:"host"`
	TCP      map[string]string `json:"tcp,omitempty"` // sysctl below net.ipv4 → value, in the namespace of the caller
	Started  time.Time         `json:"started"`
	Ended    time.Time         `json:"ended,omitzero"` // zero: the run did not come to its end
}

// Host is the machine.
type Host struct {
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	Kernel string `json:"kernel"`
	CPU    string `json:"cpu,omitempty"`
	Cores  int    `json:"cores"`
	Memory uint64 `json:"memory"` // bytes
}

// NewManifest fills in what this process can find out by itself: build, machine, TCP settings. Facts that the system does
// not tell stay empty. The caller adds Target and Version, and Ended when the run has ended.
func NewManifest(seed uint64, command []string, started time.Time) Manifest {
	m := Manifest{
		Schema: ManifestSchema, Waybill: "unknown", Go: runtime.Version(), Modules: map[string]string{},
		Seed: seed, Command: redacted(command), Host: hostFacts(), TCP: TCPSettings(), Started: started.UTC(),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		m.built(info)
	}
	return m
}

// built notes what the linker wrote into the binary.
func (m *Manifest) built(info *debug.BuildInfo) {
	if info.Main.Version != "" {
		m.Waybill = info.Main.Version
	}
	for _, dep := range info.Deps {
		m.Modules[dep.Path] = dep.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			m.Revision = s.Value
		case "vcs.modified":
			m.Modified = s.Value == "true"
		}
	}
}

func hostFacts() Host {
	h := Host{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU()}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		h.Kernel = unix.ByteSliceToString(uts.Release[:])
	}
	var si unix.Sysinfo_t
	if unix.Sysinfo(&si) == nil {
		h.Memory = uint64(si.Totalram) * uint64(si.Unit)
	}
	h.CPU = cpuModel("/proc/cpuinfo")
	return h
}

func cpuModel(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// tcpNames are the settings that decide how soon a connection notices a cut and how soon it resumes after one.
var tcpNames = []string{"tcp_retries2", "tcp_rto_max_ms", "tcp_syn_retries", "tcp_keepalive_time"}

// TCPSettings reads the settings of the network namespace of the caller. Those that the kernel does not have are left out.
func TCPSettings() map[string]string {
	got := map[string]string{}
	for _, n := range tcpNames {
		if b, err := os.ReadFile(filepath.Join("/proc/sys/net/ipv4", n)); err == nil {
			got[n] = strings.TrimSpace(string(b))
		}
	}
	return got
}

// Repeat is the command line that runs the same schedule again: the one given, with the seed made explicit.
func (m Manifest) Repeat() string {
	if len(m.Command) == 0 {
		return "waybill test --target " + quoteArg(m.Target) + " --seed " + strconv.FormatUint(m.Seed, 10)
	}
	words := slices.Clone(m.Command)
	if !slices.ContainsFunc(words[1:], func(a string) bool {
		return a == "--seed" || strings.HasPrefix(a, "--seed=") || a == "--from" || strings.HasPrefix(a, "--from=") // of a history of another tool nothing is drawn
	}) {
		words = append(words, "--seed", strconv.FormatUint(m.Seed, 10))
	}
	return Command(words...)
}

// Command is a line that somebody can type into a POSIX shell, program first.
func Command(words ...string) string {
	if len(words) == 0 {
		return ""
	}
	line := []string{program(words[0])}
	for _, w := range words[1:] {
		line = append(line, quoteArg(w))
	}
	return strings.Join(line, " ")
}

// program is argv[0] as somebody would type it; a temporary binary of `go run` is gone by the time anyone reads this.
func program(argv0 string) string {
	if filepath.IsAbs(argv0) {
		return filepath.Base(argv0)
	}
	return quoteArg(argv0)
}

var plainArg = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quoteArg makes one word of a POSIX shell.
func quoteArg(a string) string {
	if plainArg.MatchString(a) {
		return a
	}
	return "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
}
