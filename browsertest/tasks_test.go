package browsertest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

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

	d.shows("#errors", "Missing Email", "MISSING_EMAIL", "Ensure email is present", "44553|contact")
	d.click("#errors a[href*='44553']")
	d.shows("#contact", "Contact 44553|contact", "Ensure email is present in Microsoft Dynamics 365 before syncing.")

	w.Edit("44553", func(c *businesscentraltest.Contact) { c.EMail = "grace@example.com" })
	d.click("#replay")
	d.shows("#story", "It waits for its transfer.")
	w.Poll()
	d.shows("#story", "was created")
	d.shows("#message", "44553|contact: succeeded")
	if got := w.State("44553"); got.Status != transfer.Succeeded || w.Target.CountCustomers() != 2 {
		t.Errorf("44553 is %s and there are %d customers; want it succeeded, and 2", got.Status, w.Target.CountCustomers())
	}
	d.view("#/")
	d.shows("#errors", "No contact stands failed or retrying.")
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
	d.view("#/transfers?status=pending")
	d.shows("#rows", "44552|contact", "44553|contact", "replay")
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
	d.shows("#outcome", "would be updated", "Buyer", "Owner", "It would not arrive.")
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
	d.shows("#outcome", "updated", "Contact Not Found")
	d.shows("#message", "1 of 2 contacts succeeded.")
}

func TestAWrongKeyIsRefusedAndARightOneIsKeptForTheTab(t *testing.T) {
	w := apptest.New(t)
	d := sit(t, w)
	for _, wrong := range []string{"wrong", "schlüssel-€"} {
		d.enter(wrong)
		d.shows("#failure", "Unauthorized")
		d.shows("#login", "Operator's key")
		if d.number("sessionStorage.length") != 0 {
			t.Error("the wrong key is kept")
		}
	}
	d.enter(apptest.APIKey)
	d.shows("#overview", "No contact stands failed", "No run yet.")
	d.do("reload", chromedp.Reload())
	d.shows("#overview", "No run yet.")
	d.click("#forget")
	d.shows("#login", "Operator's key")
	if d.number("sessionStorage.length + localStorage.length + document.cookie.length") != 0 {
		t.Error("the key is still in the browser")
	}
}

func TestTenThousandTransfersAreReadAPageAtATime(t *testing.T) {
	browser(t)
	w := apptest.New(t)
	contacts := make([]businesscentraltest.Contact, 10_000)
	for i := range contacts {
		contacts[i] = apptest.Person(fmt.Sprintf("N%05d", i), fmt.Sprintf("n%05d@example.com", i))
	}
	w.Clock.Advance(time.Second)
	if err := w.Source.AddContacts(contacts...); err != nil {
		t.Fatal(err)
	}
	if run := w.Poll(); run.Counts.Created != len(contacts) {
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
	if rows := d.number(`document.querySelectorAll("#rows tr").length`); rows != 50 {
		t.Errorf("the page holds %d rows, want those of one page", rows)
	}
	d.click("#newer")
	d.shows("#position", "201 to 250")
	d.view("#/transfers?status=failed")
	d.shows("#rows", "No transfer matches the filter.")
	d.write("#find-id", "n09999\r")
	d.shows("#contact", "Contact N09999|contact", "was created")
}

func TestThePageIsWorkedByKeyboard(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", ""))
	w.Poll()
	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#errors", "MISSING_EMAIL")
	for name, address := range map[string]string{"transfers": "#/transfers", "sync": "#/sync", "preflight": "#/preflight", "contact": "#/contact/44552"} {
		d.view(address)
		d.until("the heading of "+name+" has the focus", fmt.Sprintf(`document.activeElement.id === "%s-heading"`, name))
	}
	d.view("#/")
	d.until("the heading has the focus", `document.activeElement.id === "overview-heading"`)
	for d.number(`document.activeElement.textContent === "Replay 1 contact" ? 1 : 0`) == 0 {
		d.press(kb.Tab)
		if d.number(`document.activeElement === document.body ? 1 : 0`) == 1 {
			t.Fatal("the Tab key does not lead to the replay")
		}
	}
	d.press(kb.Enter)
	d.shows("#question", "Transfer 1 contact")
	d.until("the safe answer has the focus", `document.activeElement.id === "question-no"`)
	d.press(kb.Escape)
	d.until("the question is gone and the focus is back", `!document.getElementById("question").open && document.activeElement.textContent === "Replay 1 contact"`)
	if got := w.State("44552"); got.Status != transfer.Failed {
		t.Errorf("after Escape the contact is %s", got.Status)
	}
}
