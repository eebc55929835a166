package reexec

import "strings"

// Is reports whether a process with this argv[0] was started as the program called name, whatever files it was handed.
func Is(argv0, name string) bool {
	rest, ours := strings.CutPrefix(argv0, prefix)
	if !ours {
		return false
	}
	program, _ := parse(rest)
	return program == name
}
