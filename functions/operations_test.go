package functions_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// docs/operations.md is typed command by command by scripts/rehearse; here it is
// seen that nothing on the page can escape it, and that its figures add up.

var (
	pageBlock  = regexp.MustCompile("(?ms)(?:^<!-- (.*?) -->\n)?^```(\\w*)\n(.*?)^```$")
	priceRow   = regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]*) \| ([0-9.]+) \| ([0-9.]+) \|$`)
	inlineCode = regexp.MustCompile("`([^`\n]+)`")
)

func TestEveryCommandOfTheOperationsPageIsRehearsedOrSaysWhyNot(t *testing.T) {
	page := string(read(t, "../docs/operations.md"))
	rehearsed, left := 0, 0
	for _, block := range pageBlock.FindAllStringSubmatch(page, -1) {
		mark, kind, text := block[1], block[2], block[3]
		switch reason, excused := strings.CutPrefix(mark, "not rehearsed: "); {
		case kind == "json" && mark == "":
		case kind != "sh":
			t.Errorf("a block of kind %q is neither typed nor a document:\n%s", kind, text)
		case mark == "":
			rehearsed += strings.Count(text, "\n")
			if strings.Contains(text, "\\\n") {
				t.Errorf("the rehearsal types line by line:\n%s", text)
			}
		case !excused || len(reason) < 40:
			t.Errorf("a block is left out without a reason: %s", mark)
		default:
			left += strings.Count(text, "\n")
		}
	}
	if rehearsed < 40 || left > 2 || strings.Count(page, "```") != 2*len(pageBlock.FindAllString(page, -1)) {
		t.Errorf("%d commands are rehearsed, %d are not", rehearsed, left)
	}
	// A command in running text is not typed by anybody, unless it is one of a block.
	for _, code := range inlineCode.FindAllStringSubmatch(pageBlock.ReplaceAllString(page, ""), -1) {
		tool := regexp.MustCompile(`^(aws|sam|curl|build/contactsync|scripts/\S+|go run|rm|sed) \S`)
		if tool.MatchString(code[1]) {
			t.Errorf("%q stands in the text, where nobody types it", code[1])
		}
	}
	if !strings.Contains(string(read(t, "../scripts/rehearse.py")), `open("docs/operations.md")`) {
		t.Error("the rehearsal does not read the page")
	}
}

func TestAnIdleMonthCostsWhatThePageSays(t *testing.T) {
	page := string(read(t, "../docs/operations.md"))
	var free, full float64
	quantities := map[string]string{}
	rows := priceRow.FindAllStringSubmatch(page, -1)
	for _, row := range rows {
		name, a, b := strings.TrimSpace(row[1]), number64(t, row[3]), number64(t, row[4])
		if name != "sum" {
			free, full = free+a, full+b
			quantities[name] = row[2]
			continue
		}
		if math.Abs(a-free) > 0.001 || math.Abs(b-full) > 0.001 {
			t.Errorf("the sums are %.2f and %.2f, the page says %.2f and %.2f", free, full, a, b)
		}
	}
	if price := fmt.Sprintf("%.2f dollars a month", free); !strings.Contains(strings.Join(strings.Fields(string(read(t, "../README.md"))), " "), price) {
		t.Errorf("README.md does not say %s", price)
	}
	if len(rows) < 10 || free == 0 || free > 1.50 {
		t.Errorf("%d rows; an idle month costs %.2f, at most 1.50 are allowed", len(rows), free)
	}
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		kinds := map[string]int{}
		for _, r := range tpl.Resources {
			kinds[r.Type]++
		}
		for name, want := range map[string]int{
			"CloudWatch, alarms": kinds["AWS::CloudWatch::Alarm"], "CloudWatch, dashboard": kinds["AWS::CloudWatch::Dashboard"],
			"Secrets Manager": kinds["AWS::SecretsManager::Secret"], "CloudWatch, metrics": len(run(t).metrics),
		} {
			if got, _, _ := strings.Cut(quantities[name], " "); got != strconv.Itoa(want) {
				t.Errorf("%s: the page counts %s, the template has %d", name, got, want)
			}
		}
		// What has a price at rest and stands in no row would not be seen.
		priced := []string{"AWS::KMS::Key", "AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint", "AWS::WAFv2::WebACL", "AWS::Synthetics::Canary", "AWS::CloudTrail::Trail"}
		for kind, n := range kinds {
			if slices.Contains(priced, kind) {
				t.Errorf("%d of %s cost money at rest", n, kind)
			}
		}
		for _, alarm := range tpl.Resources {
			if period, isNumber := alarm.Properties["Period"].(float64); isNumber && alarm.Type == "AWS::CloudWatch::Alarm" && period < 60 {
				t.Error("an alarm of high resolution costs three times as much")
			}
		}
	})
}

