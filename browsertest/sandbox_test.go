package browsertest_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "folder, from this package, that the screenshots are written to; without it none are")

// TestTheSandboxsPage looks at the page as contactsync sandbox --serve serves it:
// what a reader of the README sees first.
func TestTheSandboxsPage(t *testing.T) {
	d := &desk{t: t, url: serveSandbox(t)}
	d.open()
	d.enter("sandbox-key")
	d.shows("#runs", "poll")
	d.part("shows every state, every trigger and the seed's errors", func(t *testing.T) { d.showsEverything(t) })
	d.part("fits every screen and can be read by everybody", func(t *testing.T) {
		behindOurBack(t, d.url) // a preview then has something to show
		d.fitsEveryScreen(t)
	})
}

// behindOurBack changes the customer of CT000002 in the sandbox's iPaaS.com.
func behindOurBack(t *testing.T, url string) {
	t.Helper()
	var found []struct{ ID int64 }
	call(t, http.MethodGet, url+"/ipaas/simulator/customers?external_id=CT000002%7Ccontact", "", &found)
	if len(found) != 1 {
		t.Fatalf("%d customers have CT000002", len(found))
	}
	call(t, http.MethodPatch, fmt.Sprintf("%s/ipaas/simulator/customers/%d", url, found[0].ID), `{"last_name":"Towns","company":"Adatum"}`, nil)
}

func call(t *testing.T, method, url, body string, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", method, url, answer.Status)
	}
	if into != nil {
		if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
}

// serveSandbox builds the command, starts a new sandbox and returns its address.
func serveSandbox(t *testing.T) string {
	t.Helper()
	browser(t)
	folder := t.TempDir()
	command := filepath.Join(folder, "contactsync")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", command, "contactsync/cmd/contactsync").CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v\n%s", err, out)
	}
	served := exec.CommandContext(t.Context(), command, "--folder", filepath.Join(folder, "sandbox"), "sandbox", "--serve", "--listen", "127.0.0.1:0", "--every", "1h")
	served.Cancel = func() error { return served.Process.Signal(os.Interrupt) }
	served.Stderr = os.Stderr
	out, err := served.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := served.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = served.Wait() }) // it ends with the test's context
	address := regexp.MustCompile(`operator's page +(http://[0-9.:]+)/`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if found := address.FindStringSubmatch(lines.Text()); found != nil {
			return found[1]
		}
	}
	t.Fatal("the sandbox did not say where its page is")
	return ""
}

func (d *desk) showsEverything(t *testing.T) {
	for status, trigger := range map[string]string{"pending": "hook", "succeeded": "poll", "skipped": "poll", "failed": "poll", "retrying": "retry"} {
		d.view("#/transfers?status=" + status)
		d.shows("#rows", status, trigger)
	}
	d.view("#/transfers?status=succeeded")
	for _, trigger := range []string{"backfill", "manual", "notification", "hook", "retry", "replay"} {
		d.shows("#rows", trigger)
	}
	d.view("#/")
	d.shows("#errors", "INVALID_EMAIL", "DUPLICATE_CONTACT", "MISSING_EMAIL", "COMPANY_NOT_FOUND",
		"Ensure the email field is valid and follows the format user@example.com.", "Check for existing records before creating new contacts.",
		"Ensure email is present in Microsoft Dynamics 365 before syncing.", "Ensure the company exists in iPaaS.com before syncing contacts with company relationships.",
		"will be tried again")
	d.shows("#state", "need a person", "will be tried again", "wait for their transfer", "last run", "complete")
	d.click("#more-runs")
	d.shows("#runs", "backfill", "stream", "paused", "SOURCE_UNAUTHORIZED")
	if !d.holds(`performance.getEntriesByType("resource").length > 10 && performance.getEntriesByType("resource").every((e) => e.name.startsWith(location.origin + "/"))`) {
		t.Error("the page asks another host")
	}
	if bars := d.number(`document.querySelectorAll("#chart a").length`); bars != d.number(`document.querySelectorAll("#runs tr").length`) || bars < 15 {
		t.Errorf("the chart has %d bars", bars)
	}
}

// A look is one way in which the page is seen.
type look struct {
	name          string
	width, height int64
	scheme        string // prefers-color-scheme
}

// fitsEveryScreen opens each view on a wide and a narrow screen, light and dark. No
// view may be wider than its screen, and each must pass the checks of
// accessibility.js.
func (d *desk) fitsEveryScreen(t *testing.T) {
	views := []struct{ name, address, selector, word string }{
		{"overview", "#/", "#errors", "DUPLICATE_CONTACT"},
		{"runs", "#/", "#chart", "steps of ten"},
		{"transfers", "#/transfers", "#rows", "pending"},
		{"failed", "#/transfers?status=failed", "#rows", "MISSING_EMAIL"},
		{"search", "#/transfers?q=Savannah", "#rows", "No transfer holds"},
		{"contact", "#/contact/CT000062", "#story", "Ensure email is present"},
		{"story", "#/contact/CT000951", "#attempts", "COMPANY_NOT_FOUND"},
		{"unknown", "#/contact/NOBODY", "#story", "No transfer of this contact is known"},
		{"sync", "#/sync?id=CT000002", "#outcome", "Townes"},
		{"preflight", "#/preflight", "#checks", "web service Contact_Card"},
	}
	for _, l := range []look{{"light", 1280, 900, "light"}, {"dark", 1280, 900, "dark"}, {"375", 375, 812, "light"}, {"375-dark", 375, 812, "dark"}} {
		d.do("look as "+l.name, chromedp.EmulateViewport(l.width, l.height), prefers(l.scheme))
		for _, v := range views {
			d.view(v.address)
			d.shows(v.selector, v.word)
			if wide := d.number("document.documentElement.scrollWidth"); wide > int(l.width) {
				t.Errorf("%s is %d wide on a screen of %d", v.name, wide, l.width)
			}
			if v.name == "runs" {
				d.do("scroll to the chart", chromedp.Evaluate[chromedp.Void](`document.getElementById("chart").previousElementSibling.previousElementSibling.scrollIntoView()`))
			}
			d.do("take the pointer away", chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 0, 0))
			d.accessible(v.name + " " + l.name)
			d.keep(v.name + "-" + l.name + ".png")
		}
	}
}

// pictured are the screenshots that the documentation shows.
var pictured = regexp.MustCompile(`^(overview|runs|failed|contact|story|sync|preflight)-(light|dark|375)\.png$`)

// keep writes what the screen shows, where a folder is named for it.
func (d *desk) keep(name string) {
	d.t.Helper()
	if *screenshots == "" || !pictured.MatchString(name) {
		return
	}
	picture, err := chromedp.Run(d.page, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name), picture, 0o600)
	}
	if err != nil {
		d.t.Errorf("screenshot %s: %v", name, err)
	}
}
