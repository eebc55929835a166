package targets

import "context"

// VersionChecker is implemented by a Target that knows, before it looks for the product, which versions it cannot run.
type VersionChecker interface {
	// CheckVersion returns nil for a version that may be asked for in a Provisioning. Other errors than nil wrap ErrUnsupported.
	CheckVersion(version string) error
}

// VersionReporter is implemented by a Cluster whose brokers say what they are: how the version of one that somebody else runs is known.
type VersionReporter interface {
	// Versions asks every node. version is "" where the protocol does not tell, or the nodes differ; facts go into the manifest, as
	// those of a Distribution do.
	Versions(ctx context.Context) (version string, facts map[string]string, err error)
}
