package browsertest_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"contactsync/shared/app/apptest"
)

// patience is how long the page may take for one step of a person.
const patience = 30 * time.Second

// A desk is a World with its routes on a loopback port and a browser before it.
type desk struct {
	*apptest.World
	t    *testing.T
	url  string
	page context.Context
}

func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is installed: make browser installs Debian's and runs these tests")
	return ""
}

// sit serves the World and opens a new browser with an empty profile. A script
// that throws, or that the content security policy stops, fails the test.
func sit(t *testing.T, w *apptest.World) *desk {
	t.Helper()
	path := browser(t)
	handler, err := w.App.Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("lang", "en-GB"),
		chromedp.Env("TZ=UTC"), chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.UserDataDir(profile(t)),
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	page, leave := chromedp.NewContext(allocator)
	d := &desk{World: w, t: t, url: server.URL, page: page}
	messages := chromedp.Console(page)
	if err := chromedp.Do(page); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	ended := make(chan struct{})
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
	t.Cleanup(func() {
		leave()
		<-ended
	})
	return d
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
func (d *desk) seen() string {
	text, err := chromedp.Run(d.page, chromedp.Evaluate[string]("document.body.innerText"))
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

// view opens a view by its address.
func (d *desk) view(address string) {
	d.t.Helper()
	d.do("open "+address, chromedp.Evaluate[chromedp.Void](fmt.Sprintf("location.hash = %q", address)))
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

func (d *desk) press(key string) {
	d.t.Helper()
	d.do("press a key", chromedp.KeyEvent(key))
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

// visible reports whether the element can be seen.
func (d *desk) visible(id string) bool {
	d.t.Helper()
	return d.number(fmt.Sprintf("document.getElementById(%q).checkVisibility() ? 1 : 0", id)) == 1
}
