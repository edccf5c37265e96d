package config

import (
	"math"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Part is a program that reads settings.
type Part string

// The parts of design.md 1.1 and the operator's command.
const (
	Poll    Part = "poll"
	Webhook Part = "webhook"
	Command Part = "command"
)

// A Variable describes one setting: for the template's tests and the manual.
type Variable struct {
	Name     string
	Default  string // "" when there is none
	Required bool
	Expected string // what a value must be
	ReadBy   []Part
}

// Variables returns the settings that a part reads, in the order of design.md 1.2.
func Variables(part Part) []Variable {
	var read []Variable
	for _, r := range rules {
		if r.onlyFor != nil && !slices.Contains(r.onlyFor, part) {
			continue
		}
		v := Variable{Name: r.name, Expected: r.expected, ReadBy: r.onlyFor}
		if v.ReadBy == nil {
			v.ReadBy = []Part{Poll, Webhook, Command}
		}
		for _, f := range parameters() {
			if f.Key == r.name {
				v.Default, v.Required = f.DefaultValue, f.Required
			}
		}
		read = append(read, v)
	}
	return read
}

// Limits that the checks below use.
const (
	maxTransaction = 10 * time.Minute    // of Business Central: a change shows up that long after its time
	maxRetryUnit   = 30 * 24 * time.Hour // 120 of them must not overflow a duration
	maxWorkers     = 50
	maxServiceName = 240 // business-central.md 1 no. 1
	maxCompany     = 30  // the length of Business Central's company name
)

// Lengths are not counted by expressions: such a one compiles, at each cold start,
// for as long as everything else together.
const (
	maxConnection                = 63
	leastTableName, maxTableName = 3, 255
)

// isTable reports whether s is the name or the ARN of a table.
func isTable(s string) bool {
	if arn := tableARN.FindStringSubmatch(s); arn != nil {
		s = arn[1]
	}
	return tableName.MatchString(s) && len(s) >= leastTableName && len(s) <= maxTableName
}

var profiles = []string{ProfilePage, ProfileModelNames, ProfileAPIv2}

var (
	connectionName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	tableName      = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	tableARN       = regexp.MustCompile(`^arn:[a-z-]+:dynamodb:[a-z0-9-]+:\d{12}:table/([A-Za-z0-9_.-]+)$`)
	// serviceName is Microsoft's own rule: a letter, then letters, marks, digits,
	// connectors and format characters, so no blanks (business-central.md 1 no. 1).
	serviceName = regexp.MustCompile(`^\p{L}[\p{L}\p{Mn}\p{Mc}\p{Nd}\p{Pc}\p{Cf}]*$`)
	apiSegment  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
)

const (
	expectedURL = "a URL that starts with https:// and has neither user, query nor fragment" +
		" (http:// only for loopback addresses and host.docker.internal)"
	expectedService = "the service's published name: a letter, then letters, digits or underscores, no blanks"
)

// A rule says what a setting must be. valid is asked for values that could be read.
type rule struct {
	name     string
	expected string
	valid    func(*Config) bool
	file     func(*Config) string // the file that it names, "" when it names none; nil: never one
	onlyFor  []Part               // nil: every part reads it
}

// rules has one row for every field of [Config], in the order of design.md 1.2.
var rules = []rule{
	{name: "CONNECTION", expected: "1 to 63 letters, digits, dots, underscores or hyphens, the first a letter or digit",
		valid: func(c *Config) bool {
			return connectionName.MatchString(c.Connection) && len(c.Connection) <= maxConnection
		}},
	{name: "TABLE_NAME", expected: "the name or ARN of the DynamoDB table",
		valid: func(c *Config) bool { return isTable(c.TableName) }},
	{name: "SECRET_ID", expected: "the ARN or name of the secret, without blanks",
		valid: func(c *Config) bool {
			return len(c.SecretID) <= 2048 && !strings.ContainsFunc(c.SecretID, blankOrControl)
		}},
	{name: "BC_BASE_URL", expected: expectedURL, valid: func(c *Config) bool { return isBaseURL(c.BCBaseURL) }},
	{name: "BC_TOKEN_URL", expected: expectedURL + ", with {tenant} where the tenant id belongs", valid: validTokenURL},
	{name: "BC_ENVIRONMENT", expected: "the environment's name, such as Production",
		valid: func(c *Config) bool { return isPathPart(c.BCEnvironment) }},
	{name: "BC_COMPANY", expected: "the company's name (at most 30 characters) or its id (a GUID)", valid: validCompany},
	{name: "BC_PROFILE", expected: strings.Join(profiles, ", ") + ", or the path of a .yaml file in the package, such as files/ours.yaml",
		valid: func(c *Config) bool { return slices.Contains(profiles, c.BCProfile) || isYAML(c.BCProfile) },
		file:  (*Config).profileFile},
	{name: "BC_CONTACT_SERVICE", expected: expectedService, valid: func(c *Config) bool { return isService(c.BCContactService) }},
	{name: "BC_CUSTOMER_SERVICE", expected: expectedService, valid: func(c *Config) bool { return isService(c.BCCustomerService) }},
	{name: "BC_CUSTOMER_CARD_SERVICE", expected: expectedService, valid: func(c *Config) bool { return isService(c.BCCustomerCardService) }},
	{name: "BC_API_PATH", expected: "three parts, publisher/group/version, such as contoso/sync/v1.0", valid: validAPIPath},
	{name: "IPAAS_BASE_URL", expected: expectedURL, valid: func(c *Config) bool { return isBaseURL(c.IPaaSBaseURL) }},
	{name: "IPAAS_SYSTEM_ID", expected: "the subscription's id, a positive whole number", valid: validSystemID},
	{name: "IPAAS_RATE", expected: "calls per window, such as 500/60s, or auto", valid: readable},
	{name: "COLLISION_METHOD", expected: CollideWithError + " or " + UpdateAndLink,
		valid: func(c *Config) bool {
			return c.CollisionMethod == CollideWithError || c.CollisionMethod == UpdateAndLink
		}},
	{name: "COMPANY_NOT_FOUND", expected: CompanyRequired + " or " + TransferWithoutCompany,
		valid: func(c *Config) bool {
			return c.CompanyNotFound == CompanyRequired || c.CompanyNotFound == TransferWithoutCompany
		}},
	{name: "MAPPING_FILE", expected: "the path of a .yaml file in the package, such as files/ours.yaml",
		valid: func(c *Config) bool { return c.MappingFile == "" || isYAML(c.MappingFile) },
		file:  func(c *Config) string { return c.MappingFile }},
	{name: "POLL_OVERLAP", expected: "a duration longer than 10m (the longest transaction of Business Central), such as 15m",
		valid: func(c *Config) bool { return c.PollOverlap > maxTransaction }},
	{name: "RETRY_UNIT", expected: "a duration above zero and of at most 720h, such as 10m",
		valid: func(c *Config) bool { return c.RetryUnit > 0 && c.RetryUnit <= maxRetryUnit }},
	{name: "WORKERS", expected: "a whole number from 1 to " + strconv.Itoa(maxWorkers),
		valid: func(c *Config) bool { return c.Workers >= 1 && c.Workers <= maxWorkers }},
	{name: "WEBHOOK_URL", expected: "a URL that starts with https:// and has neither user nor fragment" +
		" (http:// only for loopback addresses and host.docker.internal)",
		valid:   func(c *Config) bool { return c.WebhookURL == "" || isCallableURL(c.WebhookURL) },
		onlyFor: []Part{Poll, Command}},
	{name: "LOG_LEVEL", expected: "debug, info, warn or error", valid: readable},
}

// readable is the rule of settings whose type refuses every wrong value.
func readable(*Config) bool { return true }

func validTokenURL(c *Config) bool {
	// A placeholder in the host would let the tenant choose who gets the client secret.
	_, rest, _ := strings.Cut(c.BCTokenURL, "://")
	host, path, _ := strings.Cut(rest, "/")
	if strings.ContainsAny(host, "{}") || strings.ContainsAny(strings.ReplaceAll(path, "{tenant}", ""), "{}") {
		return false
	}
	return isBaseURL(c.TokenURL("tenant"))
}

func validCompany(c *Config) bool {
	return (utf8.RuneCountInString(c.BCCompany) <= maxCompany || len(c.BCCompany) == 36) &&
		utf8.ValidString(c.BCCompany) && !strings.ContainsFunc(c.BCCompany, unicode.IsControl)
}

func validAPIPath(c *Config) bool {
	if c.BCAPIPath == "" {
		return true
	}
	parts := strings.Split(c.BCAPIPath, "/")
	return len(parts) == 3 && !slices.ContainsFunc(parts, func(part string) bool { return !apiSegment.MatchString(part) })
}

func validSystemID(c *Config) bool {
	id, err := strconv.ParseUint(c.IPaaSSystemID, 10, 64)
	return err == nil && id > 0 && id <= math.MaxInt64
}

func isService(name string) bool {
	return utf8.RuneCountInString(name) <= maxServiceName && serviceName.MatchString(name)
}

func isYAML(path string) bool {
	return strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")
}

func isPathPart(s string) bool {
	return s != "." && s != ".." && !strings.ContainsAny(s, `/\?#%`) && !strings.ContainsFunc(s, unicode.IsControl)
}

func blankOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// isBaseURL reports whether paths can be added to the URL.
func isBaseURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isCallableURL(text) && u.RawQuery == "" && !u.ForceQuery
}

// isCallableURL reports whether calls with secrets may go to the URL.
func isCallableURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && isThisMachine(u.Hostname())
}

// isThisMachine reports whether a host is this machine: a loopback address, a
// loopback name, or the host as a container of `sam local` sees it.
func isThisMachine(host string) bool {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || name == "host.docker.internal" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
