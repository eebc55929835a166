package nats

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"waybill/targets"
	"waybill/targets/provision"
)

// The tool is built by a module of its own, so that none of what it needs is among what this one needs.
var (
	//go:embed natscli/go.mod.txt
	toolModule string
	//go:embed natscli/go.sum.txt
	toolSums string
)

const (
	toolPackage = "github.com/nats-io/natscli/nats"
	toolProgram = "nats"
)

// toolVersion is that of the module file.
var toolVersion = toolVersionIn(toolModule)

func toolVersionIn(module string) string {
	m := regexp.MustCompile(`github\.com/nats-io/natscli v(\S+)`).FindStringSubmatch(module)
	if m == nil {
		panic("nats: the tool's module file does not name its version")
	}
	return m[1]
}

// ProvisionTool implements targets.Rival. With the program in the cache it needs neither Go nor a network. Two calls at once follow one
// another; what Go fetched and compiled before an interruption it finds again.
func (target) ProvisionTool(ctx context.Context, p targets.Provisioning) (targets.Tool, error) {
	log := p.Log
	if log == nil {
		log = func(string, ...any) {}
	}
	sum := sha256.Sum256([]byte(toolModule + toolSums))
	t := targets.Tool{Name: "nats bench", Version: toolVersion, Whole: true, Dir: filepath.Join(p.Cache, "natscli-"+toolVersion+"-"+hex.EncodeToString(sum[:4]))}
	unlock, err := provision.Lock(ctx, p.Cache)
	if err != nil {
		return t, fmt.Errorf("nats: %w", err)
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(t.Dir, toolProgram)); err == nil {
		return t, nil
	}
	return t, buildTool(ctx, t.Dir, log)
}

// buildTool leaves the program in dir, as a whole or not at all.
func buildTool(ctx context.Context, dir string, log func(string, ...any)) error {
	compiler, err := exec.LookPath("go")
	if err != nil {
		return fmt.Errorf("nats: nats bench is built from source, and there is no go in PATH: %w (install Go, of the version that go.mod names or newer)", targets.ErrMissing)
	}
	log("nats: building natscli %s (a minute, once)", toolVersion)
	began := time.Now()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("nats: cache: %w", err)
	}
	work, err := os.MkdirTemp(dir, ".build-")
	if err != nil {
		return fmt.Errorf("nats: cache: %w", err)
	}
	defer os.RemoveAll(work)
	for name, text := range map[string]string{"go.mod": toolModule, "go.sum": toolSums} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("nats: cache: %w", err)
		}
	}
	// Whoever runs this may be inside a workspace, or have flags for another build.
	env := []string{"GOWORK=off", "GOFLAGS=-mod=readonly", "CGO_ENABLED=0", "GOOS=", "GOARCH="}
	c, err := provision.Start(ctx, work, compiler, []string{"build", "-trimpath", "-o", toolProgram, toolPackage}, env, nil)
	if err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	switch err := c.Err(); {
	case ctx.Err() != nil:
		return fmt.Errorf("nats: building natscli: %w; another call goes on from here", ctx.Err())
	case err != nil:
		return fmt.Errorf("nats: building natscli %s: %w; is there a network? Another call goes on from here. Go said: %s", toolVersion, err, lastLine(c.Words()))
	}
	if err := os.Rename(filepath.Join(work, toolProgram), filepath.Join(dir, toolProgram)); err != nil {
		return fmt.Errorf("nats: cache: %w", errors.Join(err, ctx.Err()))
	}
	log("nats: natscli built in %v", time.Since(began).Round(100*time.Millisecond))
	return nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
