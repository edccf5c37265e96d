package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"contactsync/shared/status/embedded"
)

// The command as its user types it: arguments in, two streams and a status out.

// told is what one verb did.
type told struct {
	t        *testing.T
	args     string
	status   int
	out, err string
}

// A desk is a folder in which verbs are typed.
type desk struct {
	t       *testing.T
	folder  string
	environ []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	return &desk{t: t, folder: filepath.Join(t.TempDir(), "box")}
}

// newDemo is a desk whose sandbox has transferred the demo company.
func newDemo(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	d.run("sandbox").must(exitWell)
	return d
}

func (d *desk) run(args ...string) told {
	d.t.Helper()
	var out, errOut bytes.Buffer
	got := run(d.t.Context(), append([]string{"--folder", d.folder}, args...), d.environ, &out, &errOut)
	return told{d.t, strings.Join(args, " "), got, out.String(), errOut.String()}
}

func (r told) must(status int) told {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("contactsync %s: status %d, want %d\n%s%s", r.args, r.status, status, r.out, r.err)
	}
	return r
}

// says checks that standard output has all the parts, in any order.
func (r told) says(parts ...string) told {
	r.t.Helper()
	for _, part := range parts {
		if !strings.Contains(r.out, part) {
			r.t.Errorf("contactsync %s: no %q in\n%s", r.args, part, r.out)
		}
	}
	return r
}

// complains checks that standard error has all the parts.
func (r told) complains(parts ...string) told {
	r.t.Helper()
	for _, part := range parts {
		if !strings.Contains(r.err, part) {
			r.t.Errorf("contactsync %s: no %q in the error %q", r.args, part, r.err)
		}
	}
	return r
}

// into reads standard output as one JSON document.
func (r told) into(v any) {
	r.t.Helper()
	decoder := json.NewDecoder(strings.NewReader(r.out))
	if err := decoder.Decode(v); err != nil || decoder.More() {
		r.t.Fatalf("contactsync %s: not one JSON document (%v):\n%s", r.args, err, r.out)
	}
}

func TestTheSandboxShowsTheWholeJob(t *testing.T) {
	d := newDesk(t)
	d.run("sandbox").must(exitWell).says(
		"315 contacts", "First run", "created 276", "Second run", "created 2 + updated 3 + unchanged 4", "DUPLICATE_CONTACT", "INVALID_EMAIL", "MISSING_EMAIL", "COMPANY_NOT_FOUND",
		"Ensure email is present in Microsoft", "iPaaS.com now has 279 customers")
	var got struct {
		Runs []struct {
			Read, Created, Updated int
			Complete               bool
		}
	}
	if d.run("sandbox", "-o", "json").must(exitWell).into(&got); len(got.Runs) != 2 || got.Runs[0].Created != 276 || !got.Runs[1].Complete {
		t.Errorf("a second time, as JSON: %+v, want the same two runs", got.Runs)
	}
}

func TestTheSandboxIsHeldUpByNoRateButOneThatIsAskedFor(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		atLeast int // calls in a second
		atMost  int
	}{
		{"nothing is set", nil, 100_000, math.MaxInt},
		{"it is set to nothing", []string{"IPAAS_RATE=7/1s", "IPAAS_RATE="}, 100_000, math.MaxInt},
		{"a rate is asked for", []string{"IPAAS_RATE=7/1s"}, 7, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box, err := openSandbox(t.TempDir(), sandboxOptions{environ: tt.environ})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = box.close() }()
			got := box.app.Config.IPaaSRate
			if calls := got.Calls / int(got.Window.Seconds()); calls < tt.atLeast || calls > tt.atMost {
				t.Errorf("the rate is %s", got)
			}
		})
	}
	d := newDesk(t)
	d.environ = []string{"IPAAS_RATE=nonsense"}
	d.run("sandbox").must(exitCouldNot).complains("IPAAS_RATE")
}

