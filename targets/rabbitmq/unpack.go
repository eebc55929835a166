package rabbitmq

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"waybill/targets"
	"waybill/targets/provision"
)

// contents is what the cache says of packages that are unpacked in it. It is written last.
type contents struct {
	Dir      string            // of the distribution, below root
	Packages map[string]string // version by name
	Sums     map[string]string // SHA-256 by file
}

const contentsFile = "packages.json"

// unpacked provides the distribution that Debian's or Ubuntu's packages hold. The cache is
//
//	debs/            packages, kept so that an interrupted download goes on
//	root/usr/lib     what they hold, renamed here once it is whole
//	packages.json    beside root in it: names, versions, checksums
func unpacked(ctx context.Context, p targets.Provisioning) (targets.Distribution, error) {
	root := filepath.Join(p.Cache, "root")
	if d, err := cached(root); err == nil {
		return d, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	if !hasApt() {
		return targets.Distribution{}, errForeign(errNoApt)
	}
	release, err := provision.Lock(ctx, p.Cache)
	if err != nil {
		return targets.Distribution{}, fmt.Errorf("rabbitmq: %w", err)
	}
	defer release()
	if d, err := cached(root); err == nil { // while this one waited
		return d, nil
	}
	ps, err := resolveOrUpdate(ctx, p.Log)
	if err != nil {
		return targets.Distribution{}, err
	}
	debs := filepath.Join(p.Cache, "debs")
	files, err := download(ctx, debs, ps, p.Log)
	if err != nil {
		return targets.Distribution{}, err
	}
	if err := unpack(ctx, debs, files, ps, root, p.Log); err != nil {
		return targets.Distribution{}, err
	}
	return cached(root)
}

// cached reads what is unpacked already. fs.ErrNotExist is wrapped where nothing is.
func cached(root string) (targets.Distribution, error) {
	text, err := os.ReadFile(filepath.Join(root, contentsFile))
	if err != nil {
		return targets.Distribution{}, fmt.Errorf("rabbitmq: cache: %w", err)
	}
	var c contents
	if err := json.Unmarshal(text, &c); err != nil {
		return targets.Distribution{}, fmt.Errorf("rabbitmq: cache: %s is damaged, remove %s: %w", contentsFile, root, err)
	}
	d, err := distribution(filepath.Join(root, c.Dir))
	if err != nil {
		return d, fmt.Errorf("%w: the cache is damaged, remove %s", err, root)
	}
	d.Dir = "/" + c.Dir
	d.Overlay = map[string]string{"/usr/lib": filepath.Join(root, "usr/lib")}
	d.Facts = map[string]string{"packages": c.list()}
	if v, ok := c.Packages["erlang-base"]; ok {
		d.Facts["erlang"] = v
	}
	return d, nil
}

// list names the packages and their versions.
func (c contents) list() string {
	var s []string
	for name, version := range c.Packages {
		s = append(s, name+"="+version)
	}
	sort.Strings(s)
	return strings.Join(s, " ")
}

// resolveOrUpdate finds the packages. A machine whose index of packages is missing, as a new container's is, gets one where
// that is allowed.
func resolveOrUpdate(ctx context.Context, log func(string, ...any)) ([]aptPackage, error) {
	ps, err := resolve(ctx)
	if err == nil {
		return ps, nil
	}
	if os.Getuid() != 0 {
		return nil, fmt.Errorf("%w: %w: if apt's index of packages is missing, run as root: apt-get update", targets.ErrMissing, err)
	}
	log("rabbitmq: apt does not know %s: apt-get update", serverPackage)
	if _, err := apt(ctx, "", "update"); err != nil {
		return nil, fmt.Errorf("%w: %w", targets.ErrMissing, err)
	}
	if ps, err = resolve(ctx); err != nil {
		return nil, errForeign(err)
	}
	return ps, nil
}

// download fetches the packages that are not there yet, and returns the names of all their files. apt checks what it
// downloads against its signed index and renames a file once it is whole.
func download(ctx context.Context, dir string, ps []aptPackage, log func(string, ...any)) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("rabbitmq: cache: %w", err)
	}
	files, missing, err := archives(dir, ps)
	if err != nil {
		return nil, err
	}
	if len(missing) == 0 {
		return files, nil
	}
	log("rabbitmq: fetching %d of %d packages into the cache; nothing is installed", len(missing), len(ps))
	args := []string{"download"}
	for _, p := range missing {
		args = append(args, p.name+"="+p.version)
	}
	if _, err := apt(ctx, dir, args...); err != nil {
		return nil, fmt.Errorf("%w (if a package is not found, its index is too old: apt-get update, as root)", err)
	}
	if files, missing, err = archives(dir, ps); err == nil && len(missing) > 0 {
		err = fmt.Errorf("rabbitmq: apt-get download left out %v", missing)
	}
	return files, err
}

// archives are the files of packages in dir, and the packages which have none.
func archives(dir string, ps []aptPackage) (files []string, missing []aptPackage, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("rabbitmq: cache: %w", err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for _, p := range ps {
		if f, ok := p.archive(names); ok {
			files = append(files, f)
		} else {
			missing = append(missing, p)
		}
	}
	return files, missing, nil
}

// unpack unpacks files into a new folder, which becomes root once it is whole.
func unpack(ctx context.Context, debs string, files []string, ps []aptPackage, root string, log func(string, ...any)) error {
	log("rabbitmq: unpacking %d packages", len(files))
	part := root + ".part"
	if err := errors.Join(os.RemoveAll(part), os.Mkdir(part, 0o755)); err != nil {
		return fmt.Errorf("rabbitmq: cache: %w", err)
	}
	c := contents{Packages: map[string]string{}, Sums: map[string]string{}}
	for _, p := range ps {
		c.Packages[p.name] = p.version
	}
	var err error
	for _, f := range files {
		if c.Sums[f], err = sum(filepath.Join(debs, f)); err != nil {
			return err
		}
		if _, err := run(ctx, "", "dpkg", "--extract", filepath.Join(debs, f), part); err != nil {
			return fmt.Errorf("%w: remove %s if it is damaged", err, filepath.Join(debs, f))
		}
	}
	dirs, err := filepath.Glob(filepath.Join(part, installed))
	if err != nil {
		return fmt.Errorf("rabbitmq: cache: %w", err)
	}
	if len(dirs) != 1 {
		return fmt.Errorf("rabbitmq: the packages hold %d distributions at %s, expected one", len(dirs), installed)
	}
	if c.Dir, err = filepath.Rel(part, dirs[0]); err != nil {
		return fmt.Errorf("rabbitmq: cache: %w", err)
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("rabbitmq: cache: %w", err)
	}
	if err := os.WriteFile(filepath.Join(part, contentsFile), text, 0o644); err != nil {
		return fmt.Errorf("rabbitmq: cache: %w", err)
	}
	if err := os.Rename(part, root); err != nil {
		return fmt.Errorf("rabbitmq: cache: %w", err)
	}
	return nil
}

func sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("rabbitmq: checksum: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("rabbitmq: checksum: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
