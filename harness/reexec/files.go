package reexec

import (
	"os"
	"strings"
	"sync"
	"syscall"
)

// separator stands between the program's name and the names of its files in argv[0].
const separator = "+"

// firstFile is the descriptor after standard error, where os/exec puts ExtraFiles.
const firstFile = 3

var inherited struct {
	sync.Mutex
	fds   map[string]int
	files map[string]*os.File
}

func parse(argv0 string) (name string, files []string) {
	parts := strings.Split(argv0, separator)
	return parts[0], parts[1:]
}

// adopt keeps the inherited descriptors from leaking into the programs that this one starts.
func adopt(files []string) {
	inherited.Lock()
	defer inherited.Unlock()
	inherited.fds, inherited.files = map[string]int{}, map[string]*os.File{}
	for i, name := range files {
		syscall.CloseOnExec(firstFile + i)
		inherited.fds[name] = firstFile + i
	}
}

// Inherited is the file that whoever started this program handed it under that name (see ArgvFiles); nil if none.
// It is the same file at every call, and works with deadlines where its kind permits them.
func Inherited(name string) *os.File {
	inherited.Lock()
	defer inherited.Unlock()
	if f, opened := inherited.files[name]; opened {
		return f
	}
	fd, given := inherited.fds[name]
	if !given {
		return nil
	}
	// Only a descriptor that does not block is given to the poller, which is what makes Close end a Read.
	// Where that cannot be set the file still works, without deadlines.
	_ = syscall.SetNonblock(fd, true)
	f := os.NewFile(uintptr(fd), name)
	inherited.files[name] = f
	return f
}