func TestTheSandboxIsTheSameEachTime(t *testing.T) {
	var first string
	for range 3 {
		d := newDemo(t)
		lines := masked(strings.Split(d.run("transfers", "--status", "failed", "--limit", "1000").must(exitWell).out, "\n"))
		slices.Sort(lines) // those of one millisecond may change places
		got := strings.Join(lines, "\n")
		if first == "" {
			first = got
		}
		if got != first {
			t.Fatalf("once\n%s\nand then\n%s", first, got)
		}
	}
	d := newDesk(t)
	d.environ = []string{"WORKERS=7"}
	d.run("runs").must(exitWell)
	box, err := openSandbox(d.folder, sandboxOptions{environ: d.environ})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = box.close() }()
	if box.app.Config.Workers != 7 {
		t.Errorf("%d workers, 7 were asked for", box.app.Config.Workers)
	}
}

func TestEveryVerbAnswersAsTableAndAsJSON(t *testing.T) {
	d := newDemo(t)
	tests := []struct {
		verb   string
		status int
		says   []string // in the table
		member string   // of the JSON document; "" when it is a list
	}{
		{"poll", exitWell, []string{"poll run", "complete", "watermark"}, "run_id"},
		{"poll --dry-run", exitWell, []string{"poll run"}, "run_id"},
		{"backfill --from 2020-01-01T00:00:00Z --to 2020-02-01T00:00:00Z", exitWell, []string{"backfill run", "read 0"}, "run_id"},
		{"sync CT000002", exitWell, []string{"CT000002|contact", "unchanged"}, "transfers"},
		{"sync CT000062 CT000002|contact", exitSomeFailed, []string{"MISSING_EMAIL", "CT000002"}, "transfers"},
		{"preview CT000002 CT000033", exitWell, []string{"Body that would be sent", "nothing would change", "CT000033"}, "transfers"},
		{"preview CT000062", exitSomeFailed, []string{"MISSING_EMAIL"}, "transfers"},
		{"transfers --status failed --limit 3", exitWell, []string{"failed", "There are more"}, "transfers"},
		{"transfers --code MISSING_EMAIL", exitWell, []string{"CT000062"}, "transfers"},
		{"show CT000002", exitWell, []string{"arrived", "all new: customer_number", "changed: addresses.phone_number"}, "transfer"},
		{"show CT000062", exitWell, []string{"Email field is empty", "what to do   Ensure email is present"}, "transfer"},
		{"reconcile", exitSomeFailed, []string{"17 missing, 0 differing; 0 orphaned", "MISSING_EMAIL"}, "missing"},
		{"completion bash", exitWell, []string{"complete -o default"}, "script"},
		{"errors", exitWell, []string{"COMPANY_NOT_FOUND", "what to do"}, "errors"},
		{"runs", exitWell, []string{"read 315 = created 276", "complete"}, "runs"},
		{"preflight", exitWell, []string{"web service Contact_Card", "ok", "?"}, "checks"},
		{"subscriptions", exitWell, []string{"no subscription"}, "subscriptions"},
		{"mapping check", exitWell, []string{"EmailAddress", "(Required)", "Contact Create, Contact Update"}, "tables"},
		{"mapping test", exitWell, []string{"0 failed"}, "cases"},
		{"pause", exitWell, []string{"Paused"}, "paused"},
		{"resume", exitWell, []string{"Resumed"}, "paused"},
		{"replay CT000062 --yes", exitWell, []string{"1 contact waits"}, "queued"},
		{"forget CT000002 --yes", exitWell, []string{"is forgotten here"}, "forgotten"},
	}
	for _, tt := range tests {
		t.Run(tt.verb, func(t *testing.T) {
			d := &desk{t: t, folder: d.folder}
			args := strings.Fields(tt.verb)
			if !strings.HasPrefix(tt.verb, "forget") { // it cannot be done twice
				d.run(args...).must(tt.status).says(tt.says...)
			}
			answer := d.run(append(args, "--output", "json")...).must(tt.status)
			var document any
			answer.into(&document)
			members, isObject := document.(map[string]any)
			if _, found := members[tt.member]; isObject != (tt.member != "") || isObject && !found {
				t.Errorf("the document has no %q:\n%s", tt.member, answer.out)
			}
		})
	}
}

