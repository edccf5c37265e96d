package browsertest_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
)

var screenshots = flag.String("screenshots", "", "folder, from this package, that the screenshots are written to; without it none are")

// A look is one way in which the page is seen.
type look struct {
	name          string
	width, height int64
	scheme        string // prefers-color-scheme
}

// TestEveryViewFitsEveryScreen opens each view on a wide and a narrow screen, light
// and dark. No view may be wider than its screen.
func TestEveryViewFitsEveryScreen(t *testing.T) {
	d := sit(t, busyDesk(t))
	d.enter(apptest.APIKey)
	d.shows("#runs", "poll")
	views := []struct{ name, address, selector, word string }{
		{"overview", "#/", "#errors", "DUPLICATE_CONTACT"},
		{"transfers", "#/transfers?status=failed", "#rows", "MISSING_EMAIL"},
		{"contact", "#/contact/CT000062", "#story", "Ensure email is present"},
		{"sync", "#/sync?id=CT000002", "#outcome", "would be updated"},
		{"preflight", "#/preflight", "#checks", "web service Contact_Card"},
	}
	for _, l := range []look{{"light", 1280, 900, "light"}, {"dark", 1280, 900, "dark"}, {"375", 375, 812, "light"}} {
		d.do("look as "+l.name, chromedp.EmulateViewport(l.width, l.height), prefers(l.scheme))
		for _, v := range views {
			d.view(v.address)
			d.until(v.name+" has the focus", `document.activeElement.id === "`+v.name+`-heading"`)
			d.shows(v.selector, v.word)
			if wide := d.number("document.documentElement.scrollWidth"); wide > int(l.width) {
				t.Errorf("%s is %d wide on a screen of %d", v.name, wide, l.width)
			}
			d.keep(v.name + "-" + l.name + ".png")
		}
	}
}

// busyDesk is the demo company after some days: every state and every trigger.
func busyDesk(t *testing.T) *apptest.World {
	t.Helper()
	browser(t)
	w := apptest.New(t)
	demo := businesscentraltest.NewDemo()
	links := map[string]string{}
	for _, company := range demo.LinkedCompanies {
		links[company.Name] = company.Number
	}
	w.Target.AddDemo(links, demo.TakenEMails...)
	if err := w.Source.AddDemo(); err != nil {
		t.Fatal(err)
	}
	w.Poll()
	w.Clock.Advance(time.Hour)
	if err := w.Source.ApplyDemoEdits(); err != nil {
		t.Fatal(err)
	}
	w.Poll()
	for i, no := range []string{"CT000004", "CT000005", "CT000009"} {
		w.Edit(no, func(c *businesscentraltest.Contact) {
			c.JobTitle, c.City = "Buyer", []string{"Rome", "Oslo", "Bern"}[i]
		})
		w.Clock.Advance(20 * time.Minute)
		w.Poll()
	}
	w.Edit("CT000002", func(c *businesscentraltest.Contact) { c.WebUserRole = "Owner" })
	return w
}

func prefers(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// keep writes what the screen shows, where a folder is named for it.
func (d *desk) keep(name string) {
	d.t.Helper()
	if *screenshots == "" {
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
