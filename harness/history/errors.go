package history

import "errors"

var (
	// ErrCorrupt marks a segment whose bytes are not what its recorder wrote. The error names file and offset.
	ErrCorrupt = errors.New("history: corrupt segment")

	// ErrNotHistory marks a file that is not a segment, or a folder that has none.
	ErrNotHistory = errors.New("history: not a history")

	// ErrVersion marks a segment in a version of the format that this reader does not know.
	ErrVersion = errors.New("history: unknown version of the format")

	// ErrFull marks a recorder whose file system has no room left. It wraps the system's error, such as ENOSPC.
	ErrFull = errors.New("history: no room for further events")

	// ErrClosed is what a closed recorder answers.
	ErrClosed = errors.New("history: recorder is closed")

	// ErrNotRecordable marks an event that the format cannot hold: an unknown kind, or a string over MaxString.
	ErrNotRecordable = errors.New("history: event cannot be recorded")
)
