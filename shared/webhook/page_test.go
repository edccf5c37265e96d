package webhook_test

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestThePageNeedsNoKeyAndLoadsItsOwnFilesOnly(t *testing.T) {
	s := open(t)
	s.secretDown, s.store.down = true, true
	page := s.do(call{method: http.MethodGet, path: "/", nobody: true}).is(200)
	if page.header["Content-Type"] != "text/html; charset=utf-8" {
		t.Errorf("type %s", page.header["Content-Type"])
	}
	policy := page.header["Content-Security-Policy"]
	for _, rule := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, rule) {
			t.Errorf("the policy lacks %s: %s", rule, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		t.Errorf("the policy is too wide: %s", policy)
	}
	links := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.body, -1)
	files := 0
	for _, link := range links {
		if strings.HasPrefix(link[1], "#") {
			continue
		}
		files++
		asset := s.do(call{method: http.MethodGet, path: "/" + link[1], nobody: true}).is(200)
		if !strings.HasPrefix(link[1], "assets/") || asset.body == "" {
			t.Errorf("%s is not a file of the page", link[1])
		}
	}
	if files < 3 {
		t.Errorf("the page loads %d files, expected script, style and icon", files)
	}
}

func TestThePageIsServedSoThatNothingIsKeptFramedOrGuessed(t *testing.T) {
	s := open(t)
	for _, path := range append([]string{"/"}, assetPaths(t)...) {
		answer := s.do(call{method: http.MethodGet, path: path, nobody: true}).is(200)
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		} {
			if got := answer.header[name]; got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if policy := answer.header["Content-Security-Policy"]; !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
	}
}

func TestNoFileButThoseOfThePageIsServed(t *testing.T) {
	s := open(t)
	for _, path := range []string{"/assets/", "/assets/..", "/assets/../index.html", "/assets/%2e%2e/index.html", "/assets/../../page.go", "/assets/page.js/", "/assets//page.js", "/assets/nothing.js"} {
		if answer := s.do(call{method: http.MethodGet, path: path, nobody: true}); answer.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.status)
		}
	}
}

// assetPaths are the paths of the files in page/assets.
func assetPaths(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("page/assets/*")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files of the page, %v", len(files), err)
	}
	paths := make([]string, 0, len(files))
	for _, file := range files {
		paths = append(paths, "/assets/"+filepath.Base(file))
	}
	return paths
}

func TestThePageBreaksNoRuleOfItsOwnPolicy(t *testing.T) {
	s := open(t)
	body := s.do(call{method: http.MethodGet, path: "/", nobody: true}).body
	for what, pattern := range map[string]string{
		"an inline script": `(?i)<script(?:\s[^>]*)?>\s*[^<\s]`, "an inline style": `(?i)<style|\sstyle=`, "an event attribute": `(?i)\son[a-z]+=`, "another host": `(?i)(?:src|href|action)="(?:https?:)?//`,
	} {
		if found := regexp.MustCompile(pattern).FindString(body); found != "" {
			t.Errorf("the page has %s: %s", what, found)
		}
	}
	scripts := modules(t, s, "page.js")
	for name, script := range scripts {
		for _, unsafe := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "localStorage", ".style", "document.cookie", "import("} {
			if strings.Contains(script, unsafe) {
				t.Errorf("%s uses %s", name, unsafe)
			}
		}
	}
	if !strings.Contains(scripts["api.js"], "sessionStorage") {
		t.Error("the key is not kept for the tab")
	}
	for _, path := range assetPaths(t) {
		name := strings.TrimPrefix(path, "/assets/")
		if strings.HasSuffix(name, ".js") && scripts[name] == "" {
			t.Errorf("%s belongs to no part of the page", name)
		}
		content := s.do(call{method: http.MethodGet, path: path, nobody: true}).is(200).body
		for _, address := range regexp.MustCompile(`(?i)https?://[^"'\s)]+|url\([^#)][^)]*\)|@import`).FindAllString(content, -1) {
			if address != "http://www.w3.org/2000/svg" { // the name of a language, not an address
				t.Errorf("%s speaks of %s: the page needs no other host", name, address)
			}
		}
		if lines := strings.Count(content, "\n"); lines > 250 {
			t.Errorf("%s has %d lines; the page is made of small parts", name, lines)
		}
	}
}

// modules returns a script of the page and every one that it imports.
func modules(t *testing.T, s *site, names ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		if found[name] != "" {
			continue
		}
		found[name] = s.do(call{method: http.MethodGet, path: "/assets/" + name, nobody: true}).is(200).body
		for _, line := range regexp.MustCompile(`(?m)^import .*from "([^"]+)";$`).FindAllStringSubmatch(found[name], -1) {
			local, ok := strings.CutPrefix(line[1], "./")
			if !ok {
				t.Errorf("%s imports %s from elsewhere", name, line[1])
				continue
			}
			names = append(names, local)
		}
	}
	return found
}

func TestEveryControlOfThePageHasALabel(t *testing.T) {
	body := open(t).do(call{method: http.MethodGet, path: "/", nobody: true}).body
	if !strings.Contains(body, `<html lang="en">`) || !strings.Contains(body, `role="status"`) {
		t.Error("the page names no language or announces no messages")
	}
	for _, control := range regexp.MustCompile(`<(?:input|select|textarea)[^>]*\sid="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(body, `<label for="`+control[1]+`">`) {
			t.Errorf("%s has no label", control[1])
		}
	}
	if tables, captions := strings.Count(body, "<table "), strings.Count(body, "<caption"); tables != captions || tables == 0 {
		t.Errorf("%d tables have %d captions", tables, captions)
	}
}
