package run

// Version names this harness in histories and manifests.
const Version = "0.1.0"