func TestWhatCannotBeDoneIsSaidOnStandardErrorWithStatus2(t *testing.T) {
	d := newDemo(t)
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	write(t, broken, "collection: X\nfilter: Type ==\nmappings:\n  - {type: field, source: Nothing, destination: Nowhere}\n")
	alone := filepath.Join(t.TempDir(), "alone.yaml")
	write(t, alone, "collection: X\nmappings:\n  - {type: field, source: \"No\", destination: CustomerNumber}\n")
	tests := []struct {
		name      string
		args      []string
		complains []string
	}{
		{"a verb that does not exist", []string{"transmit"}, []string{"transmit", "--help"}},
		{"no verb", nil, []string{"--help"}},
		{"a flag that does not exist", []string{"runs", "--most", "3"}, []string{"--most"}},
		{"a status that does not exist", []string{"transfers", "--status", "done"}, []string{"pending", "failed"}},
		{"a code that does not exist", []string{"transfers", "--code", "NOPE"}, []string{"NOPE", "contactsync errors"}},
		{"a replay of a code that does not exist", []string{"replay", "--code", "NOPE"}, []string{"NOPE"}},
		{"an output that does not exist", []string{"runs", "-o", "xml"}, []string{"table", "json"}},
		{"a time that is none", []string{"backfill", "--from", "yesterday"}, []string{"--from"}},
		{"a backfill without from", []string{"backfill"}, []string{"--from"}},
		{"a backfill that ends before it begins", []string{"backfill", "--from", "2024-01-02T00:00:00Z", "--to", "2024-01-01T00:00:00Z"}, []string{"to"}},
		{"ids that are none, all at once", []string{"sync", "a|b", strings.Repeat("9", 21)}, []string{"a|b", "at most 20 characters"}},
		{"a contact of which nothing is known", []string{"show", "4711"}, []string{"4711|contact", "contactsync sync 4711"}},
		{"a replay of a contact of which nothing is known", []string{"replay", "4711"}, []string{"4711|contact"}},
		{"a forget of a contact of which nothing is known", []string{"forget", "4711"}, []string{"4711|contact"}},
		{"an env-file that is not there", []string{"--env-file", "nowhere.env", "runs"}, []string{"nowhere.env"}},
		{"a mapping file that is not there", []string{"mapping", "check", "nowhere.yaml"}, []string{"nowhere.yaml"}},
		{"a mapping file with mistakes, all of them with their lines", []string{"mapping", "check", broken}, []string{"broken.yaml:2", "broken.yaml:4", "Nothing", "Nowhere"}},
		{"a mapping without cases", []string{"mapping", "test", alone}, []string{"alone.test.yaml"}},
		{"an address that is not loopback", []string{"sandbox", "--serve", "--listen", "0.0.0.0:0"}, []string{"loopback"}},
		{"an address that is none", []string{"sandbox", "--serve", "--listen", "nonsense"}, []string{"--listen"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &desk{t: t, folder: d.folder}
			got := d.run(tt.args...).must(exitCouldNot).complains(append(tt.complains, "contactsync: ")...)
			if got.out != "" {
				t.Errorf("standard output has %q, want nothing", got.out)
			}
		})
	}
}

// verbs are all verbs of the command, as they are typed, with arguments that are
// well formed.
func verbs(t *testing.T) map[string][]string {
	t.Helper()
	arguments := map[string][]string{
		"show": {"44552"}, "preview": {"44552"}, "sync": {"44552"}, "forget": {"44552", "--yes"}, "replay": {"--yes"},
		"backfill": {"--from", "2024-01-01"}, "completion": {"bash"},
	}
	var c cli
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, leaf := range parser.Model.Leaves(true) {
		words := strings.Fields(strings.TrimPrefix(leaf.FullPath(), parser.Model.Name+" "))
		all[strings.Join(words, " ")] = append(words, arguments[words[0]]...)
	}
	if len(all) < 19 {
		t.Fatalf("only %d verbs", len(all))
	}
	return all
}

