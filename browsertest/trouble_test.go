package browsertest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/status"
)

func TestAKeyThatExpiresInMidUseIsAskedForAndTheWorkGoesOn(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", "ada@example.com"))
	w.Poll()
	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#overview", "Runs")
	d.view("#/sync")
	d.write("#ids", "44552")

	// The secret rotates: the same table, another key.
	rotated := apptest.New(t, apptest.Options{Store: w.Store, Secret: strings.ReplaceAll(w.Secret(), apptest.APIKey, "another-key")})
	rotated.Add(apptest.Person("44552", "ada@example.com"))
	handler, err := rotated.App.Handler()
	if err != nil {
		t.Fatal(err)
	}
	d.answer(handler)
	d.click("#preview")
	d.shows("#failure", "Your key is no longer accepted.", "you stay where you were")
	d.shows("#login", "Operator's key")
	if d.visible("sync") || d.visible("nav") || d.number("sessionStorage.length") != 0 {
		t.Error("after the key expired the views are still open, or the key is kept")
	}
	d.write("#key", "another-key\r")
	d.shows("#sync", "Contacts, one in each line")
	d.until("what was typed is still there", `document.getElementById("ids").value === "44552"`)
	d.click("#preview")
	d.shows("#outcome", "44552|contact", "would be")
	d.lacks("#failure", "key")
}

// aTable is a store that can be taken away.
type aTable struct {
	status.Store
	gone atomic.Bool
}

var errGone = errors.New("the table does not answer")

func (s *aTable) Runs(ctx context.Context, limit int) ([]status.Run, error) {
	if s.gone.Load() {
		return nil, errGone
	}
	return s.Store.Runs(ctx, limit)
}

func (s *aTable) Transfers(ctx context.Context, q status.Query) (status.Page, error) {
	if s.gone.Load() {
		return status.Page{}, errGone
	}
	return s.Store.Transfers(ctx, q)
}

func (s *aTable) ErrorCounts(ctx context.Context) ([]status.ErrorCount, error) {
	if s.gone.Load() {
		return nil, errGone
	}
	return s.Store.ErrorCounts(ctx)
}

func (s *aTable) Request(ctx context.Context, requests ...request) error {
	if s.gone.Load() {
		return errGone
	}
	return s.Store.Request(ctx, requests...)
}

func TestATableThatDoesNotAnswerIsNamedWithItsCure(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", ""))
	w.Poll()
	table := &aTable{Store: w.Store}
	w.Store = table
	w.Restart()
	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#errors", "MISSING_EMAIL")

	table.gone.Store(true)
	d.click("#nav a[data-view=transfers]")
	d.shows("#failure", "Unavailable: The request could not be stored or answered right now.", "Send the request again after a few seconds", "check the table", "Try again")
	d.lacks("main", "MISSING_EMAIL")
	d.do("look at it", prefers("dark"))
	if problems := d.text(accessibilityChecks); strings.Contains(problems, "contrast") {
		t.Errorf("the message: %s", problems)
	}
	table.gone.Store(false)
	d.click("#failure button")
	d.shows("#rows", "44552|contact")
	d.lacks("#failure", "Unavailable")

	d.part("an action that failed leaves the view", func(*testing.T) {
		d.view("#/contact/44552")
		d.shows("#story", "Ensure email is present")
		table.gone.Store(true)
		d.click("#replay")
		d.shows("#failure", "Unavailable")
		d.shows("#story", "Ensure email is present")
		table.gone.Store(false)
		d.click("#failure button")
		d.shows("#story", "It waits for its transfer.")
		d.lacks("#failure", "Unavailable")
	})
}

func TestAnswersFromInBetweenAndNoneAtAllAreTold(t *testing.T) {
	w := apptest.New(t)
	w.Poll()
	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#runs", "poll")
	d.answer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusBadGateway)
		_, _ = rw.Write([]byte("<html><script>alert(1)</script></html>"))
	}))
	d.click("#refresh")
	d.shows("#failure", "The server answered 502 without a reason.", "Try again")
	d.answer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	d.click("#failure button")
	d.shows("#failure", "The server did not answer.", "Check your network connection")
	d.answer(nil)
	d.click("#failure button")
	d.shows("#overview", "No contact stands failed")
}

