package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"waybill/harness/campaign"
	"waybill/results"
	"waybill/results/serve"
	"waybill/results/story"
)

func serveCommand(s screen) *cobra.Command {
	var listen, dir string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Show runs and benchmarks in a browser, those in progress live",
		Long: `Serves pages that list the run directories and benchmarks below a folder with their verdicts, filter
and sort them, open their reports, logs and plots, and tell the story of any message. A run in progress
is shown live, whichever process makes it: rates of each mode, the episode and its fault, and findings
as soon as they are certain. The address of a filtered list can be kept and sent.

It only reads, needs no network, and is meant for this machine: it listens on a loopback address, and
answers only when asked by a name of this machine. Any other address must be given with --listen; then
everybody who reaches it can read every run, and a line says so.

Ctrl-C ends it.

Exit codes: 0 it was ended; 3 bad usage, no such folder, or an address that is taken.`,
		Example: `  waybill serve
  waybill serve --dir /var/tmp/runs --listen 127.0.0.1:9000
  waybill serve --listen 127.0.0.1:0                     a free port: the line that it prints says which
  waybill serve --listen 192.0.2.7:8383                  for other machines too`,
		Args: cobra.NoArgs,
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8383", "address to listen on, HOST:PORT; port 0: one that is free")
	c.Flags().StringVar(&dir, "dir", "results/runs", "folder that run directories are in")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return serveRuns(ctx, s, listen, dir)
	}
	return c
}

// serveRuns serves until ctx ends.
func serveRuns(ctx context.Context, s screen, listen, dir string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("--listen %q: want HOST:PORT, such as 127.0.0.1:8383", listen)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is taken: end what listens there, or choose another port with --listen; 127.0.0.1:0 takes one that is free", listen)
	}
	if err != nil {
		return fmt.Errorf("--listen %s: %w", listen, err)
	}
	defer l.Close()
	o := serve.Options{Dir: dir, Auditor: auditor{}}
	if at, ok := l.Addr().(*net.TCPAddr); ok && at.IP.IsLoopback() {
		o.Hosts = []string{strings.ToLower(host)}
	} else {
		fmt.Fprintf(s.err, "waybill: %s is no loopback address: everybody who reaches it can read every run, without a password\n", l.Addr())
	}
	pages, err := serve.New(o)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no folder %s: make a run first (waybill test), or name another with --dir", dir)
	}
	if err != nil {
		return err
	}
	defer pages.Close() // only read from
	server := &http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	fmt.Fprintf(s.out, "http://%s/\n", l.Addr())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		server.Close() // pages in progress are of no use to anyone
		<-ended
		return nil
	}
}

// auditor answers what the pages ask of an audit.
type auditor struct{}

func (auditor) Story(ctx context.Context, d results.Dir, token string) (story.Story, error) {
	x, err := campaign.Explain(ctx, d)
	if err != nil {
		return story.Story{}, err
	}
	told, err := x.Token(ctx, token)
	if errors.Is(err, campaign.ErrAsked) {
		return told, fmt.Errorf("%w: %w", serve.ErrAsked, err)
	}
	return told, err
}

func (auditor) Follow(ctx context.Context, d results.Dir, found func(serve.Found), warn func(string)) error {
	return campaign.Follow(ctx, d, func(c campaign.Certain) { found(serve.Found(c)) }, warn)
}