func number64(t *testing.T, text string) float64 {
	t.Helper()
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestEveryAlarmStandsOnTheOperationsPage(t *testing.T) {
	page := string(read(t, "../docs/operations.md"))
	for alarm := range watched {
		if name := strings.TrimSuffix(alarm, "Alarm"); !strings.Contains(page, "| "+name+" |") {
			t.Errorf("nobody is told what to do when %s rings", name)
		}
	}
	for _, parameter := range regexp.MustCompile(`"([A-Z][A-Za-z]+)=`).FindAllStringSubmatch(page, -1) {
		if _, found := load(t).Parameters[parameter[1]]; !found {
			t.Errorf("the page names %s, which is no parameter", parameter[1])
		}
	}
}

func TestEachEnvironmentDeploysWithoutFlags(t *testing.T) {
	config := string(read(t, "../samconfig.toml"))
	tpl := load(t)
	// The page's commands must look where the stack is.
	exported := regexp.MustCompile(`(?m)^export AWS_REGION=(\S+) AWS_DEFAULT_REGION=(\S+)$`).FindStringSubmatch(string(read(t, "../docs/operations.md")))
	if exported == nil || exported[1] != exported[2] {
		t.Fatalf("the page's commands go to the regions %v", exported)
	}
	if regions := regexp.MustCompile(`(?m)^region = "(\S+)"`).FindAllStringSubmatch(config, -1); len(regions) != 6 || slices.ContainsFunc(regions, func(r []string) bool { return r[1] != exported[1] }) {
		t.Errorf("samconfig.toml deploys to and deletes from %v, the page's commands go to %s", regions, exported[1])
	}
	for _, environment := range []string{"dev", "staging", "production"} {
		_, section, found := strings.Cut(config, "["+environment+".deploy.parameters]")
		if !found {
			t.Errorf("there is no environment %s", environment)
			continue
		}
		section, _, _ = strings.Cut(section, "\n[")
		for _, want := range []string{`stack_name = "contactsync-` + environment + `"`, "region = ", "resolve_s3 = true", `capabilities = "CAPABILITY_IAM"`, "fail_on_empty_changeset = false", `"Release=''"`} {
			if !strings.Contains(section, want) {
				t.Errorf("%s: %s is missing", environment, want)
			}
		}
		given := map[string]string{}
		for _, pair := range regexp.MustCompile(`(?m)^  "([A-Za-z]+)=([^"]*)"`).FindAllStringSubmatch(section, -1) {
			given[pair[1]] = strings.Trim(pair[2], "'")
		}
		for name, value := range given {
			p, known := tpl.Parameters[name]
			switch {
			case !known:
				t.Errorf("%s: %s is no parameter", environment, name)
			case p.AllowedPattern != "" && !regexp.MustCompile(p.AllowedPattern).MatchString(value):
				t.Errorf("%s: %s=%s is refused by its pattern", environment, name, value)
			case p.AllowedValues != nil && !slices.ContainsFunc(p.AllowedValues, func(v any) bool { return fmt.Sprint(v) == value }):
				t.Errorf("%s: %s=%s is none of %v", environment, name, value, p.AllowedValues)
			}
		}
		for name, p := range tpl.Parameters {
			if p.Default == nil && given[name] == "" {
				t.Errorf("%s: %s has no default and no value", environment, name)
			}
		}
		if given["ScheduleState"] != "DISABLED" || given["Connection"] != environment {
			t.Errorf("%s: the schedule is %s at first, the connection is called %s", environment, given["ScheduleState"], given["Connection"])
		}
		build := "[" + environment + ".build.parameters]\nparameter_overrides = [\"Architecture=" + given["Architecture"] + "\"]"
		if !strings.Contains(config, build) {
			t.Errorf("%s: it is not built for the processor that it is deployed for", environment)
		}
		eachExpansion(t, func(t *testing.T, tpl expanded) {
			if broken := tpl.refused(t, given); len(broken) > 0 {
				t.Errorf("%s: refused by %v", environment, broken)
			}
		})
	}
}
