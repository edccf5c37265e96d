package functions_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheLicenceListNamesEveryModuleThatIsBuiltIn(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}", "./poll", "./webhook", "../cmd/contactsync")
	list.Env = append(list.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=-tags=lambda.norpc")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var built []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line != "" && line != "contactsync" {
			built = append(built, line)
		}
	}
	slices.Sort(built)
	built = slices.Compact(built)

	var listed []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([^ |]+) \| (v[0-9][^ |]*) \| ([^|]+) \|`).FindAllStringSubmatch(string(read(t, "../docs/licenses.md")), -1) {
		listed = append(listed, row[1]+" "+row[2])
		if strings.Contains(row[3], "GPL") {
			t.Errorf("%s: %s asks for more than a notice", row[1], row[3])
		}
	}
	slices.Sort(listed)
	if diff := cmp.Diff(built, listed); diff != "" {
		t.Errorf("modules (-built in +docs/licenses.md; make sbom writes it):\n%s", diff)
	}
}

// A tool whose version is not said may be another one tomorrow.
func TestEveryToolIsPinned(t *testing.T) {
	tools := string(read(t, "../scripts/tools")) + string(read(t, "../scripts/moto"))
	pinned := map[string]string{}
	for _, pin := range regexp.MustCompile(`(?m)^([A-Z_]+|version)=(v?[0-9]+\.[0-9]+\.[0-9]+)$`).FindAllStringSubmatch(tools, -1) {
		pinned[pin[1]] = pin[2]
	}
	installs := regexp.MustCompile(`(?:go install|pip" install [a-z -]*) "([^"]+)"`).FindAllStringSubmatch(tools, -1)
	if len(installs) < 6 {
		t.Fatalf("only %d installations were found", len(installs))
	}
	for _, install := range installs {
		pin := regexp.MustCompile(`(?:@|==)\$([A-Z_]+|version)$`).FindStringSubmatch(install[1])
		if pin == nil || pinned[pin[1]] == "" {
			t.Errorf("%s is installed in whatever version there is", install[1])
		}
	}
}
