package maven

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"waybill/targets"
	"waybill/targets/provision"
)

// Set is jars that belong together.
type Set struct {
	Name string   // for people: "kafka 4.1.2"
	Size string   // for people, of all that is fetched: "55 MB"
	POM  string   // project file whose dependencies they are
	Args []string // for Maven: "-Dkafka.version=4.1.2"
	Made []string // patterns of what is made from the jars in the same folder, and goes when others take their place
}

// ErrNoArtifact is wrapped where Maven says that there is no such release as one of those asked for. The error names it.
var ErrNoArtifact = errors.New("no such release is found by Maven")

// Find looks for Maven in MAVEN_HOME, then in PATH. The error wraps targets.ErrMissing.
func Find() (string, error) {
	if home := os.Getenv("MAVEN_HOME"); home != "" {
		if path, err := exec.LookPath(filepath.Join(home, "bin", "mvn")); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("maven: there is no mvn in PATH: %w (on Debian and Ubuntu: apt-get install maven; or `make deps`)", targets.ErrMissing)
	}
	return path, nil
}

// Complete fetches the jars of a set into a folder that exists, unless they are all there and whole. What Maven has downloaded it keeps in its
// own repository, so that a fetch that was interrupted goes on where it was. Of two calls at once for a folder one must wait: provision.Lock.
func (s Set) Complete(ctx context.Context, f Folder, log func(string, ...any)) error {
	why := f.Whole()
	if why == nil {
		return nil
	}
	if !errors.Is(why, fs.ErrNotExist) {
		log("%v: fetching the jars again", why)
	} else {
		log("%s: fetching the jars (about %s, once)", s.Name, s.Size)
	}
	began := time.Now()
	work, err := os.MkdirTemp(f.Dir, ".fetch-")
	if err != nil {
		return fmt.Errorf("maven: cache: %w", err)
	}
	defer os.RemoveAll(work)
	fetched := filepath.Join(work, "libs")
	if err := s.fetch(ctx, work, fetched, log); err != nil {
		return err
	}
	if err := f.install(fetched, s.Made); err != nil {
		return err
	}
	log("%s: fetched in %v", s.Name, time.Since(began).Round(100*time.Millisecond))
	return nil
}

// fetch lets Maven resolve the jars and copy them into the folder to.
func (s Set) fetch(ctx context.Context, work, to string, log func(string, ...any)) error {
	mvn, err := Find()
	if err != nil {
		return err
	}
	file := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(file, []byte(s.POM), 0o644); err != nil {
		return fmt.Errorf("maven: %w", err)
	}
	args := append([]string{"--batch-mode", "--file", file, "-DoutputDirectory=" + to}, s.Args...)
	files, told, said := 0, 0, time.Now()
	c, err := provision.Start(ctx, "", mvn, append(args, "dependency:copy-dependencies"), nil, func(line string) {
		if strings.Contains(line, "Downloaded ") {
			files++
		}
		if files > told && time.Since(said) > 2*time.Second {
			told, said = files, time.Now()
			log("%s: %d files fetched", s.Name, files)
		}
	})
	if err != nil {
		return fmt.Errorf("maven: %w", err)
	}
	<-c.Done()
	if ctx.Err() != nil {
		return fmt.Errorf("maven: fetching %s: %w; another call goes on from here", s.Name, ctx.Err())
	}
	if c.Err() != nil {
		return refused(s.Name, c.Words(), c.Err())
	}
	return nil
}

var noArtifact = regexp.MustCompile(`Could not find artifact (\S+)`)

// refused says what is wrong in words for a user, as far as Maven's output tells.
func refused(name, output string, err error) error {
	if m := noArtifact.FindStringSubmatch(output); m != nil {
		return fmt.Errorf("maven: %w: %s", ErrNoArtifact, m[1])
	}
	var errs []string
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "[ERROR]") && len(errs) < 3 {
			errs = append(errs, strings.TrimSpace(strings.TrimPrefix(line, "[ERROR]")))
		}
	}
	return fmt.Errorf("maven: could not fetch %s (%w); is there a network? Another call goes on from here. Maven said: %s", name, err, strings.Join(errs, " "))
}
