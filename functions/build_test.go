package functions_test

import (
	"debug/buildinfo"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// commandsLibraries are modules that only the operator's command and the sandbox
// need: a function that held them would start slower for nothing.
var commandsLibraries = []string{
	"github.com/alecthomas/kong", "github.com/jedib0t/go-pretty/v6", "github.com/schollz/progressbar/v3", "go.etcd.io/bbolt",
}

// flags returns the GOFLAGS with which the Makefile builds functions.
func flags(t *testing.T) string {
	t.Helper()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^FUNCTION_GOFLAGS := (.+)$`).FindSubmatch(makefile)
	if found == nil {
		t.Fatal("the Makefile does not say how functions are built")
	}
	return string(found[1])
}

func TestFunctionsAreStaticStrippedBinariesForBothProcessors(t *testing.T) {
	if testing.Short() {
		t.Skip("builds both functions twice")
	}
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	for arch, machine := range machines {
		t.Run(arch, func(t *testing.T) {
			dir := t.TempDir()
			build := exec.CommandContext(t.Context(), "go", "build", "-o", dir+string(filepath.Separator), "./poll", "./webhook")
			build.Env = append(build.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS="+flags(t))
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, function := range []string{"poll", "webhook"} {
				checkBinary(t, filepath.Join(dir, function), machine)
			}
		})
	}
}

func checkBinary(t *testing.T, path string, machine elf.Machine) {
	t.Helper()
	name := filepath.Base(path)
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if file.Machine != machine || file.Class != elf.ELFCLASS64 {
		t.Errorf("%s: built for %v, want %v", name, file.Machine, machine)
	}
	if libraries, err := file.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("%s: needs libraries %v of the system, error %v", name, libraries, err)
	}
	if slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Errorf("%s: is linked dynamically", name)
	}
	if file.Section(".symtab") != nil || file.Section(".debug_info") != nil {
		t.Errorf("%s: is not stripped", name)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["CGO_ENABLED"] != "0" || settings["-tags"] != "lambda.norpc" || settings["-trimpath"] != "true" {
		t.Errorf("%s: built with %v", name, settings)
	}
	for _, module := range info.Deps {
		if slices.Contains(commandsLibraries, module.Path) {
			t.Errorf("%s: holds %s, a library of the command", name, module.Path)
		}
	}
}

func TestFunctionsHoldNoTestPackages(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./poll", "./webhook").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "contactsync/shared/app") {
		t.Fatalf("the functions do not hold the application: %d packages", len(deps))
	}
	for _, dep := range deps {
		ours := strings.HasPrefix(dep, "contactsync/")
		if dep == "testing" || dep == "net/http/httptest" || ours && (strings.HasSuffix(dep, "test") || strings.HasSuffix(dep, "/embedded")) {
			t.Errorf("the functions hold %s", dep)
		}
	}
}
