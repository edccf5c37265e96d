package webhook

import (
	"net/url"
	"strings"
)

// contactOf reads the resource of a notification: the subscribed resource with
// the key of the record behind it. It comes relative or absolute, with or without
// a leading slash, under the standard API or a custom one:
//
//	api/v2.0/companies(<guid>)/contacts(<guid>)
//	/api/v2.0/companies(<guid>)/contacts?$filter=lastModifiedDateTime%20gt%20…
//	https://host/v2.0/<tenant>/<environment>/api/publisher/group/v1.0/companies(<guid>)/contacts(<guid>)
//
// It returns the company as the resource names it, the key ("" when there is none)
// and whether the entity is contacts at all. The text is only taken apart; nothing
// in it is ever called.
//
// Source: business-central.md 8.2, 8.4, 8.5.
func contactOf(resource string) (company, key string, ours bool) {
	path, _, _ := strings.Cut(resource, "?")
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	path = strings.TrimRight(path, "/")
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		return "", "", false
	}
	company, found := lastCompany(path[:slash])
	if !found {
		return "", "", false
	}
	entity, rest, keyed := strings.Cut(path[slash+1:], "(")
	if !strings.EqualFold(entity, "contacts") {
		return "", "", false
	}
	key, closed := strings.CutSuffix(rest, ")")
	if !keyed || !closed {
		return company, "", true
	}
	return company, strings.Trim(key, "'"), true
}

// lastCompany returns the company that the last segment of a path is, if it is one:
// companies(<guid>), or companies('name') whose name may hold a slash.
func lastCompany(path string) (company string, found bool) {
	const set = "companies("
	at := strings.LastIndex(strings.ToLower(path), set)
	if at < 0 || at > 0 && path[at-1] != '/' {
		return "", false
	}
	key, closed := strings.CutSuffix(path[at+len(set):], ")")
	return strings.Trim(key, "'"), closed && key != "" && !strings.Contains(key, ")/")
}
