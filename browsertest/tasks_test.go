package browsertest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/transfer"
)

func TestAFailedContactIsFoundUnderstoodMendedAndReplayed(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", "ada@example.com"), apptest.Person("44553", ""))
	w.Poll()
	d := sit(t, w)
	d.enter(apptest.APIKey)

	d.shows("#state", "1", "needs a person")
	d.shows("#errors", "Missing Email", "MISSING_EMAIL", "Ensure email is present", "44553|contact")
	d.click("#errors a[href*='44553']")
	d.shows("#contact", "Contact 44553|contact", "EmailAddress is empty", "Ensure email is present in Microsoft Dynamics 365 before syncing.")

	w.Edit("44553", func(c *businesscentraltest.Contact) { c.EMail = "grace@example.com" })
	d.click("#replay")
	d.shows("#story", "It waits for its transfer.")
	w.Poll()
	d.shows("#story", "was created")
	d.shows("#message", "44553|contact: succeeded")
	d.shows("#attempts", "replay", "MISSING_EMAIL")
	if got := w.State("44553"); got.Status != transfer.Succeeded || w.Target.CountCustomers() != 2 {
		t.Errorf("44553 is %s and there are %d customers; want it succeeded, and 2", got.Status, w.Target.CountCustomers())
	}
	d.view("#/")
	d.shows("#errors", "No contact stands failed or retrying.")
	d.shows("#state", "nothing needs you")
}

func TestAllContactsWithOneCauseAreReplayedAfterAQuestion(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", ""), apptest.Person("44553", ""))
	w.Poll()
	d := sit(t, w)
	d.enter(apptest.APIKey)

	d.shows("#errors", "Replay 2 contacts")
	d.click("#errors button")
	d.shows("#question", "Transfer 2 contacts with MISSING_EMAIL once more?")
	d.click("#question-no")
	if got := w.State("44552"); got.Status != transfer.Failed {
		t.Fatalf("after No the contact is %s", got.Status)
	}
	d.click("#errors button")
	d.click("#question-yes")
	d.shows("#message", "2 contacts wait for another transfer.")
	d.shows("#state", "2", "wait for their transfer")

	w.Edit("44552", func(c *businesscentraltest.Contact) { c.EMail = "ada@example.com" })
	w.Edit("44553", func(c *businesscentraltest.Contact) { c.EMail = "grace@example.com" })
	w.Poll()
	d.shows("#message", "Nothing waits any more. The overview is up to date.")
	d.shows("#errors", "No contact stands failed or retrying.")
	d.view("#/transfers?status=succeeded")
	d.shows("#rows", "44552|contact", "44553|contact", "replay")
}

func TestWhatAListShowsIsReplayedFromTheList(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", ""), apptest.Person("44553", "none"))
	w.Poll()
	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#errors", "INVALID_EMAIL")
	d.view("#/transfers")
	d.shows("#rows", "44552|contact")
	if d.visible("these") {
		t.Error("a list of everything offers to replay it")
	}
	d.click("#statuses a[href*=failed]")
	d.shows("#these", "Replay all that failed")
	d.do("choose a cause", chromedp.Evaluate[chromedp.Void](`document.getElementById("code").value = "INVALID_EMAIL"`))
	d.click("#filter .main")
	d.shows("#these", "Replay all that failed with INVALID_EMAIL")
	d.lacks("#rows", "44552|contact")
	d.click("#replay-these")
	d.click("#question-yes")
	d.shows("#message", "1 contact waits for another transfer.")
	d.view("#/transfers?status=pending")
	d.shows("#rows", "44553|contact")
	d.lacks("#rows", "44552|contact")
}

func TestAContactIsSentOnlyAfterItsPreview(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", "ada@example.com"))
	w.Poll()
	w.Edit("44552", func(c *businesscentraltest.Contact) { c.WebUserRole = "Owner" })
	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#overview", "Runs")
	d.view("#/sync")
	d.shows("#sync", "Contacts, one in each line")
	if d.visible("send") {
		t.Error("transferring is offered before a preview")
	}
	d.write("#ids", "44552\nnobody")
	d.click("#preview")
	d.shows("#outcome-heading", "nothing was sent yet")
	d.shows("#outcome", "would be updated", "Buyer", "Owner", "would fail", "It would not arrive.", "1 id names no contact.")
	d.lacks("#outcome", "succeeded")
	before := w.State("44552").Number
	d.write("#ids", " ")
	if d.visible("send") {
		t.Error("transferring is still offered after the ids changed")
	}
	d.click("#preview")
	d.shows("#send", "Transfer 2 contacts now")
	if got := w.State("44552").Number; got != before {
		t.Errorf("the preview made an attempt: %d, before %d", got, before)
	}
	d.click("#send")
	d.shows("#outcome", "succeeded", "updated", "Contact Not Found")
	d.shows("#message", "1 of 2 contacts succeeded.")
}

func TestWhatAPreviewCannotChangeIsSaidInItsWords(t *testing.T) {
	w := apptest.New(t)
	company := apptest.Person("C1", "info@example.com")
	company.Type = "Company"
	w.Add(apptest.Person("44552", "ada@example.com"), company)
	w.Poll()
	w.Add(apptest.Person("44553", "grace@example.com"))
	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#overview", "Runs")
	d.view("#/sync")
	d.write("#ids", "44552\n44553\nC1\n ")
	d.click("#preview")
	d.shows("#outcome", "no change", "is up to date", "would be created", "would be left out")
	d.lacks("#outcome", "succeeded", "failed")
}

