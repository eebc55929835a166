package rabbitmq

import (
	"fmt"
	"strconv"
	"strings"

	"waybill/targets"
)

// defaultVersion is what Debian 12's packages hold: what is described before anything was looked for.
const defaultVersion = "3.10.8"

// release is the part of a version that decides what a broker can do.
type release struct{ major, minor int }

// parseVersion reads "3.10.8", "4.2.0-rc.1" or "4.1".
func parseVersion(v string) (release, error) {
	parts := strings.SplitN(v, ".", 3)
	if len(parts) < 2 {
		return release{}, fmt.Errorf("rabbitmq: version %q is %w: want one like 3.10.8", v, targets.ErrUnsupported)
	}
	major, err := strconv.Atoi(parts[0])
	if err != nil {
		return release{}, fmt.Errorf("rabbitmq: version %q is %w: want one like 3.10.8", v, targets.ErrUnsupported)
	}
	minor, err := strconv.Atoi(parts[1])
	if err != nil {
		return release{}, fmt.Errorf("rabbitmq: version %q is %w: want one like 3.10.8", v, targets.ErrUnsupported)
	}
	return release{major, minor}, nil
}

func (r release) less(major, minor int) bool {
	return r.major < major || r.major == major && r.minor < minor
}

// supported refuses versions that this package does not know how to run.
func supported(v string) error {
	r, err := parseVersion(v)
	if err != nil {
		return err
	}
	if r.less(3, 8) || !r.less(5, 0) {
		return fmt.Errorf("rabbitmq: version %s is %w: want 3.8 to 4.x", v, targets.ErrUnsupported)
	}
	return nil
}

// hasMirrors reports whether the version still has mirrored classic queues.
func (r release) hasMirrors() bool { return r.less(4, 0) }

// limitsDeliveries reports whether the version's quorum queues drop a message that is delivered too often, unless told not to.
func (r release) limitsDeliveries() bool { return !r.less(4, 0) }
