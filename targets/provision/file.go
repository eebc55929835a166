package provision

import (
	"fmt"
	"os"
)

// WriteFile writes a file so that it is there as a whole or not at all.
func WriteFile(path string, data []byte) error {
	if err := os.WriteFile(path+".part", data, 0o644); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	return nil
}
