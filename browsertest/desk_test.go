package browsertest_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"contactsync/shared/app/apptest"
)

var needBrowser = flag.Bool("need-browser", false, "fail, instead of skipping, where no Chromium is installed")

// patience is how long the page may take for one step of a person.
const patience = 60 * time.Second

// A desk is a browser before the operator's page, with the World behind it, if
// there is one.
type desk struct {
	*apptest.World
	t    *testing.T
	url  string
	page context.Context
	// answers replaces what answers the page's requests; nil is the World's App.
	answers atomic.Pointer[http.Handler]
}

// browser returns the path of the installed Chromium.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no Chromium is installed: make browser installs Debian's and runs these tests"
	if *needBrowser {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// sit serves the World's routes on a loopback port and opens a browser before them.
func sit(t *testing.T, w *apptest.World) *desk {
	t.Helper()
	browser(t)
	handler, err := w.App.Handler()
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{World: w, t: t}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if other := d.answers.Load(); other != nil && r.URL.Path != "/" && !strings.HasPrefix(r.URL.Path, "/assets/") {
			(*other).ServeHTTP(rw, r)
			return
		}
		handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	d.url = server.URL
	d.open()
	return d
}

// answer lets something else answer the page's requests; nil is the App again.
func (d *desk) answer(h http.Handler) {
	if h == nil {
		d.answers.Store(nil)
		return
	}
	d.answers.Store(&h)
}

// open starts a browser with an empty profile. A script that throws, or that the
// content security policy stops, fails the test.
func (d *desk) open() {
	d.t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(browser(d.t)), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("lang", "en-GB"),
		chromedp.Env("TZ=UTC"), chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.UserDataDir(profile(d.t)),
	}
	allocator, stop := chromedp.NewExecAllocator(d.t.Context(), options...)
	d.t.Cleanup(stop)
	page, leave := chromedp.NewContext(allocator)
	d.page = page
	messages := chromedp.Console(page)
	if err := chromedp.Do(page, prefers("light")); err != nil {
		d.t.Fatalf("start Chromium: %v", err)
	}
	ended, t := make(chan struct{}), d.t
	go func() {
		defer close(ended)
		for m, err := range messages {
			if err != nil {
				return // the browser was closed
			}
			if m.Type == chromedp.ConsoleException || strings.Contains(m.Text, "Content Security Policy") {
				t.Errorf("the page's script failed: %s", m.Text)
			}
		}
	}()
	d.t.Cleanup(func() {
		leave()
		<-ended
	})
}

// part is a part of the test, which fails for itself.
func (d *desk) part(name string, do func(t *testing.T)) {
	whole := d.t
	whole.Run(name, func(t *testing.T) {
		d.t = t
		defer func() { d.t = whole }()
		do(t)
	})
}

// prefers sets the colour scheme, and that nothing moves: a picture shows no
// transition half way.
func prefers(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	})
}

func profile(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "browsertest") //nolint:usetesting // a browser that still writes on its way out fails no test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// do does the steps of a person within the patience.
func (d *desk) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.page, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		d.t.Fatalf("%s: %v; the page shows:\n%s", what, err, d.seen())
	}
}

// seen is what the page shows, for a message.
func (d *desk) seen() string { return d.text("document.body.innerText") }

// text evaluates a script that returns a text.
func (d *desk) text(script string) string {
	text, err := chromedp.Run(d.page, chromedp.Evaluate[string](script))
	if err != nil {
		return err.Error()
	}
	return text
}

// until waits for a condition of the page. The condition comes through the
// debugger, which the page's security policy does not concern.
func (d *desk) until(what, condition string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.page, patience)
	defer cancel()
	look := time.NewTicker(40 * time.Millisecond)
	defer look.Stop()
	for {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
		if err == nil && holds {
			return
		}
		select {
		case <-ctx.Done():
			d.t.Fatalf("waited in vain until %s (%v); the page shows:\n%s", what, err, d.seen())
		case <-look.C:
		}
	}
}

// enter opens the page with a key.
func (d *desk) enter(key string) {
	d.t.Helper()
	d.do("open the page", chromedp.Navigate(d.url+"/"))
	d.write("#key", key+"\r")
}

// view opens a view by its address and waits until it is whole.
func (d *desk) view(address string) {
	d.t.Helper()
	script := `document.activeElement.blur();
		if (location.hash === %[1]q) window.dispatchEvent(new HashChangeEvent("hashchange"));
		else location.hash = %[1]q;`
	d.do("open "+address, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(script, address)))
	d.until(address+" is open", `document.activeElement.id.endsWith("-heading") && !document.body.hasAttribute("aria-busy")`)
}

// shows waits until the element is visible and its text holds all of the words.
func (d *desk) shows(selector string, words ...string) {
	d.t.Helper()
	condition := `(() => {
		const e = document.querySelector(%q);
		return e !== null && e.checkVisibility() && %s.every((w) => e.innerText.includes(w)) && !document.body.hasAttribute("aria-busy");
	})()`
	d.until(fmt.Sprintf("%s shows %q", selector, words), fmt.Sprintf(condition, selector, list(words)))
}

// lacks fails when the element's text holds one of the words.
func (d *desk) lacks(selector string, words ...string) {
	d.t.Helper()
	for _, word := range words {
		if d.holds(fmt.Sprintf("document.querySelector(%q).innerText.includes(%q)", selector, word)) {
			d.t.Errorf("%s shows %q", selector, word)
		}
	}
}

func list(words []string) string {
	var quoted []string
	for _, w := range words {
		quoted = append(quoted, fmt.Sprintf("%q", w))
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

func (d *desk) click(selector string) {
	d.t.Helper()
	d.do("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

func (d *desk) write(selector, text string) {
	d.t.Helper()
	d.do("write into "+selector, chromedp.SendKeys(chromedp.CSS(selector), text))
}

func (d *desk) press(keys ...string) {
	d.t.Helper()
	for _, key := range keys {
		d.do("press a key", chromedp.KeyEvent(key))
	}
}

// number evaluates a script that returns a number.
func (d *desk) number(script string) int {
	d.t.Helper()
	n, err := chromedp.Run(d.page, chromedp.Evaluate[int](script))
	if err != nil {
		d.t.Fatalf("%s: %v", script, err)
	}
	return n
}

// holds evaluates a condition now.
func (d *desk) holds(condition string) bool {
	d.t.Helper()
	return d.number("("+condition+") ? 1 : 0") == 1
}

// visible reports whether the element can be seen.
func (d *desk) visible(id string) bool {
	d.t.Helper()
	return d.holds(fmt.Sprintf("document.getElementById(%q).checkVisibility()", id))
}