func TestManyContactsAreStoredAfterAQuestion(t *testing.T) {
	w := apptest.New(t)
	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#overview", "No run yet.")
	d.view("#/sync")
	d.do("paste 26 ids", chromedp.Evaluate[chromedp.Void](`document.getElementById("ids").value = Array.from({ length: 25 }, (_, i) => "N" + i).concat("no|such|id").join("\n")`))
	d.click("#preview")
	d.shows("#outcome", "The first 25 of 26 contacts")
	d.click("#send")
	d.shows("#question", "Transfer 26 contacts?")
	d.click("#question-yes")
	d.shows("#outcome", "25 contacts wait for the next run", "no|such|id", "Invalid Id")
	d.shows("#message", "25 contacts accepted, 1 rejected.")
}

func TestAWrongKeyIsRefusedAndARightOneIsKeptForTheTab(t *testing.T) {
	w := apptest.New(t)
	d := sit(t, w)
	for _, wrong := range []string{"wrong", "schlüssel-€"} {
		d.enter(wrong)
		d.shows("#failure", "This key is not accepted.", "Enter one of webhook.api_keys")
		d.shows("#login", "Operator's key")
		if d.number("sessionStorage.length") != 0 {
			t.Error("the wrong key is kept")
		}
	}
	d.accessible("the door")
	d.enter(apptest.APIKey)
	d.shows("#overview", "No contact stands failed", "No run yet.")
	d.do("reload", chromedp.Reload())
	d.shows("#overview", "No run yet.")
	if d.holds(`document.cookie !== "" || localStorage.length > 0 || location.href.includes("operator-key")`) {
		t.Error("the key is kept outside of the tab")
	}
	d.click("#forget")
	d.shows("#login", "Operator's key")
	if d.number("sessionStorage.length + localStorage.length + document.cookie.length") != 0 {
		t.Error("the key is still in the browser")
	}
}

func TestTenThousandTransfersAreReadAPageAtATimeAndSearched(t *testing.T) {
	browser(t)
	w := apptest.New(t)
	contacts := make([]businesscentraltest.Contact, 10_000)
	for i := range contacts {
		contacts[i] = apptest.Person(fmt.Sprintf("N%05d", i), fmt.Sprintf("n%05d@example.com", i))
	}
	contacts[4711].EMail = ""
	w.Clock.Advance(time.Second)
	if err := w.Source.AddContacts(contacts...); err != nil {
		t.Fatal(err)
	}
	if run := w.Poll(); run.Counts.Created != len(contacts)-1 {
		t.Fatalf("created %d", run.Counts.Created)
	}
	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#runs", "10,000")
	d.view("#/transfers")
	d.shows("#position", "1 to 50")
	for page := 2; page <= 6; page++ {
		d.click("#older")
		d.shows("#position", fmt.Sprintf("%d to %d", page*50-49, page*50))
	}
	d.smallPage(t)
	d.click("#newer")
	d.shows("#position", "201 to 250")
	fifth := d.text("location.hash")

	d.part("a page's address shows it to somebody else", func(*testing.T) {
		first := d.text(`document.querySelector("#rows a").innerText`)
		d.view("#/")
		d.do("open it anew", chromedp.Navigate("about:blank"), chromedp.Navigate(d.url+"/"+fifth))
		d.shows("#position", "201 to 250")
		d.shows("#rows", first)
		d.shows("#newer", "First page")
		d.click("#newer")
		d.shows("#position", "1 to 50")
		d.do("go back", chromedp.NavigateBack())
		d.shows("#position", "201 to 250")
	})
	d.part("a filter finds the one", func(*testing.T) {
		d.view("#/transfers?status=failed")
		d.shows("#rows", "N04711|contact", "MISSING_EMAIL")
		d.shows("#position", "1 to 1")
		d.view("#/transfers?status=skipped")
		d.shows("#rows", "No transfer matches the filter.")
	})
	d.part("a search goes through all pages, some at a time", func(t *testing.T) {
		d.view("#/transfers")
		d.write("#q", "n0999\r")
		d.shows("#position", "10 found in 2,000 transfers; there are more")
		d.shows("#rows", "N09990|contact", "N09999|contact")
		d.view("#/transfers?q=N00000") // a number as it is: found at once, at the other end of the list
		d.shows("#rows", "N00000|contact")
		d.view("#/transfers?q=n0471")
		for range 3 {
			d.shows("#position", "0 found in 2,000")
			d.click("#further")
			d.until("the search ended", `!document.body.hasAttribute("aria-busy")`)
			if d.holds(`document.getElementById("rows").innerText.includes("N04711|contact")`) {
				break
			}
		}
		d.shows("#rows", "N04711|contact", "N04710|contact")
		d.smallPage(t)
		d.view("#/transfers?status=failed&q=missing")
		d.shows("#position", "1 found in 1 transfers")
	})
	d.part("a contact is found by its number", func(*testing.T) {
		d.write("#find-id", "n09999\r")
		d.shows("#contact", "Contact N09999|contact", "was created")
	})
}

// smallPage fails when the page grew with the list behind it.
func (d *desk) smallPage(t *testing.T) {
	t.Helper()
	if rows := d.number(`document.querySelectorAll("#rows tr").length`); rows > 250 {
		t.Errorf("the page holds %d rows", rows)
	}
	if nodes := d.number(`document.querySelectorAll("*").length`); nodes > 6000 {
		t.Errorf("the page holds %d elements", nodes)
	}
}