func TestAPauseAndARunThatCouldNotWorkStandAboveEveryView(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", "ada@example.com"))
	w.Poll()
	if err := w.Store.SetPaused(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Second)
	w.Poll()
	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#connection", "paused", "Transfers are paused.", "what is accepted waits", "contactsync resume")
	d.view("#/preflight")
	d.shows("#checks", "Paused: accepted work waits until contactsync resume.")
	d.shows("#verdict", "not ready")
	d.view("#/sync")
	d.shows("#connection", "Transfers are paused.")
	d.write("#ids", "44552")
	d.click("#preview")
	d.shows("#outcome", "no change")
	d.click("#send")
	d.shows("#outcome", "pending", "It is stored and waits for the next run.")
	d.shows("#message", "0 of 1 contact succeeded. 1 contact waits for the next run.")

	if err := w.Store.SetPaused(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	w.Source.DenyPermission(true)
	w.Clock.Advance(time.Second)
	if _, err := w.App.Run(t.Context(), pollEvent); err == nil {
		t.Fatal("the run worked without permission")
	}
	d.view("#/transfers")
	d.shows("#connection", "stopped", "SOURCE_UNAUTHORIZED", "What to do:", "permission set in Business Central")
	d.accessible("a connection that is stopped")

	w.Source.DenyPermission(false)
	w.Clock.Advance(time.Second)
	w.Poll()
	d.view("#/")
	d.until("nothing holds it up", `document.getElementById("connection").hidden`)
	d.click("#runs summary")
	d.shows("#runs", "SOURCE_UNAUTHORIZED", "permission set in Business Central")
}

func TestHostileDataIsShownAsText(t *testing.T) {
	w := apptest.New(t)
	const script = `<script>document.title="taken"</script><img src=x onerror="document.title='taken'">`
	const image = `<img src=x onerror=hack()>`
	const rightToLeft = "\u202e\u05d0\u05d1 <b>"
	long := apptest.Person("W"+strings.Repeat("W", 18)+"&", "long@example.com")
	odd := apptest.Person(`<B>"'/%2F &A`, "odd@example.com")
	odd.City, odd.Address = image, rightToLeft
	w.Add(long, odd, apptest.Person("44552", "ada@example.com"))
	w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, When: func(r ipaastest.Request) bool { return strings.Contains(string(r.Body), "44552") },
		Effect: ipaastest.Refused(http.StatusBadRequest, `BIZL-"><script>`, script+rightToLeft+strings.Repeat("x", 300))})
	w.Poll()
	w.Edit(odd.No, func(c *businesscentraltest.Contact) { c.City = image + "2" })

	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#errors", "DESTINATION_REJECTED")
	for _, width := range []int64{1280, 375} {
		d.do("look", chromedp.EmulateViewport(width, 900))
		d.view("#/transfers")
		d.shows("#rows", long.No+"|contact", odd.No+"|contact", "DESTINATION_REJECTED", "<script>")
		d.view("#/contact/44552")
		d.shows("#story", "<script>")
		d.view("#/sync?id=" + escape(odd.No))
		d.shows("#outcome", "would be updated", image)
		d.click("#outcome summary")
		d.shows("#outcome pre", "onerror")
		if wide := d.number("document.documentElement.scrollWidth"); wide > int(width) {
			t.Errorf("hostile data makes the page %d wide on a screen of %d", wide, width)
		}
	}
	d.view("#/transfers")
	d.click(`#rows a[href*="%3CB%3E"]`)
	d.shows("#contact", "Contact "+odd.No+"|contact", "was created")
	d.view("#/contact/" + escape(script))
	d.shows("#story", "No transfer of this contact is known")
	d.view("#/transfers?q=" + escape(script))
	d.shows("#rows", "DESTINATION_REJECTED")
	d.do("ask for a status that is none", chromedp.Evaluate[chromedp.Void](`location.hash = "#/transfers?status=`+escape(script)+`"`))
	d.shows("#failure", "Bad Request", "<script>")
	if d.holds(`document.title === "taken" || document.querySelector("main script, main img, main b") !== null`) {
		t.Error("data became part of the page")
	}
}

func TestTimesAreTheReadersWithTheExactUTCBehindThem(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", "")) // the clock then stands at 10:00:01 UTC
	w.Poll()
	d := sit(t, w)
	d.do("live in New York", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "America/New_York"})
		return err
	}))
	d.enter(apptest.APIKey)
	d.shows("#overview", "Runs")
	d.view("#/contact/44552")
	d.shows("#facts", "5:00:01")
	d.shows("#zone", "America/New_York")
	if exact := d.text(`document.querySelector("#facts time").title`); exact != "2026-01-31 10:00:01.000 UTC" {
		t.Errorf("the exact time is %q", exact)
	}
	d.view("#/transfers?since=2026-01-31T10:00:01.000Z")
	d.shows("#rows", "44552|contact")
	d.until("the field shows the reader's time", `document.getElementById("since").value.startsWith("2026-01-31T05:00")`)
	d.do("ask for a second later", chromedp.Evaluate[chromedp.Void](`document.getElementById("since").value = "2026-01-31T05:00:02"`))
	d.click("#filter .main")
	d.shows("#rows", "No transfer matches the filter.")
	d.until("the address holds the moment", `decodeURIComponent(location.hash).includes("since=2026-01-31T10:00:02.000Z")`)
}

func TestIDsAreCopied(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", "ada@example.com"))
	w.Poll()
	d := sit(t, w)
	d.do("allow the clipboard", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{Permission: &cdpbrowser.PermissionDescriptor{Name: "clipboard-write"}, Setting: cdpbrowser.PermissionSettingGranted, Origin: d.url})
		return err
	}))
	d.enter(apptest.APIKey)
	d.shows("#overview", "Runs")
	d.view("#/contact/44552")
	d.click("#contact-copy button")
	d.shows("#message", "Copied 44552|contact")
}