func TestTheHelpOfEveryVerbHasExamplesThatParse(t *testing.T) {
	d := newDesk(t)
	d.run("--help").must(exitWell).says("sandbox", "preflight", "mapping test", "--env-file")
	shown := regexp.MustCompile(`(?m)^ +(?:source <\()?(contactsync [^#|\n)]*)`)
	for name := range verbs(t) {
		t.Run(name, func(t *testing.T) {
			d := &desk{t: t, folder: d.folder}
			got := d.run(append(strings.Fields(name), "--help")...).must(exitWell).says("Examples:", "contactsync ")
			found := shown.FindAllStringSubmatch(got.out, -1)
			if len(found) == 0 {
				t.Fatalf("no example in\n%s", got.out)
			}
			for _, one := range found {
				var c cli
				parser, err := kong.New(&c, kong.NoDefaultHelp())
				if err != nil {
					t.Fatal(err)
				}
				words := strings.Fields(strings.ReplaceAll(one[1], "'", ""))[1:]
				words = slices.DeleteFunc(words, func(w string) bool { return strings.HasPrefix(w, "--env-file") || w == "stack.env" })
				if _, err := parser.Parse(words); err != nil {
					t.Errorf("%s: %v", one[1], err)
				}
			}
		})
	}
}

// What needs neither sandbox nor stack works with either.
var standalone = []string{"completion", "mapping check", "mapping test"}

func TestEveryVerbThatCannotWorkEndsWithStatus2(t *testing.T) {
	stack := filepath.Join(t.TempDir(), "stack.env")
	write(t, stack, "BC_COMPANY=CRONUS\n")
	for name, words := range verbs(t) {
		if slices.Contains(standalone, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			got := newDesk(t).run(append([]string{"--env-file", stack}, words...)...).must(exitCouldNot).complains("contactsync: ")
			if name != "sandbox" {
				got.complains("TABLE_NAME")
			}
			if got.out != "" {
				t.Errorf("standard output has %q", got.out)
			}
		})
	}
}

