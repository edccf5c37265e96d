// Package files holds what an integrator adds to a deployment without touching Go:
// mapping files with their cases and profile files. They become part of both
// functions' binaries, so that MAPPING_FILE and BC_PROFILE find them there
// (design.md 1.2); a Lambda package holds nothing else.
package files

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The whole folder, so that a new file in a new subfolder is in it and the examples
// may go; only its YAML files are ever read.
//
//go:embed *
var embedded embed.FS

// folder is what this package's folder is called in the source tree. A path may
// begin with it, so that one value serves on a developer's disk and in a function.
const folder = "files/"

// Read returns the YAML file at name: the one on disk if there is one, else the one
// of the package. A name within the package may begin with files/ or not. The error
// for a file that is at neither place is [fs.ErrNotExist] and lists those that are
// in the package; a file on disk that cannot be read is an error and not passed over.
func Read(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	inPackage := strings.TrimPrefix(path.Clean(filepath.ToSlash(name)), folder)
	if isYAML(inPackage) {
		if data, err := embedded.ReadFile(inPackage); err == nil {
			return data, nil
		}
	}
	return nil, &notFoundError{name}
}

// Names returns the paths of the package's YAML files, sorted.
func Names() []string {
	var names []string
	// Nothing in an embedded tree can fail to be read.
	_ = fs.WalkDir(embedded, ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && isYAML(name) {
			names = append(names, name)
		}
		return err
	})
	slices.Sort(names)
	return names
}

func isYAML(name string) bool {
	extension := path.Ext(name)
	return extension == ".yaml" || extension == ".yml"
}

type notFoundError struct{ name string }

func (e *notFoundError) Error() string {
	held := slices.DeleteFunc(Names(), func(name string) bool {
		return strings.HasSuffix(strings.TrimSuffix(name, path.Ext(name)), ".test")
	})
	return fmt.Sprintf("%s is neither on disk nor in the package, whose folder files/ has %s", e.name, strings.Join(held, ", "))
}

func (e *notFoundError) Is(target error) bool { return target == fs.ErrNotExist }