func TestALockedFolderIsSaidAfterASecond(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if err := os.MkdirAll(d.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	// Another process has the file; a second handle of this one is refused the same way.
	other, err := embedded.Open(embedded.Config{Connection: "sandbox", Path: filepath.Join(d.folder, storeFile), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	for _, verb := range []string{"runs", "sandbox"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel() // the command's second, for both at once
			d := &desk{t: t, folder: d.folder}
			d.run(verb).must(exitCouldNot).complains("another process uses the sandbox in " + d.folder)
		})
	}
}

func TestADamagedStateIsNamedWithTheWayOut(t *testing.T) {
	d := newDemo(t)
	write(t, filepath.Join(d.folder, sourceFile), "{")
	d.run("runs").must(exitCouldNot).complains(sourceFile, "contactsync sandbox begins anew")
	d.run("sandbox").must(exitWell)
	d.run("runs").must(exitWell)
}

func TestAnEnvFileWithoutTheVariablesListsAllOfThem(t *testing.T) {
	d := newDesk(t)
	file := filepath.Join(t.TempDir(), "stack.env")
	write(t, file, "# the stack\nexport BC_COMPANY=\"CRONUS USA, Inc.\"\n\nWORKERS=many\nBC_BASE_URL=http://example.com\n")
	got := d.run("--env-file", file, "runs").must(exitCouldNot).complains("TABLE_NAME", "SECRET_ID", "IPAAS_SYSTEM_ID", "WORKERS", "BC_BASE_URL")
	if strings.Contains(got.err, "BC_COMPANY") {
		t.Errorf("BC_COMPANY is set, and yet: %s", got.err)
	}
	// The environment is read alike as soon as it names a stack.
	d.environ = append(d.environ, "SECRET_ID=contactsync", "WORKERS=many")
	d.run("runs").must(exitCouldNot).complains("TABLE_NAME", "IPAAS_SYSTEM_ID", "WORKERS")
	d.environ = nil
	write(t, file, "TABLE_NAME\n")
	d.run("--env-file", file, "runs").must(exitCouldNot).complains("stack.env:1", "NAME=value")
	if _, err := os.Stat(d.folder); err == nil {
		t.Error("a verb on a stack made a sandbox")
	}
}

func TestVerbsChangeWhatTheNextVerbSees(t *testing.T) {
	d := newDemo(t)

	t.Run("a replay is not done without a yes", func(t *testing.T) {
		d := &desk{t: t, folder: d.folder}
		d.run("replay", "--code", "MISSING_EMAIL").must(exitCouldNot).complains("no terminal", "--yes")
		d.run("transfers", "--status", "pending").must(exitWell)
		if got := d.run("transfers", "--status", "pending", "-o", "json"); !strings.Contains(got.out, `"transfers": []`) {
			t.Errorf("something waits: %s", got.out)
		}
	})
	t.Run("what is replayed waits while paused and is transferred afterwards", func(t *testing.T) {
		d := &desk{t: t, folder: d.folder}
		d.run("pause").must(exitWell)
		d.run("replay", "--code", "MISSING_EMAIL", "--status", "failed", "--yes").must(exitWell).says("1 contact waits")
		d.run("poll").must(exitWell).says("paused")
		d.run("show", "CT000062").must(exitWell).says("CT000062|contact waits for its transfer")
		d.run("resume").must(exitWell)
		d.run("poll").must(exitSomeFailed).says("failed 1")
		d.run("show", "CT000062").must(exitWell).says("│ replay")
	})
	t.Run("a contact that is forgotten finds its customer again", func(t *testing.T) {
		d := &desk{t: t, folder: d.folder}
		d.run("forget", "CT000002", "--yes").must(exitWell)
		d.run("show", "CT000002").must(exitCouldNot)
		d.run("sync", "ct000002|contact").must(exitWell).says("CT000002|contact", "updated")
	})
	t.Run("the internal id names the same contact", func(t *testing.T) {
		d := &desk{t: t, folder: d.folder}
		id := regexp.MustCompile(`internal id +([0-9a-f-]{36})`).FindStringSubmatch(d.run("show", "CT000002").out)
		if id == nil {
			t.Fatal("show tells no internal id")
		}
		d.run("show", id[1]).must(exitWell).says("CT000002|contact arrived")
	})
	t.Run("a failed sync tells what to do on standard error", func(t *testing.T) {
		d := &desk{t: t, folder: d.folder}
		d.run("sync", "CT000062", "4711").must(exitSomeFailed).says("CONTACT_NOT_FOUND").
			complains("MISSING_EMAIL: Ensure email is present in Microsoft Dynamics 365 before syncing.", "CONTACT_NOT_FOUND: ")
	})
}

func TestAMappingOfTheUsersOwn(t *testing.T) {
	d := newDesk(t)
	folder := t.TempDir()
	file := filepath.Join(folder, "mine.yaml")
	write(t, file, "collection: Mine\nfilter: Type == \"Person\"\nmappings:\n"+
		"  - {type: field, source: \"No\", destination: CustomerNumber, required: true}\n"+
		"  - {type: field, source: EMail, destination: EmailAddress, required: true}\n")
	write(t, filepath.Join(folder, "mine.test.yaml"), "tests:\n"+
		"  - {name: a person, contact: {Type: Person, \"No\": \"7\", EMail: a@example.com}, customer: {customer_number: \"7\"}}\n"+
		"  - {name: the wrong number, contact: {Type: Person, \"No\": \"7\", EMail: a@example.com}, customer: {customer_number: \"8\"}}\n")
	d.run("mapping", "check", file).must(exitWell).says("Mine", "CustomerNumber", "(Required)")
	d.run("mapping", "test", file).must(exitSomeFailed).says("ok      a person", "FAILED  the wrong number", "1 passed, 1 failed")
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
